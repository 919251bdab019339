//! A seat in the kernel's own queue for a lock: first come, first served, and nobody else is woken.
//!
//! A thread of ours blocks in the kernel while the caller keeps its deadline and its cancellation. Such a wait cannot be called
//! off; the seat of a caller who gave up is kept for the next one of this process who wants the same lock, and is otherwise
//! given back in the moment in which the lock is granted.

use std::fs::File;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::cancel::{Patience, Wake};
use crate::lock::kernel;
use crate::sys::{self, Bell, CloseOnFork, PerProcess};

/// The thread makes one system call and rings a bell.
const STACK: usize = 64 * 1024;
/// For how long a thread that sat waits for the next one who wants a seat: who waited once is likely to wait again.
const IDLE: Duration = Duration::from_secs(2);

/// A seat in the queue for one file.
#[derive(Debug)]
pub(crate) struct Seat {
    queued: Arc<Queued>,
    bell: Arc<Bell>,
}

/// What the kernel has granted.
pub(crate) type Grant = io::Result<(File, CloseOnFork)>;

#[derive(Debug)]
struct Queued {
    file: (u64, u64),
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Who is to be told; nobody when the caller gave up.
    bell: Option<Arc<Bell>>,
    granted: Option<Grant>,
    over: bool,
}

/// What a thread has to do: sit there until the file is locked.
struct Task {
    queued: Arc<Queued>,
    file: File,
    on_fork: CloseOnFork,
}

/// The threads of this process and the seats that were left.
#[derive(Default)]
struct Room {
    idle: usize,
    tasks: Vec<Task>,
    left: Vec<Arc<Queued>>,
}

/// A forked child has none of the threads.
static ROOM: PerProcess<(Mutex<Room>, Condvar)> = PerProcess::new(Default::default);

impl Seat {
    /// Queues for the lock of `file`, which is the file with this id.
    pub(crate) fn take(file: File, id: (u64, u64)) -> io::Result<Self> {
        let bell = Arc::new(Bell::new()?);
        if let Some(queued) = left_for(id, &bell) {
            return Ok(Seat { queued, bell });
        }
        let state = Mutex::new(State { bell: Some(Arc::clone(&bell)), ..State::default() });
        let queued = Arc::new(Queued { file: id, state });
        // A forked child must not keep what may become the lock.
        let on_fork = sys::close_on_fork(&file);
        hand_over(Task { queued: Arc::clone(&queued), file, on_fork })?;
        Ok(Seat { queued, bell })
    }

    /// Waits until the lock is granted; `Wake::Rung` says that it is.
    pub(crate) fn wait(&self, patience: &Patience) -> io::Result<Wake> {
        patience.until_rung(&self.bell).pause(patience.deadline.remaining())
    }

    /// The locked file, once it was granted. Otherwise the seat is left to whoever comes next.
    pub(crate) fn leave(self) -> Option<Grant> {
        let mut state = lock(&self.queued.state);
        if state.granted.is_none() {
            state.bell = None;
            with_room(|room| room.left.push(Arc::clone(&self.queued)));
            return None;
        }
        state.granted.take()
    }
}

/// To a thread that is idle, else to a new one.
fn hand_over(task: Task) -> io::Result<()> {
    let queued = Arc::clone(&task.queued);
    let idle = with_room(|room| {
        room.tasks.push(task);
        room.idle >= room.tasks.len()
    });
    if idle {
        ROOM.get().1.notify_one();
        return Ok(());
    }
    let started = thread::Builder::new().name("spawnlock-wait".into()).stack_size(STACK).spawn(sit_down);
    started.map(drop).inspect_err(|_| with_room(|room| room.tasks.retain(|task| !Arc::ptr_eq(&task.queued, &queued))))
}

/// One task after the other, until none has come for a while.
fn sit_down() {
    let (shared, come) = ROOM.get();
    loop {
        let mut room = lock(shared);
        let task = loop {
            if let Some(task) = room.tasks.pop() {
                break task;
            }
            room.idle += 1;
            let (again, waited) = come.wait_timeout(room, IDLE).unwrap_or_else(PoisonError::into_inner);
            room = again;
            room.idle -= 1;
            if waited.timed_out() && room.tasks.is_empty() {
                return;
            }
        };
        drop(room);
        task.sit();
    }
}

impl Task {
    fn sit(self) {
        let Task { queued, file, on_fork } = self;
        let locked = kernel::lock(&file);
        let mut state = lock(&queued.state);
        state.over = true;
        match state.bell.clone() {
            Some(bell) => {
                state.granted = Some(locked.map(|()| (file, on_fork)));
                drop(state);
                bell.ring();
            }
            None => {
                let _ = kernel::unlock(&file);
                drop(state);
                with_room(|room| room.left.retain(|left| !Arc::ptr_eq(left, &queued)));
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn with_room<T>(act: impl FnOnce(&mut Room) -> T) -> T {
    act(&mut lock(&ROOM.get().0))
}

/// A seat for this file that somebody left, now with our bell.
fn left_for(file: (u64, u64), bell: &Arc<Bell>) -> Option<Arc<Queued>> {
    let candidates: Vec<Arc<Queued>> = with_room(|room| room.left.iter().filter(|left| left.file == file).cloned().collect());
    let taken = candidates.into_iter().find(|queued| {
        let mut state = lock(&queued.state);
        let free = !state.over && state.bell.is_none();
        if free {
            state.bell = Some(Arc::clone(bell));
        }
        free
    })?;
    with_room(|room| room.left.retain(|left| !Arc::ptr_eq(left, &taken)));
    Some(taken)
}
