//! Restarting a server by its name.

use pyo3::prelude::*;
use spawnlock::{RestartOptions, StateDir};

use crate::audience::{Audience, Told};
use crate::error::raised;
use crate::interrupt::Interrupt;
use crate::job::{self, Job};
use crate::options::{Done, Listener, Show};
use crate::server::Server;
use crate::typed::{Seconds, StrPath};

/// A restart to be made. Use `spawnlock.restart_server` and its kin, which take the same options.
#[pyclass(frozen, module = "spawnlock._native")]
pub(crate) struct Restart {
    name: String,
    state_dir: Option<StrPath>,
    options: RestartOptions,
    audience: Audience,
}

#[pymethods]
impl Restart {
    #[new]
    #[pyo3(signature = (
        name, *, only_generation=None, timeout=None, stop_timeout=None, break_after=None, state_dir=None, on_event=None,
        progress=None,
    ))]
    #[expect(clippy::too_many_arguments, reason = "one for each option")]
    fn new(
        py: Python<'_>,
        name: String,
        only_generation: Option<i64>,
        timeout: Option<Seconds>,
        stop_timeout: Option<Seconds>,
        break_after: Option<Seconds>,
        state_dir: Option<StrPath>,
        on_event: Option<Listener>,
        progress: Option<Show>,
    ) -> PyResult<Self> {
        type Set = fn(RestartOptions, std::time::Duration) -> RestartOptions;
        let times: [(&str, Option<Seconds>, Set); 3] = [
            ("timeout", timeout, RestartOptions::timeout),
            ("stop_timeout", stop_timeout, RestartOptions::stop_timeout),
            ("break_after", break_after, RestartOptions::break_after),
        ];
        let mut options = RestartOptions::new();
        if let Some(generation) = only_generation {
            let generation = spawnlock::whole("onlyGeneration", generation).map_err(|error| raised(py, &error))?;
            options = options.only_generation(generation.into());
        }
        for (option, time, set) in times {
            if let Some(time) = time {
                options = set(options, time.named(option).map_err(|error| raised(py, &error))?);
            }
        }
        Ok(Restart { name, state_dir, options, audience: Audience::new(py, on_event, progress)? })
    }

    /// Restarts it; other threads run meanwhile, and Ctrl-C ends the wait.
    fn restart(&self, py: Python<'_>) -> PyResult<Server> {
        let interrupt = Interrupt::by_signals();
        let (options, told) = self.for_call(py, &interrupt);
        let result = py.detach(|| told.during(|| self.states()?.restart(&self.name, &options)));
        interrupt.outcome(py, result).map(Server)
    }

    /// Restarts it on a thread of its own, then calls `done(server, error)` there.
    fn begin(&self, py: Python<'_>, done: Done) -> PyResult<Job> {
        let interrupt = Interrupt::by_hand();
        let ((options, told), name) = (self.for_call(py, &interrupt), self.name.clone());
        let states = self.states().map_err(|error| raised(py, &error))?;
        job::begin(done.0, interrupt, move || told.during(|| states.restart(&name, &options)).map(Server))
    }
}

impl Restart {
    fn states(&self) -> spawnlock::Result<StateDir> {
        StateDir::new(self.state_dir.as_ref().map(AsRef::as_ref))
    }

    fn for_call(&self, py: Python<'_>, interrupt: &Interrupt) -> (RestartOptions, Told) {
        let told = self.audience.of_call(py, interrupt);
        (self.options.clone().cancel(interrupt.cancel()).on_event(told.listen()), told)
    }
}
