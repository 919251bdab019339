//! The lock alone.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pyo3::prelude::*;
use spawnlock::LockOptions;

use crate::check::{Callable, tell};
use crate::error::raised;
use crate::event::Holder;
use crate::interrupt::Interrupt;
use crate::job::{self, Job};
use crate::options::{Done, KindWord, Listener};
use crate::typed::{FlockSupport, LockKind, Locked, Nothing, Seconds, StrPath};

/// A lock between processes, threads and tasks: `with SpawnLock(path):` or `async with SpawnLock(path):`.
///
/// Making one takes nothing. One object may be shared: each thread and each task that acquires it holds it for itself.
#[pyclass(frozen, weakref, module = "spawnlock")]
pub(crate) struct SpawnLock {
    path: PathBuf,
    options: LockOptions,
    kind: spawnlock::LockKind,
    on_event: Option<Callable>,
    guards: Guards,
}

/// What is held through one object, and by whom, the last one last.
type Guards = Arc<Mutex<Vec<(u64, spawnlock::SpawnLock)>>>;

/// Hands each option that was given to the builder's method of the same name.
macro_rules! set {
    ($options:ident: $($option:ident),+) => {
        $(if let Some(value) = $option { $options = $options.$option(value); })+
    };
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
        let kind = kind(py, lock)?;
        let timeout = time(py, "timeout", timeout)?;
        let stale_after = time(py, "stale_after", stale_after)?;
        let break_after = time(py, "break_after", break_after)?;
        let mut options = LockOptions::new().kind(kind);
        set!(options: timeout, stale_after, break_after, reentrant, record_holder);
        let on_event = on_event.map(|listener| listener.0);
        Ok(SpawnLock { path: path.into(), options, kind, on_event, guards: Guards::default() })
    }

    /// Waits for the lock; `with lock.acquire(timeout=1):` releases it at the end. Other threads run while it waits, and Ctrl-C ends the wait.
    #[pyo3(signature = (timeout=None, *, blocking=true))]
    fn acquire(slf: &Bound<'_, Self>, timeout: Option<Seconds>, blocking: bool) -> PyResult<Acquired> {
        let (py, lock) = (slf.py(), slf.get());
        // What nobody else wants is there at once.
        if !lock.take_now(py, this_thread())? {
            lock.wait(py, if blocking { time(py, "timeout", timeout)? } else { Some(Duration::ZERO) })?;
        }
        Ok(Acquired(slf.clone().unbind()))
    }

    /// Whether the lock was to be had now.
    fn try_acquire(&self, py: Python<'_>) -> PyResult<bool> {
        self.take_now(py, this_thread())
    }

    /// Waits for the lock without blocking the event loop. Cancelling the task cancels the wait.
    #[pyo3(signature = (timeout=None))]
    fn acquire_async(slf: &Bound<'_, Self>, timeout: Option<Seconds>) -> PyResult<Nothing> {
        let timeout = time(slf.py(), "timeout", timeout)?.map(|time| time.as_secs_f64());
        Ok(Nothing(slf.py().import("spawnlock._aio")?.call_method1("locked", (slf, timeout))?.unbind()))
    }

    /// Lets go of what this thread or task acquired last. False when it holds nothing, or no longer: somebody had broken the lock.
    fn release(&self, py: Python<'_>) -> PyResult<bool> {
        match self.caller(py)? {
            Some(owner) => self.let_go(py, owner),
            None => Ok(false),
        }
    }

    /// Whether this thread or task holds it still.
    #[getter]
    fn held(&self, py: Python<'_>) -> PyResult<bool> {
        let owner = self.caller(py)?;
        Ok(self.guards().iter().any(|(whose, guard)| Some(*whose) == owner && guard.is_held()))
    }

    /// Whether anybody holds it through this object: the name that filelock has for it.
    #[getter]
    fn is_locked(&self) -> bool {
        self.guards().iter().any(|(_, guard)| guard.is_held())
    }

    /// Its file.
    #[getter]
    fn path(&self) -> &Path {
        &self.path
    }

    /// What it is made of: `auto` until it was acquired for the first time.
    #[getter]
    fn kind(&self) -> LockKind {
        LockKind(self.guards().last().map_or(self.kind, |(_, guard)| guard.kind()))
    }

    /// Ourselves, as others read it; None while nobody holds it through this object.
    #[getter]
    fn holder(&self) -> Option<Holder> {
        self.guards().last().map(|(_, guard)| Holder(guard.holder()))
    }

    /// Who holds a lock now; None when it is free. A holder that wrote nothing down has the pid 0.
    #[staticmethod]
    #[pyo3(signature = (path, *, lock=None))]
    fn holder_of(py: Python<'_>, path: StrPath, lock: Option<KindWord>) -> PyResult<Option<Holder>> {
        let kind = kind(py, lock)?;
        let found = py.detach(|| spawnlock::SpawnLock::holder_of(path, kind));
        Ok(found.map_err(|error| raised(py, &error))?.map(Holder))
    }

    /// Tries whether kernel locks exclude anybody in a directory.
    #[staticmethod]
    fn test_flock(py: Python<'_>, directory: StrPath) -> PyResult<FlockSupport> {
        let found = py.detach(|| spawnlock::SpawnLock::test_flock(directory));
        found.map(FlockSupport).map_err(|error| raised(py, &error))
    }

    fn __enter__(slf: &Bound<'_, Self>) -> PyResult<Py<Self>> {
        Self::acquire(slf, None, true).map(|acquired| acquired.0)
    }

    fn __exit__(&self, py: Python<'_>, _kind: Thrown<'_>, _raised: Thrown<'_>, _trace: Thrown<'_>) -> PyResult<()> {
        self.release(py).map(drop)
    }

    fn __aenter__(slf: &Bound<'_, Self>) -> PyResult<Locked> {
        Ok(Locked(slf.py().import("spawnlock._aio")?.call_method1("entered", (slf,))?.unbind()))
    }

    fn __aexit__(slf: &Bound<'_, Self>, _kind: Thrown<'_>, _raised: Thrown<'_>, _trace: Thrown<'_>) -> PyResult<Nothing> {
        Ok(Nothing(slf.py().import("spawnlock._aio")?.call_method1("left", (slf,))?.unbind()))
    }

    /// Waits for the lock on a thread of its own, on behalf of a task, then calls `done(None, error)` there.
    fn _begin_acquire(&self, done: Done, owner: u64, timeout: Option<f64>) -> PyResult<Job> {
        let interrupt = Interrupt::by_hand();
        let options = self.for_wait(&interrupt, timeout.map(Duration::from_secs_f64)).owner(owner);
        let (path, guards) = (self.path.clone(), Arc::clone(&self.guards));
        job::begin(done.0, interrupt, move || {
            let guard = spawnlock::SpawnLock::acquire(path, &options)?;
            lock(&guards).push((owner, guard));
            Ok(())
        })
    }

    /// Lets go of what a task acquired last.
    fn _release_of(&self, py: Python<'_>, owner: u64) -> PyResult<bool> {
        self.let_go(py, owner)
    }

    fn __repr__(&self) -> String {
        let held = if self.is_locked() { " held" } else { "" };
        format!("<SpawnLock {:?} {}{held}>", self.path, self.kind().0.as_str())
    }
}

impl SpawnLock {
    fn guards(&self) -> MutexGuard<'_, Vec<(u64, spawnlock::SpawnLock)>> {
        lock(&self.guards)
    }

    /// Whether what is held is this thread's, or that of the task that runs on it.
    fn caller(&self, py: Python<'_>) -> PyResult<Option<u64>> {
        let holds = |owner: u64| self.guards().iter().any(|(whose, _)| *whose == owner);
        if self.guards().is_empty() || holds(this_thread()) {
            return Ok(Some(this_thread()).filter(|owner| holds(*owner)));
        }
        let task: Option<u64> = py.import("spawnlock._aio")?.call_method0("this_task")?.extract()?;
        Ok(task.filter(|owner| holds(*owner)))
    }

    fn take_now(&self, py: Python<'_>, owner: u64) -> PyResult<bool> {
        let options = self.options.clone().owner(owner);
        let taken = py.detach(|| spawnlock::SpawnLock::try_acquire(&self.path, &options)).map_err(|error| raised(py, &error))?;
        Ok(taken.map(|guard| self.guards().push((owner, guard))).is_some())
    }

    fn wait(&self, py: Python<'_>, timeout: Option<Duration>) -> PyResult<()> {
        let (owner, interrupt) = (this_thread(), Interrupt::by_signals());
        let options = self.for_wait(&interrupt, timeout).owner(owner);
        let result = py.detach(|| spawnlock::SpawnLock::acquire(&self.path, &options));
        let guard = interrupt.outcome(py, result)?;
        self.guards().push((owner, guard));
        Ok(())
    }

    /// The options of one wait, with what may end it and whom it tells.
    fn for_wait(&self, interrupt: &Interrupt, timeout: Option<Duration>) -> LockOptions {
        let options = self.options.clone().cancel(interrupt.cancel());
        let options = timeout.into_iter().fold(options, LockOptions::timeout);
        match &self.on_event {
            Some(listener) => {
                let (listener, interrupt) = (Arc::clone(listener), interrupt.clone());
                options.on_event(move |event| tell(&listener, &interrupt, event))
            }
            None => options,
        }
    }

    fn let_go(&self, py: Python<'_>, owner: u64) -> PyResult<bool> {
        let guard = {
            let mut guards = self.guards();
            let last = guards.iter().rposition(|(whose, _)| *whose == owner);
            last.map(|last| guards.remove(last).1)
        };
        Ok(guard.is_some_and(|guard| py.detach(|| guard.release())))
    }
}

/// What an exit is told, and does not look at.
type Thrown<'py> = Option<Bound<'py, PyAny>>;

/// What `acquire` gives, for a `with` that releases.
#[pyclass(frozen, module = "spawnlock._native")]
pub(crate) struct Acquired(Py<SpawnLock>);

#[pymethods]
impl Acquired {
    fn __enter__(&self, py: Python<'_>) -> Py<SpawnLock> {
        self.0.clone_ref(py)
    }

    fn __exit__(&self, py: Python<'_>, _kind: Thrown<'_>, _raised: Thrown<'_>, _trace: Thrown<'_>) -> PyResult<()> {
        self.0.get().release(py).map(drop)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn kind(py: Python<'_>, word: Option<KindWord>) -> PyResult<spawnlock::LockKind> {
    let kind = word.map(|word| spawnlock::LockKind::parse(&word.0)).transpose();
    kind.map(Option::unwrap_or_default).map_err(|error| raised(py, &error))
}

fn time(py: Python<'_>, option: &str, time: Option<Seconds>) -> PyResult<Option<Duration>> {
    time.map(|time| time.named(option)).transpose().map_err(|error| raised(py, &error))
}

/// A number for the calling thread: none that an object's address, which names a task, can be.
fn this_thread() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1 << 62);
    thread_local!(static OURS: u64 = NEXT.fetch_add(1, Ordering::Relaxed));
    OURS.with(|number| *number)
}
