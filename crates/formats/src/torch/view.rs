//! A strided view of a storage, checked before it is used.

use std::borrow::Cow;

use super::FORMAT;
use crate::{Error, Result, shape};

/// Where the elements of a tensor are: element `index` at `offset + sum(index * strides)`, all of them
/// inside the storage.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct View {
    offset: usize,
    pub(super) shape: Vec<usize>,
    strides: Vec<usize>,
    pub(super) numel: usize,
}

impl View {
    /// A view of a storage of `available` elements. Elements may be seen more than once; the caller
    /// bounds `numel`.
    pub(super) fn new(offset: usize, shape: Vec<usize>, strides: Vec<usize>, available: usize) -> Result<Self> {
        let numel = shape::numel(FORMAT, &shape)?;
        if strides.len() != shape.len() {
            let reason = format!("{} strides for the {} dimensions of a tensor", strides.len(), shape.len());
            return Err(Error::malformed(FORMAT, reason));
        }
        let view = Self { offset, shape, strides, numel };
        if numel > 0 && view.last().is_none_or(|last| last >= available) {
            let Self { offset, shape, strides, .. } = view;
            let reason = format!(
                "a tensor of shape {shape:?}, strides {strides:?} and offset {offset} is outside its storage of \
                 {available} elements"
            );
            return Err(Error::malformed(FORMAT, reason));
        }
        Ok(view)
    }

    /// The position of the last element; None beyond the range of usize.
    fn last(&self) -> Option<usize> {
        self.shape.iter().zip(&self.strides).try_fold(self.offset, |position, (&size, &stride)| {
            position.checked_add(size.saturating_sub(1).checked_mul(stride)?)
        })
    }

    fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        self.shape.iter().zip(&self.strides).rev().all(|(&size, &stride)| {
            let fits = size == 1 || stride == expected;
            expected *= size;
            fits
        })
    }

    /// The bytes of the view's elements in row-major order, out of a storage of elements of `width` bytes.
    /// None where the storage is shorter than was said.
    pub(super) fn gather<'s>(&self, storage: &'s [u8], width: usize) -> Option<Cow<'s, [u8]>> {
        if self.numel == 0 {
            return Some(Cow::Borrowed(&[]));
        }
        if self.is_contiguous() {
            let start = self.offset.checked_mul(width)?;
            return storage.get(start..start.checked_add(self.numel.checked_mul(width)?)?).map(Cow::Borrowed);
        }
        let mut gathered = Vec::with_capacity(self.numel.checked_mul(width)?);
        let mut index = vec![0; self.shape.len()];
        for _ in 0..self.numel {
            let steps = index.iter().zip(&self.strides).map(|(index, stride)| index * stride);
            let start = (self.offset + steps.sum::<usize>()).checked_mul(width)?;
            gathered.extend_from_slice(storage.get(start..start.checked_add(width)?)?);
            advance(&mut index, &self.shape);
        }
        Some(Cow::Owned(gathered))
    }
}

/// The next index in row-major order; zeros after the last.
fn advance(index: &mut [usize], shape: &[usize]) {
    for (index, size) in index.iter_mut().zip(shape).rev() {
        *index += 1;
        if *index < *size {
            return;
        }
        *index = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gathered(offset: usize, shape: &[usize], strides: &[usize]) -> Vec<u8> {
        let storage: Vec<u8> = (0..12).flat_map(|element| [element, 100 + element]).collect();
        let view = View::new(offset, shape.to_vec(), strides.to_vec(), 12).unwrap();
        let bytes = view.gather(&storage, 2).unwrap();
        let (elements, rest) = bytes.as_chunks::<2>();
        assert!(rest.is_empty() && elements.iter().all(|[low, high]| *high == 100 + low));
        elements.iter().map(|[low, _]| *low).collect()
    }

    #[test]
    fn elements_come_in_row_major_order_whatever_the_strides() {
        assert_eq!(gathered(0, &[3, 4], &[4, 1]), (0..12).collect::<Vec<_>>());
        assert_eq!(gathered(0, &[4, 3], &[1, 4]), [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]);
        assert_eq!(gathered(5, &[2, 2], &[4, 2]), [5, 7, 9, 11]);
        assert_eq!(gathered(7, &[], &[]), [7]);
        assert_eq!(gathered(11, &[3], &[0]), [11, 11, 11]);
        assert_eq!(gathered(11, &[1, 1], &[usize::MAX, 5]), [11]);
        assert_eq!(gathered(10, &[2, 1], &[1, usize::MAX]), [10, 11]);
        assert!(gathered(99, &[0, 3], &[7, 7]).is_empty());
    }

    #[test]
    fn a_view_that_leaves_its_storage_is_refused() {
        for (offset, shape, strides) in [
            (0, vec![13], vec![1]),
            (1, vec![3, 4], vec![4, 1]),
            (12, vec![], vec![]),
            (0, vec![2, 2], vec![11, 1]),
            (0, vec![2], vec![usize::MAX]),
            (usize::MAX, vec![2], vec![usize::MAX]),
            (0, vec![3], vec![usize::MAX / 2 + 1]),
            (0, vec![2], vec![]),
            (0, vec![usize::MAX, usize::MAX], vec![0, 0]),
        ] {
            assert!(View::new(offset, shape.clone(), strides.clone(), 12).is_err(), "{offset} {shape:?} {strides:?}");
        }
    }
}
