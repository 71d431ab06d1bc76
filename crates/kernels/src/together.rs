//! Threads that stand by while others lead.
//!
//! A pass has tens of steps, each of them shared out. To wake a thread takes longer than some of them, and a caller outside
//! of the pool sleeps at each. So the caller goes into the pool once, and who is idle there looks for work until it is over,
//! awake all the while. To stand by is a job of the pool as any other: nobody waits for it, and it does whatever work it finds.
//!
//! It would be wrong for a thread to stand by for work that waits for something which that thread has begun. It cannot: jobs to stand
//! by are put into the pool before any part of the work, and who is idle takes the oldest first. So who has a part of the work
//! finds none of its jobs to stand by any more; and those of others a thread that leads or stands by itself refuses.

/// Calls `work` on a thread of the pool; what it does in parallel finds the other threads awake. It should not wait for anything
/// else, as a file or somebody's lock: up to 15 threads stay awake for it, and it may run while its thread waits in other work.
pub fn together<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    #[cfg(feature = "parallel")]
    return standby::together(work);
    #[cfg(not(feature = "parallel"))]
    work()
}

#[cfg(feature = "parallel")]
mod standby {
    use std::cell::Cell;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// More could not find anything to do: work is cut into about as many pieces.
    const MOST: usize = 15;

    thread_local! {
        /// Whether this thread leads others or stands by for one that does.
        static IS_TAKEN: Cell<bool> = const { Cell::new(false) };
    }

    pub(super) fn together<R: Send>(work: impl FnOnce() -> R + Send) -> R {
        rayon::scope(|_| {
            take(|was_free| {
                let _end = was_free.then(call);
                work()
            })
        })
    }

    /// Asks the other threads to stand by.
    fn call() -> End {
        let is_over = Arc::new(AtomicBool::new(false));
        for _ in 1..rayon::current_num_threads().min(MOST + 1) {
            let is_over = Arc::clone(&is_over);
            rayon::spawn(move || stand_by(&is_over));
        }
        End(is_over)
    }

    /// Looks for work until it is over. A thread that was taken would keep its own work waiting.
    fn stand_by(is_over: &AtomicBool) {
        take(|was_free| {
            while was_free && !is_over.load(Ordering::Acquire) {
                if rayon::yield_now() != Some(rayon::Yield::Executed) {
                    std::thread::yield_now();
                }
            }
        });
    }

    /// Calls `work` with whether this thread was free; it is taken meanwhile.
    fn take<R>(work: impl FnOnce(bool) -> R) -> R {
        let was_taken = IS_TAKEN.replace(true);
        let _back = Back(was_taken);
        work(!was_taken)
    }

    /// Puts [`IS_TAKEN`] back, also where work panics.
    struct Back(bool);

    impl Drop for Back {
        fn drop(&mut self) {
            IS_TAKEN.set(self.0);
        }
    }

    /// Tells those who stand by that it is over, also where work panics.
    struct End(Arc<AtomicBool>);

    impl Drop for End {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Release);
        }
    }
}
