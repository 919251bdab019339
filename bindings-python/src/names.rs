//! Looking at servers by name, and stopping them.

use std::path::PathBuf;
use std::time::SystemTime;

use pyo3::prelude::*;
use spawnlock::{LogOptions, StateDir, StopOptions};

use crate::audience::{Audience, Told};
use crate::error::{checked, raised, told};
use crate::event::Holder;
use crate::interrupt::Interrupt;
use crate::job::{self, Job};
use crate::options::{Done, Listener, Show};
use crate::typed::{EndReason, LastFailure, Seconds, State, StrPath, Verdict, at, in_seconds};

/// What is known about a name.
#[pyclass(frozen, module = "spawnlock")]
pub(crate) struct Status(spawnlock::Status);

#[pymethods]
impl Status {
    /// The name.
    #[getter]
    fn name(&self) -> &str {
        &self.0.name
    }

    /// Whether something of it lives: running, starting or stopped.
    #[getter]
    fn state(&self) -> State {
        State(self.0.state)
    }

    /// What its checks say now; `None` when it is stopped or its checks cannot be asked from here.
    #[getter]
    fn health(&self) -> Option<Verdict> {
        self.0.health.map(Verdict)
    }

    /// Where it answers.
    #[getter]
    fn url(&self) -> Option<&str> {
        self.0.url.as_deref()
    }

    /// Its main process, when it lives.
    #[getter]
    fn pid(&self) -> Option<u32> {
        self.0.pid
    }

    /// Which start of its name the last one was; 0 before the first.
    #[getter]
    fn generation(&self) -> u64 {
        self.0.generation
    }

    /// When it was last started, in UTC.
    #[getter]
    fn started_at(&self) -> Option<SystemTime> {
        self.0.started_at_ms.map(at)
    }

    /// How long that start took to the first healthy answer.
    #[getter]
    fn ready_seconds(&self) -> Option<f64> {
        self.0.ready_ms.map(in_seconds)
    }

    /// Where its output goes.
    #[getter]
    fn log_file(&self) -> Option<PathBuf> {
        self.0.log_file.clone()
    }

    /// The private directory of the name.
    #[getter]
    fn place(&self) -> PathBuf {
        self.0.place.clone()
    }

    /// Who holds the spawn lock now: somebody is starting or stopping it.
    #[getter]
    fn holder(&self) -> Option<Holder> {
        self.0.holder.clone().map(Holder)
    }

    /// How far the last start has come, as its record says: starting, ready, stopping or stopped.
    #[getter]
    fn phase(&self) -> Option<&str> {
        self.0.phase
    }

    /// Who holds a lease on it.
    #[getter]
    fn leases(&self) -> Vec<Holder> {
        self.0.leases.iter().cloned().map(Holder).collect()
    }

    /// Which version it was started as.
    #[getter]
    fn version(&self) -> Option<&str> {
        self.0.version.as_deref()
    }

    /// Why this start took the place of the one before it, where it did: `by hand`, `version 1 → 2`, `unresponsive`, `reuse never`.
    #[getter]
    fn restarted_because(&self) -> Option<&str> {
        self.0.restarted_because.as_deref()
    }

    /// How a server of this name ended last.
    #[getter]
    fn ended(&self) -> Option<Ended> {
        self.0.ended.clone().map(Ended)
    }

    /// Why the last start failed, if the last one did.
    #[getter]
    fn last_failure(&self, py: Python<'_>) -> PyResult<Option<LastFailure>> {
        self.0.last_failure.as_ref().map(|failure| told(py, failure).map(LastFailure)).transpose()
    }

    fn __repr__(&self) -> String {
        format!("<Status {:?} {}>", self.0.name, self.0.state.as_str())
    }
}

/// How a server that had been ready ended.
#[pyclass(frozen, module = "spawnlock")]
pub(crate) struct Ended(spawnlock::Ended);

#[pymethods]
impl Ended {
    /// Which start of its name it was.
    #[getter]
    fn generation(&self) -> u64 {
        self.0.generation
    }

    /// When it ended, or was found dead, in UTC.
    #[getter]
    fn ended_at(&self) -> SystemTime {
        at(self.0.ended_at_ms)
    }

    /// The code with which it exited, where somebody saw it.
    #[getter]
    fn exit_code(&self) -> Option<i32> {
        self.0.exit_code
    }

    /// The signal that ended it, by name, where somebody saw it.
    #[getter]
    fn signal(&self) -> Option<&str> {
        self.0.signal.as_deref()
    }

    /// Why it ended.
    #[getter]
    fn reason(&self) -> EndReason {
        EndReason(self.0.reason)
    }

    /// The last lines it wrote, oldest first.
    #[getter]
    fn log_tail(&self) -> Vec<String> {
        self.0.log_tail.clone()
    }

    fn __repr__(&self) -> String {
        format!("<Ended {} {}>", self.0.generation, self.0.reason.as_str())
    }
}

/// The last lines a server wrote, oldest first, whether it runs or not.
#[pyfunction]
#[pyo3(signature = (name, *, lines=None, all_starts=false, state_dir=None))]
pub(crate) fn server_logs(
    py: Python<'_>,
    name: &str,
    lines: Option<i64>,
    all_starts: bool,
    state_dir: Option<StrPath>,
) -> PyResult<Vec<String>> {
    let lines = checked(py, lines.map(|lines| spawnlock::whole("lines", lines)))?;
    let options = LogOptions::new().all_starts(all_starts);
    let options = lines.into_iter().fold(options, |options, lines| options.lines(lines as usize));
    py.detach(|| directory(state_dir)?.logs(name, &options)).map_err(|error| raised(py, &error))
}

/// Removes the places in which nothing lives: no process, no holder of the spawn lock, no lease. Returns their names.
#[pyfunction]
#[pyo3(signature = (*, dry_run=false, state_dir=None))]
pub(crate) fn prune_servers(py: Python<'_>, dry_run: bool, state_dir: Option<StrPath>) -> PyResult<Vec<String>> {
    let pruned = py.detach(|| directory(state_dir).and_then(|dir| if dry_run { dir.prune_dry_run() } else { dir.prune() }));
    pruned.map_err(|error| raised(py, &error))
}

/// What is known about a name; its checks are asked once when it lives.
#[pyfunction]
#[pyo3(signature = (name, *, state_dir=None))]
pub(crate) fn server_status(py: Python<'_>, name: &str, state_dir: Option<StrPath>) -> PyResult<Status> {
    let interrupt = Interrupt::by_signals();
    let status = py.detach(|| directory(state_dir)?.cancel(interrupt.cancel()).status(name));
    interrupt.outcome(py, status).map(Status)
}

/// Every name that was ever used here, in order.
#[pyfunction]
#[pyo3(signature = (*, state_dir=None))]
pub(crate) fn list_servers(py: Python<'_>, state_dir: Option<StrPath>) -> PyResult<Vec<Status>> {
    let interrupt = Interrupt::by_signals();
    let all = py.detach(|| directory(state_dir)?.cancel(interrupt.cancel()).list());
    interrupt.outcome(py, all).map(|all| all.into_iter().map(Status).collect())
}

/// Stops a server: its stop signal (SIGTERM) to its group, up to `stop_timeout` of grace, SIGKILL. Returns when it is gone.
#[pyfunction]
#[pyo3(signature = (name, *, stop_timeout=None, state_dir=None, on_event=None, progress=None))]
pub(crate) fn stop_server(
    py: Python<'_>,
    name: &str,
    stop_timeout: Option<Seconds>,
    state_dir: Option<StrPath>,
    on_event: Option<Listener>,
    progress: Option<Show>,
) -> PyResult<()> {
    let interrupt = Interrupt::by_signals();
    let told = Audience::new(py, on_event, progress)?.of_call(py, &interrupt);
    let result = py.detach(|| told.during(|| directory(state_dir)?.stop(name, &options(stop_timeout, &interrupt, &told)?)));
    interrupt.outcome(py, result)
}

/// Stops a server on a thread of its own, then calls `done(None, error)` there.
#[pyfunction]
#[pyo3(signature = (done, name, *, stop_timeout=None, state_dir=None, on_event=None, progress=None))]
pub(crate) fn begin_stop(
    py: Python<'_>,
    done: Done,
    name: String,
    stop_timeout: Option<Seconds>,
    state_dir: Option<StrPath>,
    on_event: Option<Listener>,
    progress: Option<Show>,
) -> PyResult<Job> {
    let interrupt = Interrupt::by_hand();
    let told = Audience::new(py, on_event, progress)?.of_call(py, &interrupt);
    let within = interrupt.clone();
    job::begin(done.0, interrupt, move || told.during(|| directory(state_dir)?.stop(&name, &options(stop_timeout, &within, &told)?)))
}

fn directory(state_dir: Option<StrPath>) -> spawnlock::Result<StateDir> {
    StateDir::new(state_dir.as_ref().map(AsRef::as_ref))
}

fn options(stop_timeout: Option<Seconds>, interrupt: &Interrupt, told: &Told) -> spawnlock::Result<StopOptions> {
    let options = StopOptions::new().cancel(interrupt.cancel()).on_event(told.listen());
    Ok(match stop_timeout {
        Some(timeout) => options.stop_timeout(timeout.named("stop_timeout")?),
        None => options,
    })
}
