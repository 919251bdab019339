//! What a caller gets back.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use pyo3::prelude::*;
use spawnlock::{RestartOptions, StopOptions};

use crate::audience::Audience;
use crate::error::raised;
use crate::interrupt::Interrupt;
use crate::job::{self, Job};
use crate::options::Done;
use crate::typed::{LaterServer, Nothing, Origin, at, in_seconds};

/// A running, healthy server. Letting go of it does nothing: the server goes on for everybody else.
#[pyclass(frozen, module = "spawnlock")]
pub(crate) struct Server(pub(crate) spawnlock::Server);

#[pymethods]
impl Server {
    /// Its name.
    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }

    /// Where it answers: `http://localhost:1987`, `tcp://localhost:5432`, `unix:/path`; `None` when only a function knows.
    #[getter]
    fn url(&self) -> Option<&str> {
        self.0.url()
    }

    /// The host of its address.
    #[getter]
    fn host(&self) -> Option<&str> {
        self.0.host()
    }

    /// The port of its address.
    #[getter]
    fn port(&self) -> Option<u16> {
        self.0.port()
    }

    /// Its main process; `None` for a foreign one.
    #[getter]
    fn pid(&self) -> Option<u32> {
        self.0.pid()
    }

    /// How this call came by it: started, joined, reused or foreign.
    #[getter]
    fn origin(&self) -> Origin {
        Origin(self.0.origin())
    }

    /// Which start of its name it is, from 1; `None` for a foreign one.
    #[getter]
    fn generation(&self) -> Option<u64> {
        self.0.generation()
    }

    /// Which version it was started as, or says that it is; `None` when nobody said.
    #[getter]
    fn version(&self) -> Option<&str> {
        self.0.version()
    }

    /// When it was started, in UTC.
    #[getter]
    fn started_at(&self) -> Option<SystemTime> {
        self.0.started_at_ms().map(at)
    }

    /// How long it took from its start to its first healthy answer.
    #[getter]
    fn ready_seconds(&self) -> Option<f64> {
        self.0.ready_ms().map(in_seconds)
    }

    /// Where its output goes.
    #[getter]
    fn log_file(&self) -> Option<PathBuf> {
        self.0.log_file().map(Path::to_owned)
    }

    /// The private directory of its name.
    #[getter]
    fn place(&self) -> PathBuf {
        self.0.place().to_owned()
    }

    /// What programs that use it are told, as variables: `SPAWNLOCK_API_URL` and `SPAWNLOCK_API_PORT`, as far as they are known.
    fn variables(&self) -> HashMap<String, String> {
        self.0.variables().into_iter().collect()
    }

    /// Says that this call uses it no more; of a server that is stopped with its last user, the last word stops it.
    fn release(&self) {
        self.0.release();
    }

    /// The same, and returns when the server is gone, if it goes.
    fn _leave(&self, py: Python<'_>) -> PyResult<()> {
        let interrupt = Interrupt::by_signals();
        let result = py.detach(|| self.0.leave(&interrupt.cancel()));
        interrupt.outcome(py, result)
    }

    /// The same on a thread of its own, then calls `done(None, error)` there.
    fn _begin_leave(&self, done: Done) -> PyResult<Job> {
        let (server, interrupt) = (self.0.clone(), Interrupt::by_hand());
        let cancel = interrupt.cancel();
        job::begin(done.0, interrupt, move || server.leave(&cancel))
    }

    /// The last lines it wrote, oldest first.
    fn tail(&self, py: Python<'_>, lines: i64) -> PyResult<Vec<String>> {
        let lines = spawnlock::whole("lines", lines).map_err(|error| raised(py, &error))?;
        Ok(py.detach(|| self.0.tail(lines as usize)))
    }

    /// Stops it, unless another generation runs by now.
    fn stop(&self, py: Python<'_>) -> PyResult<()> {
        let interrupt = Interrupt::by_signals();
        let told = Audience::of_nobody().of_call(py, &interrupt);
        let result = py.detach(|| self.0.stop_with(StopOptions::new().cancel(interrupt.cancel()).on_event(told.listen())));
        interrupt.outcome(py, result)
    }

    /// Stops it without blocking the event loop.
    fn stop_async(slf: &Bound<'_, Self>) -> PyResult<Nothing> {
        let coroutine = slf.py().import("spawnlock._aio")?.call_method1("stopped", (slf,))?;
        Ok(Nothing(coroutine.unbind()))
    }

    /// Stops it on a thread of its own, then calls `done(None, error)` there.
    fn _begin_stop(&self, py: Python<'_>, done: Done) -> PyResult<Job> {
        let (server, interrupt) = (self.0.clone(), Interrupt::by_hand());
        let told = Audience::of_nobody().of_call(py, &interrupt);
        let options = StopOptions::new().cancel(interrupt.cancel()).on_event(told.listen());
        job::begin(done.0, interrupt, move || server.stop_with(options))
    }

    /// Stops it and starts it again as it was declared. When a later generation runs by now, that one is given.
    fn restart(&self, py: Python<'_>) -> PyResult<Self> {
        let interrupt = Interrupt::by_signals();
        let told = Audience::of_nobody().of_call(py, &interrupt);
        let result = py.detach(|| self.0.restart_with(RestartOptions::new().cancel(interrupt.cancel()).on_event(told.listen())));
        interrupt.outcome(py, result).map(Server)
    }

    /// Restarts it without blocking the event loop.
    fn restart_async(slf: &Bound<'_, Self>) -> PyResult<LaterServer> {
        let coroutine = slf.py().import("spawnlock._aio")?.call_method1("restarted", (slf,))?;
        Ok(LaterServer(coroutine.unbind()))
    }

    /// Restarts it on a thread of its own, then calls `done(server, error)` there.
    fn _begin_restart(&self, py: Python<'_>, done: Done) -> PyResult<Job> {
        let (server, interrupt) = (self.0.clone(), Interrupt::by_hand());
        let told = Audience::of_nobody().of_call(py, &interrupt);
        let options = RestartOptions::new().cancel(interrupt.cancel()).on_event(told.listen());
        job::begin(done.0, interrupt, move || server.restart_with(options).map(Server))
    }

    fn __repr__(&self) -> String {
        let server = &self.0;
        let pid = server.pid().map_or_else(String::new, |pid| format!(" pid {pid}"));
        format!("<Server {:?} {}{pid} {}>", server.name(), server.url().unwrap_or_default(), server.origin().as_str())
    }
}
