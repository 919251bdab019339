//! The end of the interpreter: it waits for those threads of ours that are in Python just then, and no other comes in. Whoever lets go of
//! the interpreter while that is taken apart ends the process.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use pyo3::prelude::*;

/// How many threads of ours are in Python, or about to be.
static INSIDE: AtomicUsize = AtomicUsize::new(0);
/// The interpreter ends.
static CLOSED: AtomicBool = AtomicBool::new(false);
/// The process of which this is true: in a forked child no thread of ours is left.
static OF: AtomicU32 = AtomicU32::new(0);
/// One who is in a function of the user's that does not return is left behind, after five seconds and a little.
const LOOKS: u32 = 5000;
const AGAIN: Duration = Duration::from_millis(1);

thread_local! {
    static OURS: Cell<bool> = const { Cell::new(false) };
}

/// Before the first thread of ours: has the interpreter wait for it at its end.
pub(crate) fn prepare(py: Python<'_>) -> PyResult<()> {
    let here = std::process::id();
    match OF.swap(here, SeqCst) {
        before if before == here => return Ok(()),
        0 => {}
        // What was registered is inherited.
        _ => {
            INSIDE.store(0, SeqCst);
            return Ok(());
        }
    }
    let settle = pyo3::wrap_pyfunction!(settle, py)?;
    py.import("atexit")?.call_method1("register", (settle,)).map(drop)
}

/// This thread is one of ours.
pub(crate) fn enter_thread() {
    OURS.set(true);
}

/// Goes into Python, unless it ends.
pub(crate) fn attach<R>(work: impl for<'py> FnOnce(Python<'py>) -> R) -> Option<R> {
    if !OURS.get() {
        return Python::try_attach(work);
    }
    INSIDE.fetch_add(1, SeqCst);
    // Said before it is looked: either this one sees the end, or the end sees this one.
    let done = if CLOSED.load(SeqCst) { None } else { Python::try_attach(work) };
    INSIDE.fetch_sub(1, SeqCst);
    done
}

#[pyfunction]
fn settle(py: Python<'_>) {
    CLOSED.store(true, SeqCst);
    if OF.load(SeqCst) != std::process::id() {
        return;
    }
    py.detach(|| {
        for _ in 0..LOOKS {
            if INSIDE.load(SeqCst) == 0 {
                break;
            }
            thread::park_timeout(AGAIN);
        }
    });
}
