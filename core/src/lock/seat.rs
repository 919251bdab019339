//! A seat in the kernel's own queue for a lock: first come, first served, and nobody else is woken.
//!
//! A thread of ours blocks in the kernel while the caller keeps its deadline and its cancellation. Such a wait cannot be called
//! off; the seat of a caller who gave up is kept for the next one of this process who wants the same lock, and is otherwise
//! given back in the moment in which the lock is granted.

use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use fs4::FileExt;

use crate::cancel::{Patience, Wake};
use crate::sys::{self, Bell, CloseOnFork};

/// The thread makes one system call and rings a bell.
const STACK: usize = 64 * 1024;

/// A seat in the queue for one file.
#[derive(Debug)]
pub(crate) struct Seat {
    queued: Arc<Queued>,
    bell: Arc<Bell>,
}

#[derive(Debug)]
struct Queued {
    file: (u64, u64),
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Who is to be told; nobody when the caller gave up.
    bell: Option<Arc<Bell>>,
    /// What the kernel said.
    granted: Option<io::Result<(File, CloseOnFork)>>,
    over: bool,
}

/// Seats whose callers gave up, each with the process whose thread sits there.
static LEFT: Mutex<Vec<(u32, Arc<Queued>)>> = Mutex::new(Vec::new());

impl Seat {
    /// Queues for the lock of `file`, which is the file with this id.
    pub(crate) fn take(file: File, id: (u64, u64)) -> io::Result<Self> {
        let bell = Arc::new(Bell::new()?);
        if let Some(queued) = left_for(id, &bell) {
            return Ok(Seat { queued, bell });
        }
        let state = Mutex::new(State { bell: Some(Arc::clone(&bell)), ..State::default() });
        let queued = Arc::new(Queued { file: id, state });
        let sitting = Arc::clone(&queued);
        // A forked child must not keep what may become the lock.
        let on_fork = sys::close_on_fork(&file);
        thread::Builder::new().name("spawnlock-wait".into()).stack_size(STACK).spawn(move || sitting.sit(file, on_fork))?;
        Ok(Seat { queued, bell })
    }

    /// Waits until the lock is granted; `Wake::Rung` says that it is.
    pub(crate) fn wait(&self, patience: &Patience) -> io::Result<Wake> {
        patience.until_rung(&self.bell).pause(patience.deadline.remaining())
    }

    /// The locked file, once it was granted. Otherwise the seat is left to whoever comes next.
    pub(crate) fn leave(self) -> Option<io::Result<(File, CloseOnFork)>> {
        let mut state = self.queued.state();
        if state.granted.is_none() {
            state.bell = None;
            let mut left = LEFT.lock().unwrap_or_else(PoisonError::into_inner);
            left.push((std::process::id(), Arc::clone(&self.queued)));
        }
        state.granted.take()
    }
}

impl Queued {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sit(self: Arc<Self>, file: File, on_fork: CloseOnFork) {
        let locked = loop {
            match FileExt::lock(&file) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                locked => break locked,
            }
        };
        let mut state = self.state();
        state.over = true;
        match &state.bell {
            Some(bell) => {
                bell.ring();
                state.granted = Some(locked.map(|()| (file, on_fork)));
            }
            None => {
                let _ = FileExt::unlock(&file);
                drop(on_fork);
                let mut left = LEFT.lock().unwrap_or_else(PoisonError::into_inner);
                left.retain(|(_, queued)| !Arc::ptr_eq(queued, &self));
            }
        }
    }
}

/// A seat for this file that somebody left, now with our bell.
fn left_for(file: (u64, u64), bell: &Arc<Bell>) -> Option<Arc<Queued>> {
    let own = std::process::id();
    let candidates: Vec<Arc<Queued>> = {
        let mut left = LEFT.lock().unwrap_or_else(PoisonError::into_inner);
        // Of a parent's seats a forked child has only the list.
        left.retain(|(pid, _)| *pid == own);
        let (ours, others) = left.drain(..).partition(|(_, queued)| queued.file == file);
        *left = others;
        let ours: Vec<(u32, Arc<Queued>)> = ours;
        ours.into_iter().map(|(_, queued)| queued).collect()
    };
    let mut candidates = candidates.into_iter();
    let taken = candidates.find(|queued| {
        let mut state = queued.state();
        let free = !state.over && state.bell.is_none();
        if free {
            state.bell = Some(Arc::clone(bell));
        }
        free
    });
    let mut left = LEFT.lock().unwrap_or_else(PoisonError::into_inner);
    left.extend(candidates.map(|queued| (own, queued)));
    taken
}
