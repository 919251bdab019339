//! Waiting for a lock and for news at the same time, woken by the kernel.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use crate::cancel::{Patience, Wake};
use crate::holder::Holder;
use crate::lock::content::{self, Owner};
use crate::lock::existence::{Known, Likely};
use crate::lock::flock::KernelLock;
use crate::lock::held::{Held, Key, Part};
use crate::lock::options::Terms;
use crate::lock::ready::Ready;
use crate::lock::seat::Granted;
use crate::lock::sight::Seen;
use crate::lock::{Acquired, LockKind, SpawnLock, existence, flock};
use crate::sys::{self, FileFacts, FileId, Interest, Wanted, Watch};

/// How often a waiter looks although the kernel told it nothing: for file systems that tell nothing.
const WATCHED_INTERVAL: Duration = Duration::from_millis(500);
/// The bounds of the interval where there is no watch; it is a fiftieth of the time waited in between.
const POLL_LEAST: Duration = Duration::from_millis(1);
const POLL_MOST: Duration = Duration::from_millis(50);
/// After this long a waiter says on whom it waits.
pub(crate) const TELL_AFTER: Duration = Duration::from_secs(1);
/// A killed holder's close is told a moment before the kernel frees its lock: tries for that moment, 50 ms in all, each pause twice the last.
const SETTLE_TRIES: u32 = 10;
const SETTLE_FIRST: Duration = Duration::from_micros(50);

/// One who wants a lock.
pub(crate) struct Contender<'a> {
    path: &'a Path,
    terms: &'a Terms,
    way: Way,
}

/// How it tries.
enum Way {
    /// The file that somebody else had locked, and which it is.
    Kernel {
        file: Option<(File, FileId)>,
    },
    Existence(Box<Watcher>),
}

/// One who wants an existence lock.
#[derive(Default)]
struct Watcher {
    known: Known,
    /// What becomes readable when this owner dies.
    end: Option<(Holder, OwnedFd)>,
    /// Only the first in line has its lock file ready.
    first: bool,
    /// He before it has just taken the lock.
    let_forward: bool,
}

/// What came of one try.
pub(crate) enum Tried {
    Held(SpawnLock),
    /// The same, from an owner that lives.
    Broken(SpawnLock, Holder),
    Busy,
    Unavailable(io::Error),
}

impl Tried {
    /// How the wait ends by it; `None` while somebody else has the lock.
    pub(crate) fn ended<T>(self) -> Option<Acquired<T>> {
        match self {
            Tried::Held(lock) => Some(Acquired::Held(lock)),
            Tried::Broken(lock, owner) => Some(Acquired::Broken(lock, owner)),
            Tried::Unavailable(error) => Some(Acquired::Unavailable(error)),
            Tried::Busy => None,
        }
    }
}

impl<'a> Contender<'a> {
    /// One for a lock of that very kind; `auto` begins as `flock`.
    pub(crate) fn new(path: &'a Path, terms: &'a Terms) -> Self {
        let way = match terms.kind {
            LockKind::Auto | LockKind::Flock => Way::Kernel { file: None },
            LockKind::Excl => Way::Existence(Box::default()),
        };
        Contender { path, terms, way }
    }

    /// Tries for the lock now.
    pub(crate) fn try_now(&mut self, patience: &Patience) -> Tried {
        match &mut self.way {
            Way::Kernel { file } => match file.take().map_or_else(|| flock::open(self.path, self.terms.signature), |(file, _)| Ok(file)) {
                Ok(file) => self.kernel(flock::try_lock(file, self.path, self.terms.signature)),
                Err(error) => Tried::Unavailable(error),
            },
            Way::Existence(watcher) => match existence::try_take(self.path, self.terms, &mut watcher.known, patience) {
                existence::Tried::Held(lock) => Tried::Held(self.note(lock)),
                existence::Tried::Broken(lock, owner) => Tried::Broken(self.note(lock), owner),
                existence::Tried::Busy(holder) => holder.map_or(Tried::Busy, |holder| self.busy(&Key::Token(holder.token))),
                existence::Tried::Unavailable(error) => Tried::Unavailable(error),
            },
        }
    }

    /// Looks whether it is ours already, and takes nothing. Only an existence lock can be looked at.
    pub(crate) fn look(&mut self) -> Tried {
        match &mut self.way {
            Way::Kernel { .. } => Tried::Busy,
            Way::Existence(watcher) => match watcher.known.sight.look(self.path, self.terms) {
                Ok(Seen::Held(Some(holder))) => self.busy(&Key::Token(holder.token)),
                Ok(_) => Tried::Busy,
                Err(error) => Tried::Unavailable(error),
            },
        }
    }

    /// Opens the file of a kernel lock, to queue for it, whether or not somebody has it now.
    pub(crate) fn step_behind(&mut self) -> Tried {
        match flock::open(self.path, self.terms.signature) {
            // Some file systems want a writer in the queue: that shows when it is tried.
            Ok(file) if !sys::is_writable(&file) => self.kernel(flock::try_lock(file, self.path, self.terms.signature)),
            Ok(file) => self.kernel(flock::Tried::Busy(file)),
            Err(error) => Tried::Unavailable(error),
        }
    }

    /// The kernel has given us the lock of a file.
    pub(crate) fn granted(&mut self, granted: Granted) -> Tried {
        self.kernel(flock::granted(granted, self.path, self.terms.signature))
    }

    /// Goes on with what came of a try for a kernel lock.
    pub(crate) fn kernel(&mut self, tried: flock::Tried) -> Tried {
        match tried {
            flock::Tried::Held(lock, facts) => Tried::Held(signed(self.path, self.terms, lock, &facts)),
            flock::Tried::Unavailable(error) => Tried::Unavailable(error),
            flock::Tried::Busy(file) => {
                let id = match sys::facts_of(&file) {
                    Ok(facts) => facts.id,
                    Err(error) => return Tried::Unavailable(error),
                };
                self.way = Way::Kernel { file: Some((file, id)) };
                self.busy(&Key::File(id))
            }
        }
    }

    fn note(&self, lock: existence::ExistenceLock) -> SpawnLock {
        let key = Key::Token(lock.holder().token.clone());
        SpawnLock(Held::note(self.path, key, self.terms.owner, Part::Existence(lock)))
    }

    /// Somebody has it: ourselves?
    fn busy(&self, key: &Key) -> Tried {
        match Held::find(key, |owner| self.terms.counts(owner)) {
            Some(held) if self.terms.reentrant => Tried::Held(SpawnLock(held)),
            Some(_) => Tried::Unavailable(io::ErrorKind::Deadlock.into()),
            None => Tried::Busy,
        }
    }

    /// The file that somebody else has locked, to queue for.
    pub(crate) fn take_file(&mut self) -> Option<(File, FileId)> {
        match &mut self.way {
            Way::Kernel { file } => file.take(),
            Way::Existence(_) => None,
        }
    }

    /// Waits for the lock, for what `look` finds among what is renamed into `news`, or for the end of `patience`.
    /// `tell` is called once, after about a second.
    pub(crate) fn wait<T>(
        mut self,
        news: Option<&Path>,
        patience: &Patience,
        mut tell: impl FnMut(),
        mut look: impl FnMut() -> Option<T>,
    ) -> Acquired<T> {
        let mut watch = self.expects_to_wait().then(|| self.watch(news));
        let mut told = false;
        let mut tries_left = 0;
        loop {
            if let Some(found) = look() {
                return Acquired::Told(found);
            }
            if let Some(ended) = self.try_now(patience).ended() {
                return ended;
            }
            let waited = patience.deadline.elapsed();
            if !told && waited >= TELL_AFTER {
                told = true;
                tell();
            }
            if watch.is_none() {
                watch = Some(self.watch(news));
                // What happened before the watch began is seen by one more look, and one who merely looked at the lock,
                // whose closing tells us nothing, is gone within the next few.
                tries_left = self.settles();
                continue;
            }
            self.get_ready();
            let watch = watch.as_ref().and_then(Option::as_ref);
            let pause = if tries_left > 0 { settle_pause(tries_left) } else { self.interval(watch.is_some(), told, waited) };
            let inputs: Vec<_> = watch.and_then(Watch::input).into_iter().chain(self.owners_end()).collect();
            match patience.wait(&inputs, pause) {
                Ok(Wake::Cancelled) => return Acquired::Cancelled,
                Ok(Wake::Input) if watch.is_some_and(|watch| !watch.heard()) => tries_left = tries_left.max(1),
                Ok(Wake::Input) => {
                    self.expect_free();
                    tries_left = self.settles();
                }
                Ok(Wake::Elapsed | Wake::Rung) => tries_left = tries_left.saturating_sub(1),
                Err(error) => return Acquired::Unavailable(error),
            }
            if patience.deadline.expired() {
                return look().map_or(Acquired::Elapsed, Acquired::Told);
            }
        }
    }

    /// It is the first in line, and stays it for as long as it waits. One who was `let_forward` knows that somebody has just taken the lock.
    pub(crate) fn stand_first(&mut self, let_forward: bool) {
        if let Way::Existence(watcher) = &mut self.way {
            (watcher.first, watcher.let_forward) = (true, let_forward);
            watcher.known.likely = if let_forward { Likely::Held } else { watcher.known.likely };
        }
    }

    /// Whether a try now would be in vain, so that the watch comes first.
    fn expects_to_wait(&self) -> bool {
        matches!(&self.way, Way::Existence(watcher) if watcher.let_forward)
    }

    /// Does ahead what can be done ahead. What fails is tried again, and told, when the lock is free.
    fn get_ready(&mut self) {
        if let Way::Existence(watcher) = &mut self.way
            && watcher.first
            && watcher.known.ready.is_none()
        {
            watcher.known.ready = Ready::write(self.path).ok();
        }
    }

    /// Something was told of the lock. Of those who are not the first all are told, and most come too late.
    fn expect_free(&mut self) {
        if let Way::Existence(watcher) = &mut self.way
            && watcher.first
        {
            watcher.known.likely = Likely::Free;
        }
    }

    /// Watches what tells of a release: a close of the locked file, the end of an existing one's name.
    fn watch(&self, news: Option<&Path>) -> Option<Watch> {
        let release = match self.way {
            Way::Kernel { .. } => Wanted::Closed(self.path),
            Way::Existence(_) => Wanted::Removed(self.path),
        };
        let wanted: Vec<Wanted<'_>> = [release].into_iter().chain(news.map(Wanted::Published)).collect();
        Watch::on(&wanted).ok()
    }

    /// What becomes readable when the owner of an existence lock dies. A kernel lock tells by itself.
    fn owners_end(&mut self) -> Option<(BorrowedFd<'_>, Interest)> {
        let Way::Existence(watcher) = &mut self.way else { return None };
        let owner = watcher.known.sight.seen()?;
        if watcher.end.as_ref().is_none_or(|(watched, _)| watched != owner) {
            // First the watch: that the pid is still its own says then that the watch is on nobody else.
            let end = sys::exit_watch(owner.pid).filter(|_| content::owner(owner) == Owner::Alive);
            watcher.end = end.map(|end| (owner.clone(), end));
        }
        watcher.end.as_ref().map(|(_, end)| (end.as_fd(), Interest::Read))
    }

    /// How many more looks are worth while after something was told.
    fn settles(&self) -> u32 {
        match self.way {
            Way::Kernel { .. } => SETTLE_TRIES,
            // What the kernel tells of a name has happened; at most somebody holds the mutex for a moment.
            Way::Existence(_) => 1,
        }
    }

    fn interval(&self, watched: bool, told: bool, waited: Duration) -> Duration {
        let interval = if watched { WATCHED_INTERVAL } else { (waited / 50).clamp(POLL_LEAST, POLL_MOST) };
        let interval = if told { interval } else { interval.min(TELL_AFTER.saturating_sub(waited).max(POLL_LEAST)) };
        match self.way {
            Way::Kernel { .. } => interval,
            // Nobody tells of what comes by time alone.
            Way::Existence(_) => {
                let soonest = self.terms.break_after.unwrap_or(self.terms.stale_after).min(self.terms.stale_after);
                interval.min((soonest / 20).max(POLL_LEAST))
            }
        }
    }
}

/// Writes down, and notes, that this process holds a kernel lock.
pub(crate) fn signed(path: &Path, terms: &Terms, lock: KernelLock, facts: &FileFacts) -> SpawnLock {
    let lock = lock.signed(path, terms.signature, facts);
    SpawnLock(Held::note(path, Key::File(facts.id), terms.owner, Part::Kernel(lock)))
}

fn settle_pause(tries_left: u32) -> Duration {
    SETTLE_FIRST * 2u32.pow(SETTLE_TRIES - tries_left)
}

/// The lock of a file that whoever held it handed over: on that very open file it is granted again.
pub(crate) fn handed_over(file: File, path: &Path) -> Option<SpawnLock> {
    let terms = Terms::of_place(LockKind::Flock);
    match Contender::new(path, &terms).kernel(flock::try_lock(file, path, terms.signature)) {
        Tried::Held(lock) => Some(lock),
        Tried::Broken(..) | Tried::Busy | Tried::Unavailable(_) => None,
    }
}
