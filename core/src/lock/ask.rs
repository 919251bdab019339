//! Asking for a lock, and letting go of it, without waiting: whoever has the answer first gives it, by a call.
//!
//! The thread that sits in the kernel's queue gives the lock, the one that keeps deadlines says that it came too late, and the
//! one that cancels, that it was cancelled. So a grant wakes one thread and not two. For an existence lock that thread sits in the
//! line for it, and then watches the lock.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::Result;
use crate::lock::acquire::{Acquired, Wanted, written_holder};
use crate::lock::flock::{self, KernelLock};
use crate::lock::queue::Line;
use crate::lock::seat::{Grant, Left, Owner, Queued};
use crate::lock::wait::{self, Contender, TELL_AFTER};
use crate::lock::{LockKind, LockOptions, SpawnLock, crew, kernel, queue, warden};
use crate::sys::{self, FileFacts, FileId};

/// What became of asking for a lock.
#[derive(Debug)]
pub enum Asked {
    /// It was free.
    Held(SpawnLock),
    /// The answer will come to whoever is named by [`Request::then`].
    Later(Request),
}

/// A lock that was asked for.
#[derive(Debug)]
pub struct Request {
    ask: Arc<Ask>,
    /// What somebody before us has locked: the file of the lock, or the line for an existence lock. Without one it must be found out by
    /// waiting.
    file: Option<(File, FileId)>,
}

/// A lock that was granted, and may still have to be written down. Whoever asked for it wakes up meanwhile, if he is told of it first.
#[derive(Debug)]
pub struct Won(Prize);

#[derive(Debug)]
enum Prize {
    Finished(SpawnLock),
    Unsigned { lock: KernelLock, facts: FileFacts, ask: Arc<Ask> },
}

type Done = Box<dyn FnOnce(Result<Won>) + Send>;

pub(crate) struct Ask {
    wanted: Wanted,
    /// Whoever takes it out has the answer.
    done: Mutex<Option<Done>>,
    seat: Mutex<Option<Arc<Queued>>>,
    told: AtomicBool,
}

impl SpawnLock {
    /// [`acquire`](SpawnLock::acquire) for hosts whose thread must not wait: what is not to be had at once comes later.
    /// A [hook](crate::Cancel::checked_by) is not asked meanwhile.
    ///
    /// # Errors
    /// As `acquire`.
    pub fn ask(path: impl AsRef<Path>, options: &LockOptions) -> Result<Asked> {
        let wanted = Wanted::new(path.as_ref(), options, options.timeout)?;
        let mut contender = Contender::new(&wanted.path, &wanted.terms);
        let (waits, at_once) = (!wanted.patience.deadline.expired(), wanted.patience.within(Duration::ZERO));
        let (tried, line) = queue::first_try(&mut contender, &wanted.path, &wanted.terms, waits, &at_once);
        let ended = tried.ended();
        match ended {
            None if wanted.patience.deadline.expired() => Err(wanted.timeout()),
            None => {
                // Who may break the lock counts for himself how long its owner has had it, from the beginning.
                let line = line.filter(|_| wanted.terms.break_after.is_none());
                let file = contender.take_file().or_else(|| line.and_then(|file| sys::facts_of(&file).ok().map(|facts| (file, facts.id))));
                Ok(Asked::Later(Request::new(wanted, file)))
            }
            Some(Acquired::Unavailable(error)) if wanted.terms.kind == LockKind::Auto && sys::is_no_flock(&error) => {
                Ok(Asked::Later(Request::new(wanted, None)))
            }
            Some(ended) => wanted.answer(ended).map(Asked::Held),
        }
    }

    /// [`release`](SpawnLock::release) for hosts whose thread must not wait.
    ///
    /// # Errors
    /// The lock itself, still held, when letting go of it means to wait: for an existence lock at which somebody else is at work.
    pub fn try_release(self) -> std::result::Result<bool, SpawnLock> {
        let shared = Arc::strong_count(&self.0) > 1;
        if shared || self.0.is_ready_to_go() { Ok(self.release()) } else { Err(self) }
    }
}

impl Request {
    fn new(wanted: Wanted, file: Option<(File, FileId)>) -> Self {
        let ask = Ask { wanted, done: Mutex::default(), seat: Mutex::default(), told: AtomicBool::new(false) };
        Request { ask: Arc::new(ask), file }
    }

    /// Calls `done` once, with what [`acquire`](SpawnLock::acquire) would have given but for being [finished](Won::finish): mostly
    /// on a thread of this crate, which must not be kept for long.
    pub fn then(self, done: impl FnOnce(Result<Won>) + Send + 'static) {
        let ask = self.ask;
        *ask.done() = Some(Box::new(done));
        match self.file {
            Some((file, id)) => {
                ask.sit(file, id);
                ask.keep_deadline();
            }
            None => ask.wait_elsewhere(),
        }
    }
}

impl Won {
    fn finished(lock: SpawnLock) -> Self {
        Won(Prize::Finished(lock))
    }

    /// Writes down who holds it.
    pub fn finish(self) -> SpawnLock {
        match self.0 {
            Prize::Finished(lock) => lock,
            Prize::Unsigned { lock, facts, ask } => {
                let Wanted { path, terms, .. } = &ask.wanted;
                wait::signed(path, terms, lock, &facts)
            }
        }
    }
}

impl Ask {
    fn done(&self) -> MutexGuard<'_, Option<Done>> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seat(&self) -> MutexGuard<'_, Option<Arc<Queued>>> {
        self.seat.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is no answer yet.
    pub(crate) fn waits(&self) -> bool {
        self.done().is_some()
    }

    fn answer(&self, result: Result<SpawnLock>) {
        self.tell(result.map(Won::finished));
    }

    fn tell(&self, result: Result<Won>) {
        let done = self.done().take();
        match done {
            Some(done) => done(result),
            // Too late: it is let go.
            None => drop(result.map(Won::finish)),
        }
    }

    /// What no kernel tells of is waited for.
    fn wait_elsewhere(self: &Arc<Self>) {
        let ask = Arc::clone(self);
        let begun = crew::run(move || ask.answer(ask.wanted.acquire()));
        begun.unwrap_or_else(|cause| self.answer(Err(self.wanted.unavailable(cause))));
    }

    /// Queues for a file that somebody has locked, and goes on with what comes of it.
    fn sit(self: &Arc<Self>, file: File, id: FileId) {
        let ask = Arc::clone(self);
        let owner = Owner::Call(Box::new(move |grant| match ask.wanted.terms.kind {
            LockKind::Auto | LockKind::Flock => ask.granted(grant),
            LockKind::Excl => ask.stands_first(grant),
        }));
        match Queued::take(file, id, owner) {
            Ok(seat) => *self.seat() = Some(seat),
            Err(cause) => self.answer(Err(self.wanted.unavailable(cause))),
        }
    }

    /// The kernel has given us the lock; perhaps of a file that has lost its name meanwhile.
    fn granted(self: &Arc<Self>, grant: Grant) {
        let granted = match grant {
            Ok(granted) => granted,
            Err(cause) => return self.answer(Err(self.wanted.unavailable(cause))),
        };
        if !self.waits() {
            let _ = kernel::unlock(&granted.file);
            return;
        }
        let Wanted { path, terms, .. } = &self.wanted;
        let tried = flock::granted(granted, path, terms.signature);
        if let flock::Tried::Held(lock, facts) = tried {
            return self.tell(Ok(Won(Prize::Unsigned { lock, facts, ask: Arc::clone(self) })));
        }
        let mut contender = Contender::new(path, terms);
        match (contender.kernel(tried).ended(), contender.take_file()) {
            (Some(ended), _) => self.answer(self.wanted.answer(ended)),
            (None, Some((file, id))) => self.sit(file, id),
            (None, None) => self.wait_elsewhere(),
        }
    }

    /// It is the first in line for an existence lock, and watches it.
    fn stands_first(self: &Arc<Self>, grant: Grant) {
        // Where no line can be formed all watch.
        let line = grant.ok().map(Line::first);
        let Wanted { path, terms, patience, .. } = &self.wanted;
        let mut contender = Contender::new(path, terms);
        if line.is_some() {
            contender.stand_first(true);
        }
        if self.waits() {
            let tell = || self.wanted.tell_waiting(written_holder(path, terms.kind));
            let acquired = queue::watching(contender, patience, Some(tell));
            self.answer(self.wanted.answer(acquired));
        }
        // Who asked is told before the next one steps forward.
        drop(line);
    }

    fn keep_deadline(self: &Arc<Self>) {
        if let Err(cause) = warden::watch(self) {
            self.end(|| Err(self.wanted.unavailable(cause)));
        }
        let ask = Arc::downgrade(self);
        self.wanted.patience.cancel.when_cancelled(move || {
            if let Some(ask) = ask.upgrade() {
                ask.end(|| ask.wanted.answer(Acquired::Cancelled));
            }
        });
    }

    /// Gives up, unless the lock came first.
    fn end(&self, answer: impl FnOnce() -> Result<SpawnLock>) {
        let Some(done) = self.done().take() else { return };
        self.leave_seat();
        done(answer().map(Won::finished));
    }

    /// `false` when it was no longer there: the lock is ours, or we are the first in line.
    fn leave_seat(&self) -> bool {
        let seat = self.seat().take();
        seat.is_some_and(|seat| matches!(seat.leave(), Left::Waiting))
    }

    /// When to look at it next.
    pub(crate) fn due(&self) -> Duration {
        let patience = &self.wanted.patience;
        let left = patience.deadline.remaining();
        if self.told.load(Ordering::Relaxed) { left } else { left.min(TELL_AFTER.saturating_sub(patience.deadline.elapsed())) }
    }

    /// Says on whom it waits when that takes a while, and ends it at its deadline.
    pub(crate) fn look(self: &Arc<Self>) {
        let (path, terms, patience) = (&self.wanted.path, &self.wanted.terms, &self.wanted.patience);
        if patience.deadline.expired() {
            return self.end(|| self.wanted.answer(Acquired::Elapsed));
        }
        if patience.deadline.elapsed() < TELL_AFTER || !self.waits() || self.told.swap(true, Ordering::Relaxed) {
            return;
        }
        match terms.kind {
            LockKind::Auto | LockKind::Flock => self.wanted.tell_waiting(written_holder(path, terms.kind)),
            // The first in line may be frozen: from now on one looks at the lock as well, from the same seat.
            LockKind::Excl if self.leave_seat() => self.wait_elsewhere(),
            LockKind::Excl => {}
        }
    }
}

impl std::fmt::Debug for Ask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Ask").field(&self.wanted.path).finish()
    }
}
