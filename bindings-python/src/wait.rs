//! Waiting for anything that can be asked for by a check.

use pyo3::prelude::*;
use spawnlock::{CheckSource, WaitOptions, wait_for};

use crate::audience::{Audience, Told};
use crate::check::Ready;
use crate::error::checked;
use crate::interrupt::Interrupt;
use crate::job::{self, Job};
use crate::options::{Done, Listener, Show};
use crate::typed::Seconds;

/// A wait to be made. Use `spawnlock.wait_for` and its kin, which take the same options.
#[pyclass(frozen, module = "spawnlock._native")]
pub(crate) struct Wait {
    checks: Ready,
    options: WaitOptions,
    audience: Audience,
}

#[pymethods]
impl Wait {
    #[new]
    #[pyo3(signature = (checks, *, timeout=None, probe_timeout=None, gone=None, on_event=None, progress=None))]
    fn new(
        py: Python<'_>,
        checks: Ready,
        timeout: Option<Seconds>,
        probe_timeout: Option<Seconds>,
        gone: Option<bool>,
        on_event: Option<Listener>,
        progress: Option<Show>,
    ) -> PyResult<Self> {
        let time = |option: &str, time: Option<Seconds>| checked(py, time.map(|time| time.named(option)));
        let mut options = WaitOptions::new().gone(gone.unwrap_or(false));
        if let Some(timeout) = time("timeout", timeout)? {
            options = options.timeout(timeout);
        }
        if let Some(timeout) = time("probe_timeout", probe_timeout)? {
            options = options.probe_timeout(timeout);
        }
        Ok(Wait { checks, options, audience: Audience::new(py, on_event, progress)? })
    }

    /// Waits; other threads run meanwhile, and Ctrl-C ends the wait.
    fn wait(&self, py: Python<'_>) -> PyResult<()> {
        let interrupt = Interrupt::by_signals();
        let (checks, options, told) = self.for_call(py, &interrupt);
        let result = py.detach(|| told.during(|| wait_for(checks, &options)));
        interrupt.outcome(py, result)
    }

    /// Waits on a thread of its own, then calls `done(None, error)` there.
    fn begin(&self, py: Python<'_>, done: Done) -> PyResult<Job> {
        let interrupt = Interrupt::by_hand();
        let (checks, options, told) = self.for_call(py, &interrupt);
        job::begin(done.0, interrupt, move || told.during(|| wait_for(checks, &options)))
    }
}

impl Wait {
    fn for_call(&self, py: Python<'_>, interrupt: &Interrupt) -> (Vec<CheckSource>, WaitOptions, Told) {
        let told = self.audience.of_call(py, interrupt);
        let checks = self.checks.0.iter().map(|check| check.for_call(interrupt)).collect();
        (checks, self.options.clone().cancel(interrupt.cancel()).on_event(told.listen()), told)
    }
}
