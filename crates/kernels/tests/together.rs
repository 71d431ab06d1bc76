//! Threads that stand by: whoever calls, all the work is done, and they leave when it is over.
#![cfg(feature = "parallel")]
#![allow(clippy::expect_used)]

use std::panic::catch_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};

use gradex_kernels::{for_each, together};
use rayon::{ThreadPool, ThreadPoolBuilder};

fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool")
}

/// The sum of 0 to 99, in parallel.
fn sum() -> usize {
    let sum = AtomicUsize::new(0);
    together(|| for_each((0..100).collect(), |value| _ = sum.fetch_add(value, Ordering::Relaxed)));
    sum.into_inner()
}

#[test]
fn work_from_outside_is_done_in_the_pool() {
    assert_eq!(rayon::current_thread_index(), None);
    assert!(together(|| rayon::current_thread_index().is_some()));
    assert_eq!(sum(), 4950);
}

/// Work that leads others is itself shared out, and what it shares out leads again: nobody waits for ever.
#[test]
fn work_within_work_ends() {
    for threads in [1, 2, 5] {
        let sums = AtomicUsize::new(0);
        pool(threads).install(|| {
            for _ in 0..200 {
                together(|| for_each((0..7).collect(), |_: usize| _ = sums.fetch_add(sum(), Ordering::Relaxed)));
            }
        });
        assert_eq!(sums.into_inner(), 200 * 7 * 4950, "{threads} threads");
    }
}

#[test]
fn many_callers_from_outside_share_a_pool() {
    std::thread::scope(|scope| {
        let sums: Vec<_> = (0..8).map(|_| scope.spawn(|| (0..200).map(|_| sum()).sum::<usize>())).collect();
        for found in sums {
            assert_eq!(found.join().expect("a sum"), 200 * 4950);
        }
    });
}

/// After a panic, too, those who stand by leave: a pool whose threads are busy does not end.
#[test]
fn a_panic_lets_everybody_go() {
    let (left, leaves) = std::sync::mpsc::channel();
    let left = std::sync::Mutex::new(left);
    let builder = ThreadPoolBuilder::new().num_threads(3);
    let pool =
        builder.exit_handler(move |thread| _ = left.lock().expect("a lock").send(thread)).build().expect("a pool");
    assert!(pool.install(|| catch_unwind(|| together(|| panic!("of the work")))).is_err());
    assert_eq!(pool.install(sum), 4950);
    drop(pool);
    for _ in 0..3 {
        leaves.recv_timeout(std::time::Duration::from_secs(60)).expect("a thread that ends");
    }
}
