//! Waiting for anything that can be asked for by a check.

use pyo3::prelude::*;
use spawnlock::{CheckSource, WaitOptions, wait_for};

use crate::check::{Callable, Ready, listening};
use crate::error::raised;
use crate::interrupt::Interrupt;
use crate::job::{self, Job};
use crate::options::{Done, Listener};
use crate::typed::Seconds;

/// A wait to be made. Use `spawnlock.wait_for` and its kin, which take the same options.
#[pyclass(frozen, module = "spawnlock._native")]
pub(crate) struct Wait {
    checks: Ready,
    options: WaitOptions,
    on_event: Option<Callable>,
}

#[pymethods]
impl Wait {
    #[new]
    #[pyo3(signature = (checks, *, timeout=None, probe_timeout=None, gone=None, on_event=None))]
    fn new(
        py: Python<'_>,
        checks: Ready,
        timeout: Option<Seconds>,
        probe_timeout: Option<Seconds>,
        gone: Option<bool>,
        on_event: Option<Listener>,
    ) -> PyResult<Self> {
        let time =
            |option: &str, time: Option<Seconds>| time.map(|time| time.named(option)).transpose().map_err(|error| raised(py, &error));
        let mut options = WaitOptions::new().gone(gone.unwrap_or(false));
        if let Some(timeout) = time("timeout", timeout)? {
            options = options.timeout(timeout);
        }
        if let Some(timeout) = time("probe_timeout", probe_timeout)? {
            options = options.probe_timeout(timeout);
        }
        Ok(Wait { checks, options, on_event: on_event.map(|listener| listener.0) })
    }

    /// Waits; other threads run meanwhile, and Ctrl-C ends the wait.
    fn wait(&self, py: Python<'_>) -> PyResult<()> {
        let interrupt = Interrupt::by_signals();
        let (checks, options) = self.for_call(&interrupt);
        let result = py.detach(|| wait_for(checks, &options));
        interrupt.outcome(py, result)
    }

    /// Waits on a thread of its own, then calls `done(None, error)` there.
    fn begin(&self, done: Done) -> PyResult<Job> {
        let interrupt = Interrupt::by_hand();
        let (checks, options) = self.for_call(&interrupt);
        job::begin(done.0, interrupt, move || wait_for(checks, &options))
    }
}

impl Wait {
    fn for_call(&self, interrupt: &Interrupt) -> (Vec<CheckSource>, WaitOptions) {
        let checks = self.checks.0.iter().map(|check| check.for_call(interrupt)).collect();
        let options = self.options.clone().cancel(interrupt.cancel());
        let options = match &self.on_event {
            Some(listener) => options.on_event(listening(listener, interrupt)),
            None => options,
        };
        (checks, options)
    }
}
