//! What ends a call from the Python side: a signal's exception, one raised in a callback, or a cancelled task.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;
use spawnlock::Cancel;

use crate::error;

/// The cancellation of one call, and the exception that caused it.
#[derive(Clone)]
pub(crate) struct Interrupt {
    kept: Kept,
    cancel: Cancel,
}

type Kept = Arc<Mutex<Option<PyErr>>>;

impl Interrupt {
    /// For a call on the caller's own thread: Python's signal handlers run while it waits, and what they raise ends the wait.
    pub(crate) fn by_signals() -> Self {
        let kept = Kept::default();
        let keep = Arc::clone(&kept);
        let hook = move || match Python::try_attach(|py| py.check_signals()) {
            Some(Ok(())) => false,
            Some(Err(raised)) => {
                keep_first(&keep, raised);
                true
            }
            // The interpreter is going down: nobody waits any more.
            None => true,
        };
        Interrupt { kept, cancel: Cancel::checked_by(hook) }
    }

    /// For a call on a thread of ours, where no signal arrives.
    pub(crate) fn by_hand() -> Self {
        Interrupt { kept: Kept::default(), cancel: Cancel::new() }
    }

    pub(crate) fn cancel(&self) -> Cancel {
        self.cancel.clone()
    }

    /// Ends the call with an exception that must reach the caller.
    pub(crate) fn end_with(&self, raised: PyErr) {
        keep_first(&self.kept, raised);
        self.cancel.cancel();
    }

    /// The result, unless an exception is waiting to be raised.
    pub(crate) fn outcome<T>(&self, py: Python<'_>, result: spawnlock::Result<T>) -> PyResult<T> {
        match lock(&self.kept).take() {
            Some(raised) => Err(raised),
            None => result.map_err(|error| error::raised(py, &error)),
        }
    }
}

fn keep_first(kept: &Kept, raised: PyErr) {
    lock(kept).get_or_insert(raised);
}

fn lock(kept: &Kept) -> MutexGuard<'_, Option<PyErr>> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}
