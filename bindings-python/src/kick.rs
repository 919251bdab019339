//! What a start that is not waited for came to.

use pyo3::prelude::*;

use crate::error::told;
use crate::server::Server;
use crate::typed::{KickState, LastFailure};

/// What `kick_server` gives.
#[pyclass(frozen, module = "spawnlock")]
pub(crate) struct Kick {
    state: KickState,
    server: Option<Py<Server>>,
    error: Option<LastFailure>,
}

impl Kick {
    pub(crate) fn new(py: Python<'_>, kick: spawnlock::Kick) -> PyResult<Self> {
        let state = KickState(kick.state());
        Ok(match kick {
            spawnlock::Kick::Running(server) => Kick { state, server: Some(Py::new(py, Server(server))?), error: None },
            spawnlock::Kick::Failed(error) => Kick { state, server: None, error: Some(LastFailure(told(py, error.failure())?)) },
            _ => Kick { state, server: None, error: None },
        })
    }
}

#[pymethods]
impl Kick {
    /// running; starting: by another, or not ready yet; started: by this call; failed.
    #[getter]
    fn state(&self) -> KickState {
        self.state
    }

    /// The server, when it runs.
    #[getter]
    fn server(&self, py: Python<'_>) -> Option<Py<Server>> {
        self.server.as_ref().map(|server| server.clone_ref(py))
    }

    /// Why it could not be started.
    #[getter]
    fn error(&self, py: Python<'_>) -> Option<LastFailure> {
        self.error.as_ref().map(|error| LastFailure(error.0.clone_ref(py)))
    }

    fn __repr__(&self) -> String {
        format!("<Kick {}>", self.state.0.as_str())
    }
}
