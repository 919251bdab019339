//! Taking a lock: in the kernel's queue, or waiting for it and for news at once.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cancel::Patience;
use crate::deadline::readable;
use crate::error::{Error, ErrorCode, Result};
use crate::event::{Event, EventKind, Listener};
use crate::holder::{Holder, waiting_line, who};
use crate::lock::mutex::beside;
use crate::lock::options::Terms;
use crate::lock::queue;
use crate::lock::wait::Contender;
use crate::lock::{LockKind, LockOptions, SpawnLock, alive, flock, sight};
use crate::place;
use crate::sys;

/// What ended a wait for a lock.
#[derive(Debug)]
pub(crate) enum Acquired<T, L = SpawnLock> {
    Held(L),
    /// Taken from an owner that lives, after `break_after`.
    Broken(L, Holder),
    Unavailable(io::Error),
    /// What the caller was looking out for came first.
    Told(T),
    Elapsed,
    Cancelled,
}

impl SpawnLock {
    /// Waits for the lock.
    ///
    /// # Errors
    /// `LOCK_TIMEOUT` when others held it until the deadline; `LOCK_UNAVAILABLE`, at once, when no lock can be had there, with
    /// the system's own reason; `RECURSIVE` when the same owner holds it and it is not reentrant; `CANCELLED`; `CONFIG` for an
    /// option that is wrong.
    pub fn acquire(path: impl AsRef<Path>, options: &LockOptions) -> Result<SpawnLock> {
        Wanted::new(path.as_ref(), options, options.timeout)?.acquire()
    }

    /// The lock if it is to be had now; `None` while somebody else has it.
    ///
    /// # Errors
    /// As [`acquire`](SpawnLock::acquire), but for `LOCK_TIMEOUT` and `CANCELLED`.
    pub fn try_acquire(path: impl AsRef<Path>, options: &LockOptions) -> Result<Option<SpawnLock>> {
        Wanted::new(path.as_ref(), options, Some(Duration::ZERO))?.take()
    }

    /// Who holds the lock of that kind now; `None` when it is free. A holder that wrote nothing down has the pid 0.
    ///
    /// # Errors
    /// `LOCK_UNAVAILABLE` when the file cannot be looked at.
    pub fn holder_of(path: impl AsRef<Path>, kind: LockKind) -> Result<Option<Holder>> {
        let path = place::file_path("path", path.as_ref())?;
        let terms = Terms::of_place(kind);
        let of_excl = |path: &Path| sight::holder(path, &terms).map_err(|cause| unavailable(path, cause));
        match kind {
            LockKind::Excl => of_excl(&path),
            LockKind::Flock | LockKind::Auto if alive::is_held(&path) => Ok(Some(flock::written_holder(&path).unwrap_or_default())),
            LockKind::Flock => Ok(None),
            LockKind::Auto => of_excl(&beside(&path, ".excl")),
        }
    }
}

/// Waits for the lock, for what `look` finds among what is renamed into `news`, or for the end of `patience`, whichever is first.
/// `tell` is called once, after about a second, with the holder.
pub(crate) fn acquire_with_news<T>(
    path: &Path,
    terms: &Terms,
    news: &Path,
    patience: &Patience,
    mut tell: impl FnMut(Option<Holder>),
    mut look: impl FnMut() -> Option<T>,
) -> Acquired<T> {
    by_kind(path, terms, |path, terms| {
        Contender::new(path, terms).wait(Some(news), patience, || tell(written_holder(path, terms.kind)), &mut look)
    })
}

/// Who is written down as the holder of a lock of this kind.
pub(crate) fn written_holder(path: &Path, kind: LockKind) -> Option<Holder> {
    match kind {
        LockKind::Excl => sight::holder(path, &Terms::of_place(kind)).ok().flatten(),
        LockKind::Auto | LockKind::Flock => flock::written_holder(path),
    }
}

/// `auto` is `flock`, and where the file system knows none, `excl` under a name of its own: the file that was to be locked is there
/// by now, and would look like a lock that is held.
fn by_kind<T>(path: &Path, terms: &Terms, mut take: impl FnMut(&Path, &Terms) -> Acquired<T>) -> Acquired<T> {
    match take(path, terms) {
        Acquired::Unavailable(error) if terms.kind == LockKind::Auto && sys::is_no_flock(&error) => {
            take(&beside(path, ".excl"), &Terms { kind: LockKind::Excl, ..terms.clone() })
        }
        acquired => acquired,
    }
}

/// One call of somebody who wants a lock.
pub(crate) struct Wanted {
    pub(crate) path: PathBuf,
    pub(crate) terms: Terms,
    pub(crate) patience: Patience,
    listener: Listener,
}

impl Wanted {
    pub(crate) fn new(path: &Path, options: &LockOptions, timeout: Option<Duration>) -> Result<Self> {
        let (terms, patience) = options.checked(timeout)?;
        Ok(Wanted { path: place::file_path("path", path)?, terms, patience, listener: options.listener.clone() })
    }

    /// Waits for it.
    pub(crate) fn acquire(&self) -> Result<SpawnLock> {
        self.take()?.ok_or_else(|| self.timeout())
    }

    /// Waits for it; `None` when others held it until the deadline.
    fn take(&self) -> Result<Option<SpawnLock>> {
        let take = |path: &Path, terms: &Terms| queue::take(path, terms, &self.patience, |holder| self.tell_waiting(holder));
        self.outcome(by_kind(&self.path, &self.terms, take))
    }

    /// What the caller is told of how the wait ended.
    pub(crate) fn answer(&self, acquired: Acquired<()>) -> Result<SpawnLock> {
        self.outcome(acquired)?.ok_or_else(|| self.timeout())
    }

    fn outcome(&self, acquired: Acquired<()>) -> Result<Option<SpawnLock>> {
        match acquired {
            Acquired::Held(lock) => Ok(Some(lock)),
            Acquired::Broken(lock, owner) => {
                let message = format!("took the lock {} from {owner}, which still lives", self.path.display());
                self.tell(EventKind::Warning, message, Some(owner));
                Ok(Some(lock))
            }
            Acquired::Unavailable(cause) => Err(self.unavailable(cause)),
            Acquired::Cancelled => {
                Err(Error::new(ErrorCode::Cancelled, format!("waiting for the lock {} was cancelled", self.path.display())))
            }
            Acquired::Told(()) | Acquired::Elapsed => Ok(None),
        }
    }

    pub(crate) fn tell_waiting(&self, holder: Option<Holder>) {
        self.tell(EventKind::Waiting, waiting_line(&format!("lock {}", self.path.display()), holder.as_ref()), holder);
    }

    fn tell(&self, kind: EventKind, message: String, holder: Option<Holder>) {
        let event = Event::new(kind, self.path.display().to_string(), message, self.patience.deadline.elapsed());
        self.listener.tell(&Event { holder, ..event });
    }

    pub(crate) fn timeout(&self) -> Error {
        let holder = SpawnLock::holder_of(&self.path, self.terms.kind).ok().flatten().filter(|holder| holder.pid > 0);
        let (path, waited) = (self.path.display(), readable(self.patience.deadline.elapsed()));
        let summary = format!("the lock {path} was not free within {waited}: it is held by {}", who(holder.as_ref()));
        let ourselves = holder.as_ref().is_some_and(|holder| holder.pid == sys::own_pid());
        let error = Error::new(ErrorCode::LockTimeout, summary).with(|failure| failure.pid = holder.map(|holder| holder.pid));
        if ourselves { error.hint("this very process holds it: is there a release for every acquire?") } else { error }
    }

    pub(crate) fn unavailable(&self, cause: io::Error) -> Error {
        if cause.kind() == io::ErrorKind::Deadlock {
            let summary = format!("the lock {} is already held by this very caller", self.path.display());
            return Error::new(ErrorCode::Recursive, summary).hint("release it first, or ask for a reentrant lock");
        }
        unavailable(&self.path, cause)
    }
}

fn unavailable(path: &Path, cause: io::Error) -> Error {
    Error::new(ErrorCode::LockUnavailable, format!("no lock can be had at {}", path.display())).caused_by(cause)
}
