//! What happens during a call, as Python objects.

use pyo3::prelude::*;
use std::path::PathBuf;
use std::time::SystemTime;

use crate::typed::{EventKind, at};

/// One thing that happened during a call.
#[pyclass(frozen, get_all, module = "spawnlock")]
pub(crate) struct Event {
    /// What kind of thing.
    kind: EventKind,
    /// The name of the server.
    name: String,
    /// One line for people.
    message: String,
    /// Seconds since the call began.
    elapsed: f64,
    /// The server's process, where it is known.
    pid: Option<u32>,
    /// Who holds the spawn lock, while waiting for it.
    holder: Option<Py<Holder>>,
    /// Where the server's output goes, while it starts.
    log_file: Option<PathBuf>,
}

impl Event {
    pub(crate) fn new(py: Python<'_>, event: &spawnlock::Event) -> PyResult<Self> {
        Ok(Event {
            kind: EventKind(event.kind),
            name: event.name.clone(),
            message: event.message.clone(),
            elapsed: event.elapsed.as_secs_f64(),
            pid: event.pid,
            holder: event.holder.clone().map(|holder| Py::new(py, Holder(holder))).transpose()?,
            log_file: event.voice.as_ref().map(|voice| voice.log_file().to_owned()),
        })
    }
}

#[pymethods]
impl Event {
    fn __repr__(&self) -> String {
        format!("<Event {} {}>", self.kind.0.as_str(), self.message)
    }
}

/// The process that holds a lock.
#[pyclass(frozen, module = "spawnlock")]
pub(crate) struct Holder(pub(crate) spawnlock::Holder);

#[pymethods]
impl Holder {
    /// Its process id.
    #[getter]
    fn pid(&self) -> u32 {
        self.0.pid
    }

    /// What it was run as, short.
    #[getter]
    fn program(&self) -> &str {
        &self.0.program
    }

    /// Since when it holds the lock; `None` when it did not say.
    #[getter]
    fn since(&self) -> Option<SystemTime> {
        (self.0.since_ms > 0).then(|| at(self.0.since_ms))
    }

    /// Tells this holding from every other.
    #[getter]
    fn token(&self) -> &str {
        &self.0.token
    }

    /// The machine it runs on.
    #[getter]
    fn host(&self) -> &str {
        &self.0.host
    }

    fn __repr__(&self) -> String {
        format!("<Holder {}>", self.0)
    }
}
