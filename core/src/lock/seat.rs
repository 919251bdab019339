//! A seat in the kernel's own queue for a lock.
//!
//! A thread of ours blocks in the kernel while the caller keeps its deadline and its cancellation. Such a wait cannot be called
//! off; the seat of a caller who gave up is kept for the next one of this process who wants the same lock, and is otherwise
//! given back in the moment in which the lock is granted.

use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::cancel::{Patience, Wake};
use crate::lock::{crew, kernel};
use crate::sys::{self, Bell, CloseOnFork, FileId, Latch, PerProcess};

/// A file that the kernel has granted the lock of.
#[derive(Debug)]
pub(crate) struct Granted {
    /// First, since dropped first: a number must not be closed on a fork when it may be another's.
    pub(crate) on_fork: CloseOnFork,
    pub(crate) file: File,
    /// Whether somebody else had it.
    pub(crate) waited: bool,
}

/// What came of sitting there.
pub(crate) type Grant = io::Result<Granted>;

/// A seat in the queue for one file, of a caller who waits.
#[derive(Debug)]
pub(crate) struct Seat {
    queued: Arc<Queued>,
    /// None where nothing else rings one.
    bell: Option<Arc<Bell>>,
}

/// A seat, whosever it is.
pub(crate) struct Queued {
    file: FileId,
    state: Mutex<State>,
    granted: Latch,
}

#[derive(Default)]
struct State {
    /// Nobody when the caller gave up.
    owner: Option<Owner>,
    granted: Option<Grant>,
    over: bool,
}

/// Who is to be told of the grant.
pub(crate) enum Owner {
    /// One who waits, and looks for it; with a bell where he waits for other things as well.
    Waiter(Option<Arc<Bell>>),
    /// One who does not: called on the thread that sat.
    Call(Box<dyn FnOnce(Grant) + Send>),
}

/// How a seat was left.
pub(crate) enum Left {
    /// It is kept for whoever comes next.
    Waiting,
    /// What was granted to one who waited.
    Granted(Grant),
    /// It was no longer there: a call that was to be made is being made.
    Over,
}

/// What a thread has to do: sit there until the file is locked.
struct Task {
    queued: Arc<Queued>,
    file: File,
    on_fork: CloseOnFork,
}

/// The seats of this process that were left.
static LEFT: PerProcess<Mutex<Vec<Arc<Queued>>>> = PerProcess::new(Default::default);

impl Seat {
    /// Queues for the lock of `file`, which is the file with this id.
    pub(crate) fn take(file: File, id: FileId, patience: &Patience) -> io::Result<Self> {
        let bell = if patience.needs_no_bell() { None } else { Some(Arc::new(Bell::new()?)) };
        Ok(Seat { queued: Queued::take(file, id, Owner::Waiter(bell.clone()))?, bell })
    }

    /// Waits until the lock is granted; `Wake::Rung` says that it is.
    pub(crate) fn wait(&self, patience: &Patience) -> io::Result<Wake> {
        match &self.bell {
            Some(bell) => patience.until_rung(bell).pause(patience.deadline.remaining()),
            None => Ok(patience.until_set(&self.queued.granted)),
        }
    }

    /// The locked file, once it was granted. Otherwise the seat is left to whoever comes next.
    pub(crate) fn leave(self) -> Option<Grant> {
        match self.queued.leave() {
            Left::Granted(grant) => Some(grant),
            Left::Waiting | Left::Over => None,
        }
    }
}

impl std::fmt::Debug for Queued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Queued").field(&self.file).finish()
    }
}

impl Queued {
    /// Queues for the lock of `file`, which is the file with this id.
    pub(crate) fn take(file: File, id: FileId, owner: Owner) -> io::Result<Arc<Self>> {
        let mut owner = Some(owner);
        if let Some(queued) = left_for(id, &mut owner) {
            return Ok(queued);
        }
        let state = Mutex::new(State { owner, ..State::default() });
        let queued = Arc::new(Queued { file: id, state, granted: Latch::default() });
        // A forked child must not keep what may become the lock.
        let on_fork = sys::close_on_fork(&file);
        let task = Task { queued: Arc::clone(&queued), file, on_fork };
        crew::run(move || task.sit())?;
        Ok(queued)
    }

    /// Gives the seat up, for whoever comes next.
    pub(crate) fn leave(self: &Arc<Self>) -> Left {
        let mut state = lock(&self.state);
        let owner = state.owner.take();
        let how = match state.granted.take() {
            Some(grant) => Left::Granted(grant),
            None if state.over => Left::Over,
            None => {
                left().push(Arc::clone(self));
                Left::Waiting
            }
        };
        // Outside the seat's lock: with its owner may go whatever that has.
        drop(state);
        drop(owner);
        how
    }
}

impl Task {
    fn sit(self) {
        let Task { queued, file, on_fork } = self;
        let free = matches!(kernel::try_lock(&file), Ok(true));
        let locked = if free { Ok(()) } else { kernel::lock(&file) };
        let mut state = lock(&queued.state);
        state.over = true;
        match state.owner.take() {
            Some(Owner::Waiter(bell)) => {
                state.granted = Some(locked.map(|()| Granted { on_fork, file, waited: !free }));
                drop(state);
                match bell {
                    Some(bell) => bell.ring(),
                    None => queued.granted.set(),
                }
            }
            Some(Owner::Call(tell)) => {
                drop(state);
                tell(locked.map(|()| Granted { on_fork, file, waited: !free }));
            }
            None => {
                let _ = kernel::unlock(&file);
                drop(state);
                left().retain(|left| !Arc::ptr_eq(left, &queued));
            }
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn left() -> MutexGuard<'static, Vec<Arc<Queued>>> {
    LEFT.get().lock().unwrap_or_else(PoisonError::into_inner)
}

/// A seat for this file that somebody left, now of this owner.
fn left_for(file: FileId, owner: &mut Option<Owner>) -> Option<Arc<Queued>> {
    let candidates: Vec<Arc<Queued>> = left().iter().filter(|left| left.file == file).cloned().collect();
    let taken = candidates.into_iter().find(|queued| {
        let mut state = lock(&queued.state);
        let free = !state.over && state.owner.is_none();
        if free {
            state.owner = owner.take();
        }
        free
    })?;
    left().retain(|left| !Arc::ptr_eq(left, &taken));
    Some(taken)
}
