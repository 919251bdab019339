//! The lock alone: for `with`, for `async with`, and by hand.

use std::path::{Path, PathBuf};
use std::time::Duration;

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use spawnlock::LockOptions;

use crate::audience::{Callable, listening};
use crate::error::raised;
use crate::event::Holder;
use crate::guards::{Guard, Guards, Owner};
use crate::interrupt::Interrupt;
use crate::job::{self, Job};
use crate::options::{Done, Ignored, KindWord, Listener, set};
use crate::typed::{Acquiring, FlockSupport, LockKind, Locked, Nothing, Seconds, StrPath};

/// A lock between processes, threads and tasks, at a path.
///
/// To make the object takes nothing. `with` and `acquire` wait as the calling thread, `async with` and `acquire_async` as the
/// calling task; all who share the object exclude each other, and each releases its own. In a forked child nothing is held.
///
/// lock           "flock" (a kernel lock), "excl" (held while the file exists), or "auto", the default: "flock" wherever the
///                file system has it
/// timeout        how long to wait, in seconds or as a timedelta, as all times; default: 60
/// stale_after    after how long an "excl" lock of whose owner nothing is known counts as left behind; default: 10
/// break_after    takes an "excl" lock even from an owner that lives, after having waited for it so long; default: never
/// reentrant      whether whoever holds it may take it again; default: no, that is an error at once
/// record_holder  whether to write down who holds it; default: yes
/// on_event       a function that is told on whom one waits, and from whom a lock was taken
#[pyclass(frozen, weakref, module = "spawnlock")]
pub(crate) struct SpawnLock {
    path: PathBuf,
    kind: spawnlock::LockKind,
    options: LockOptions,
    on_event: Option<Callable>,
    guards: Guards,
}

#[pymethods]
impl SpawnLock {
    #[new]
    #[pyo3(signature = (
        path, *, lock=None, timeout=None, stale_after=None, break_after=None, reentrant=None, record_holder=None, on_event=None,
    ))]
    #[expect(clippy::too_many_arguments, reason = "one for each option")]
    fn new(
        py: Python<'_>,
        path: StrPath,
        lock: Option<KindWord>,
        timeout: Option<Seconds>,
        stale_after: Option<Seconds>,
        break_after: Option<Seconds>,
        reentrant: Option<bool>,
        record_holder: Option<bool>,
        on_event: Option<Listener>,
    ) -> PyResult<Self> {
        let checked = || -> spawnlock::Result<_> {
            let kind = lock.map(KindWord::parsed).transpose()?.unwrap_or_default();
            let timeout = timeout.map(|time| time.named("timeout")).transpose()?;
            let stale_after = stale_after.map(|time| time.named("stale_after")).transpose()?;
            let break_after = break_after.map(|time| time.named("break_after")).transpose()?;
            let mut options = LockOptions::new().kind(kind);
            set!(options: timeout, stale_after, break_after, reentrant, record_holder);
            Ok((kind, options))
        };
        let (kind, options) = checked().map_err(|error| raised(py, &error))?;
        Ok(SpawnLock { path: path.into(), kind, options, on_event: on_event.map(|listener| listener.0), guards: Guards::default() })
    }

    /// Waits for it: for as long as the lock says, or for `timeout`; without `blocking` it is one try.
    ///
    /// Other threads run meanwhile, and Ctrl-C ends the wait. `with lock.acquire(timeout=1):` releases it at the end.
    #[pyo3(signature = (timeout=None, *, blocking=true))]
    fn acquire(slf: &Bound<'_, Self>, timeout: Option<Seconds>, blocking: bool) -> PyResult<Acquired> {
        let owner = slf.get().take(slf.py(), timeout, blocking)?;
        Ok(Acquired { lock: slf.clone().unbind(), owner })
    }

    /// Takes it if it is free.
    fn try_acquire(&self, py: Python<'_>) -> PyResult<bool> {
        let interrupt = Interrupt::by_signals();
        let options = self.for_call(self.options.clone(), &interrupt);
        let result = py.detach(|| spawnlock::SpawnLock::try_acquire(&self.path, &options));
        let guard = interrupt.outcome(py, result)?;
        Ok(guard.map(|guard| self.guards.keep(py, Owner::this_thread(), guard)).is_some())
    }

    /// Waits for it without blocking the event loop, as the task that calls this; cancelling the task ends the wait.
    ///
    /// `async with await lock.acquire_async(timeout=1):` releases it at the end.
    #[pyo3(signature = (timeout=None, *, blocking=true))]
    fn acquire_async(slf: &Bound<'_, Self>, timeout: Option<Seconds>, blocking: bool) -> PyResult<Acquiring> {
        aio(slf, "acquired", (slf, timeout, blocking)).map(Acquiring)
    }

    /// Lets go; a lock that was taken more than once is let go with its last release. `False` when this caller did not hold it
    /// any more.
    fn release(&self, py: Python<'_>) -> PyResult<bool> {
        let guard = self.guards.take(py)?;
        Ok(let_go(py, guard))
    }

    /// Whether this thread or task holds it still: not if it was broken or removed meanwhile.
    #[getter]
    fn held(&self, py: Python<'_>) -> PyResult<bool> {
        self.guards.ask_callers(py, spawnlock::SpawnLock::is_held).map(|held| held.unwrap_or(false))
    }

    /// Whether anybody holds it through this object: the name that filelock has for it.
    #[getter]
    fn is_locked(&self, py: Python<'_>) -> bool {
        self.guards.ask_latest(py, spawnlock::SpawnLock::is_held).unwrap_or(false)
    }

    /// Its file.
    #[getter]
    fn path(&self) -> &Path {
        &self.path
    }

    /// What it is made of: "auto" while it is not held and was not asked for by its name.
    #[getter]
    fn kind(&self, py: Python<'_>) -> LockKind {
        LockKind(self.guards.ask_latest(py, spawnlock::SpawnLock::kind).unwrap_or(self.kind))
    }

    /// Ourselves, as others read it; `None` while nobody holds it through this object.
    #[getter]
    fn holder(&self, py: Python<'_>) -> Option<Holder> {
        self.guards.ask_latest(py, spawnlock::SpawnLock::holder).map(Holder)
    }

    /// Who holds a lock now; `None` when it is free. A holder that wrote nothing down has the pid 0.
    #[staticmethod]
    #[pyo3(signature = (path, *, lock=None))]
    fn holder_of(py: Python<'_>, path: StrPath, lock: Option<KindWord>) -> PyResult<Option<Holder>> {
        let holder = py.detach(|| {
            let kind = lock.map(KindWord::parsed).transpose()?.unwrap_or_default();
            spawnlock::SpawnLock::holder_of(&path, kind)
        });
        holder.map(|holder| holder.map(Holder)).map_err(|error| raised(py, &error))
    }

    /// Whether the kernel locks of the file system of this directory exclude anybody: it "works", it is "refused", or it "lies".
    #[staticmethod]
    fn test_flock(py: Python<'_>, directory: StrPath) -> PyResult<FlockSupport> {
        let support = py.detach(|| spawnlock::SpawnLock::test_flock(&directory));
        support.map(FlockSupport).map_err(|error| raised(py, &error))
    }

    fn __enter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, Self>> {
        slf.get().take(slf.py(), None, true)?;
        Ok(slf.clone())
    }

    fn __exit__(&self, py: Python<'_>, _kind: Ignored, _raised: Ignored, _trace: Ignored) -> PyResult<()> {
        self.release(py).map(drop)
    }

    fn __aenter__(slf: &Bound<'_, Self>) -> PyResult<Locked> {
        aio(slf, "entered", (slf,)).map(Locked)
    }

    fn __aexit__(slf: &Bound<'_, Self>, _kind: Ignored, _raised: Ignored, _trace: Ignored) -> PyResult<Nothing> {
        aio(slf, "released", (slf, slf.py().None())).map(Nothing)
    }

    /// Waits for it on a thread of its own, as the task of that number, then calls `done(guard, error)` there.
    fn _begin(&self, py: Python<'_>, done: Done, task: u64, timeout: Option<Seconds>, blocking: bool) -> PyResult<Job> {
        let interrupt = Interrupt::by_hand();
        let options = self.options_for(timeout, blocking).map_err(|error| raised(py, &error))?;
        let options = self.for_call(options.owner(task), &interrupt);
        let path = self.path.clone();
        job::begin(done.0, interrupt, move || spawnlock::SpawnLock::acquire(path, &options).map(Guard::of))
    }

    /// Keeps what the task of that number was given.
    fn _keep(slf: &Bound<'_, Self>, task: u64, guard: &Guard) -> Acquired {
        if let Some(guard) = guard.take() {
            slf.get().guards.keep(slf.py(), Owner::Task(task), guard);
        }
        Acquired { lock: slf.clone().unbind(), owner: Owner::Task(task) }
    }

    /// Lets go on a thread of its own of what the task of that number holds, or the caller, then calls `done(None, error)` there.
    fn _begin_release(&self, py: Python<'_>, done: Done, task: Option<u64>) -> PyResult<Job> {
        let guard = match task {
            Some(task) => self.guards.take_of(py, Owner::Task(task)),
            None => self.guards.take(py)?,
        };
        Guard::begin_release_of(guard, done)
    }

    fn __repr__(&self) -> String {
        format!("<SpawnLock {} {}>", self.kind.as_str(), self.path.display())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.on_event.as_ref().map_or(Ok(()), |listener| visit.call(&**listener))
    }
}

impl SpawnLock {
    /// Takes it for the calling thread.
    fn take(&self, py: Python<'_>, timeout: Option<Seconds>, blocking: bool) -> PyResult<Owner> {
        let interrupt = Interrupt::by_signals();
        let options = self.options_for(timeout, blocking).map_err(|error| raised(py, &error))?;
        let options = self.for_call(options, &interrupt);
        let result = py.detach(|| spawnlock::SpawnLock::acquire(&self.path, &options));
        let guard = interrupt.outcome(py, result)?;
        let owner = Owner::this_thread();
        self.guards.keep(py, owner, guard);
        Ok(owner)
    }

    fn options_for(&self, timeout: Option<Seconds>, blocking: bool) -> spawnlock::Result<LockOptions> {
        let timeout = timeout.map(|time| time.named("timeout")).transpose()?;
        let timeout = if blocking { timeout } else { Some(Duration::ZERO) };
        let mut options = self.options.clone();
        set!(options: timeout);
        Ok(options)
    }

    fn for_call(&self, options: LockOptions, interrupt: &Interrupt) -> LockOptions {
        let options = options.cancel(interrupt.cancel());
        match &self.on_event {
            Some(listener) => options.on_event(listening(listener, interrupt)),
            None => options,
        }
    }
}

/// What `acquire` gives: a scope of the lock that is held already.
#[pyclass(frozen, module = "spawnlock._native")]
pub(crate) struct Acquired {
    lock: Py<SpawnLock>,
    owner: Owner,
}

#[pymethods]
impl Acquired {
    fn __enter__(&self, py: Python<'_>) -> Py<SpawnLock> {
        self.lock.clone_ref(py)
    }

    fn __exit__(&self, py: Python<'_>, _kind: Ignored, _raised: Ignored, _trace: Ignored) {
        let guard = self.lock.get().guards.take_of(py, self.owner);
        let_go(py, guard);
    }

    fn __aenter__(&self, py: Python<'_>) -> PyResult<Locked> {
        aio(self.lock.bind(py), "itself", (&self.lock,)).map(Locked)
    }

    fn __aexit__(&self, py: Python<'_>, _kind: Ignored, _raised: Ignored, _trace: Ignored) -> PyResult<Nothing> {
        let task = match self.owner {
            Owner::Task(task) => Some(task),
            Owner::Thread(_) => None,
        };
        aio(self.lock.bind(py), "released", (&self.lock, task)).map(Nothing)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.lock)
    }
}

/// Lets go. Of an existence lock that may take a moment, in which other threads run.
fn let_go(py: Python<'_>, guard: Option<spawnlock::SpawnLock>) -> bool {
    guard.is_some_and(|guard| py.detach(|| guard.release()))
}

/// A coroutine of `_aio`.
fn aio<'py>(slf: &Bound<'py, SpawnLock>, name: &str, arguments: impl pyo3::call::PyCallArgs<'py>) -> PyResult<Py<PyAny>> {
    Ok(slf.py().import("spawnlock._aio")?.call_method1(name, arguments)?.unbind())
}
