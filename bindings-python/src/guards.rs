//! What is held through one lock object, and by whom: each of those who share it has a guard of its own.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use pyo3::prelude::*;
use spawnlock::SpawnLock;

use crate::interrupt::Interrupt;
use crate::job::{self, Job};
use crate::options::Done;

/// One who takes a lock.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    Thread(ThreadId),
    /// An asyncio task, by the number that `_aio` gave it.
    Task(u64),
}

impl Owner {
    pub(crate) fn this_thread() -> Self {
        Owner::Thread(thread::current().id())
    }
}

/// The guards of one lock object. They are touched with the interpreter attached and for a moment only, so that no fork of Python
/// finds them half changed.
#[derive(Default)]
pub(crate) struct Guards(Mutex<Vec<(Owner, SpawnLock)>>);

impl Guards {
    pub(crate) fn keep(&self, _py: Python<'_>, owner: Owner, guard: SpawnLock) {
        self.all().push((owner, guard));
    }

    /// Takes out the latest of the caller's.
    pub(crate) fn take(&self, py: Python<'_>) -> PyResult<Option<SpawnLock>> {
        Ok(self.caller(py)?.and_then(|owner| self.take_of(py, owner)))
    }

    /// Takes out the latest of one owner.
    pub(crate) fn take_of(&self, _py: Python<'_>, owner: Owner) -> Option<SpawnLock> {
        let mut all = self.all();
        let latest = all.iter().rposition(|(whose, _)| *whose == owner)?;
        Some(all.remove(latest).1)
    }

    /// Asks the latest of all.
    pub(crate) fn ask_latest<T>(&self, _py: Python<'_>, question: impl FnOnce(&SpawnLock) -> T) -> Option<T> {
        self.all().last().map(|(_, guard)| question(guard))
    }

    /// Asks the latest of the caller's.
    pub(crate) fn ask_callers<T>(&self, py: Python<'_>, question: impl FnOnce(&SpawnLock) -> T) -> PyResult<Option<T>> {
        let owner = self.caller(py)?;
        Ok(self.all().iter().rfind(|(whose, _)| Some(*whose) == owner).map(|(_, guard)| question(guard)))
    }

    /// As whom the caller holds something: as this thread, or as a task. What a task left behind that is over is anybody's.
    fn caller(&self, py: Python<'_>) -> PyResult<Option<Owner>> {
        let thread = Owner::this_thread();
        let mut tasks = Vec::new();
        for (owner, _) in self.all().iter() {
            match owner {
                Owner::Task(task) => tasks.push(*task),
                Owner::Thread(_) if *owner == thread => return Ok(Some(thread)),
                Owner::Thread(_) => {}
            }
        }
        if tasks.is_empty() {
            return Ok(None);
        }
        let task: Option<u64> = py.import("spawnlock._aio")?.call_method1("whose", (tasks,))?.extract()?;
        Ok(task.map(Owner::Task))
    }

    fn all(&self) -> MutexGuard<'_, Vec<(Owner, SpawnLock)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Guards {
    /// A lock object that nobody has any more holds nothing. Other threads run while that takes a moment.
    fn drop(&mut self) {
        let left = std::mem::take(&mut *self.all());
        if !left.is_empty() {
            Python::try_attach(|py| py.detach(|| drop(left)));
        }
    }
}

/// What a wait on another thread was given, until a lock object keeps it. Without one it is let go.
#[pyclass(frozen, module = "spawnlock._native")]
pub(crate) struct Guard(Mutex<Option<SpawnLock>>);

impl Guard {
    pub(crate) fn of(guard: SpawnLock) -> Self {
        Guard(Mutex::new(Some(guard)))
    }

    pub(crate) fn take(&self) -> Option<SpawnLock> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Lets go on a thread of its own, then calls `done(None, error)` there.
    pub(crate) fn begin_release_of(guard: Option<SpawnLock>, done: Done) -> PyResult<Job> {
        job::begin(done.0, Interrupt::by_hand(), move || {
            drop(guard);
            Ok(())
        })
    }
}

#[pymethods]
impl Guard {
    /// Lets go on a thread of its own, then calls `done(None, error)` there.
    fn begin_release(&self, done: Done) -> PyResult<Job> {
        Guard::begin_release_of(self.take(), done)
    }
}
