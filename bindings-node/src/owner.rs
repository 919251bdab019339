//! Who asks for a lock: every call by itself, and the thread of JavaScript it is made on.

use std::cell::Cell;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// Numbers that JavaScript can hold exactly: 15 bits for the thread, 38 for its calls. Both start over at their end;
/// what still held a lock under the same number would be a day old.
const THREADS: u64 = 1 << 15;
const CALLS: u64 = 1 << 38;

struct Owners {
    first: u64,
    count: Cell<u64>,
}

thread_local!(static OWNERS: Owners = {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    Owners { first: NEXT.fetch_add(1, Ordering::Relaxed) % THREADS * CALLS, count: Cell::new(0) }
});

/// An owner that nobody else is: tasks of one thread exclude each other.
pub(crate) fn new() -> u64 {
    OWNERS.with(|owners| {
        let count = owners.count.get();
        owners.count.set((count + 1) % CALLS);
        owners.first + count
    })
}

/// All owners on this thread.
pub(crate) fn all_of_thread() -> Range<u64> {
    OWNERS.with(|owners| owners.first..owners.first + CALLS)
}

/// Owners as JavaScript has them.
pub(crate) fn read(owners: Option<Vec<f64>>) -> Vec<Range<u64>> {
    owners.into_iter().flatten().map(|owner| owner as u64..owner as u64 + 1).collect()
}
