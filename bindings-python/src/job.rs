//! A wait on a thread of its own: how the asyncio forms keep out of the loop's way, and out of its executor.

use std::thread;

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use spawnlock::Cancel;

use crate::exit;
use crate::interrupt::Interrupt;

/// A wait that goes on elsewhere.
#[pyclass(frozen, module = "spawnlock._native")]
pub(crate) struct Job(Cancel);

#[pymethods]
impl Job {
    /// Ends the wait; `done` is called all the same, once everything of the call is released.
    fn cancel(&self) {
        self.0.cancel();
    }
}

/// Runs `work` on a new thread, then calls `done(result, error)` there.
pub(crate) fn begin<T>(done: Py<PyAny>, interrupt: Interrupt, work: impl FnOnce() -> spawnlock::Result<T> + Send + 'static) -> PyResult<Job>
where
    T: for<'py> IntoPyObject<'py> + Send + 'static,
{
    let job = Job(interrupt.cancel());
    Python::attach(exit::prepare)?;
    let wait = move || {
        exit::enter_thread();
        let result = work();
        exit::attach(|py| {
            let outcome = interrupt.outcome(py, result).and_then(|result| result.into_py_any(py));
            let told = match outcome {
                Ok(result) => done.call1(py, (result, py.None())),
                Err(error) => done.call1(py, (py.None(), error)),
            };
            if let Err(raised) = told {
                raised.write_unraisable(py, Some(done.bind(py)));
            }
        });
    };
    thread::Builder::new().name("spawnlock".to_owned()).spawn(wait)?;
    Ok(job)
}
