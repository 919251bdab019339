//! A core error as one of the Python classes of `spawnlock.errors`.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use spawnlock::{Error, Failure, Spelling};

use crate::typed::in_seconds;

/// An option that was read, where it was given.
pub(crate) fn checked<T>(py: Python<'_>, read: Option<spawnlock::Result<T>>) -> PyResult<Option<T>> {
    read.transpose().map_err(|error| raised(py, &error))
}

/// The error to raise.
pub(crate) fn raised(py: Python<'_>, error: &Error) -> PyErr {
    instance(py, error).map_or_else(|broken| broken, PyErr::from_value)
}

/// A failure that is only told about, such as the last one of a name.
pub(crate) fn told(py: Python<'_>, failure: &Failure) -> PyResult<Py<PyAny>> {
    Ok(instance(py, &Error::from(failure.clone()))?.unbind())
}

fn instance<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    let failure = error.failure();
    let facts = PyDict::new(py);
    facts.set_item("exit_code", failure.exit_code)?;
    facts.set_item("signal", failure.signal.as_deref())?;
    facts.set_item("errno", failure.errno)?;
    facts.set_item("pid", failure.pid)?;
    facts.set_item("retry_after", failure.retry_after_ms.map(in_seconds))?;
    facts.set_item("hint", failure.hint.as_deref())?;
    facts.set_item("status", failure.status.as_deref())?;
    facts.set_item("log_file", failure.log_file.as_deref())?;
    facts.set_item("log_tail", PyTuple::new(py, &failure.log_tail)?)?;
    let arguments = (failure.code.as_str(), error.text(Spelling::Snake), failure.cause.as_deref());
    py.import("spawnlock.errors")?.getattr("_from_core")?.call(arguments, Some(&facts))
}
