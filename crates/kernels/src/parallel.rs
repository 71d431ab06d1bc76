//! The one place that knows whether there are threads.

/// Calls `work(index, chunk)` for each chunk of `length` elements of `data`, in parallel with feature `parallel`.
pub(crate) fn for_each_chunk<T: Send>(data: &mut [T], length: usize, work: impl Fn(usize, &mut [T]) + Sync + Send) {
    if length == 0 {
        return;
    }
    #[cfg(feature = "parallel")]
    {
        use rayon::prelude::*;
        data.par_chunks_mut(length).enumerate().for_each(|(index, chunk)| work(index, chunk));
    }
    #[cfg(not(feature = "parallel"))]
    data.chunks_mut(length).enumerate().for_each(|(index, chunk)| work(index, chunk));
}

/// Calls `work` for each item, in parallel with feature `parallel`.
pub fn for_each<T: Send>(items: Vec<T>, work: impl Fn(T) + Sync + Send) {
    #[cfg(feature = "parallel")]
    {
        use rayon::prelude::*;
        items.into_par_iter().for_each(work);
    }
    #[cfg(not(feature = "parallel"))]
    items.into_iter().for_each(work);
}

/// How many threads share the work: one without feature `parallel`.
#[must_use]
pub fn threads() -> usize {
    #[cfg(feature = "parallel")]
    return rayon::current_num_threads();
    #[cfg(not(feature = "parallel"))]
    1
}
