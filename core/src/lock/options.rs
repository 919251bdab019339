//! How a lock is to be taken: its kind, and for how long and as whom one waits.

use std::ops::Range;
use std::time::Duration;

use crate::cancel::{Cancel, Patience};
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::event::{Event, Listener};
use crate::words::words;

/// How long one waits for a lock.
const TIMEOUT: Duration = Duration::from_secs(60);
/// After how long a holder of whom nothing is known counts as gone.
pub(crate) const STALE_AFTER: Duration = Duration::from_secs(10);

words! {
    /// What a lock is made of. All who share one must use the same kind.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub enum LockKind {
        /// [`Flock`](LockKind::Flock); where the file system has none, [`Excl`](LockKind::Excl) on `<path>.excl`.
        #[default]
        Auto = "auto",
        /// A kernel lock on a file that is never unlinked: freed by the kernel when its holder dies, however it dies.
        Flock = "flock",
        /// Held while the file exists: for peers that only know `O_CREAT|O_EXCL`, and for file systems without `flock`.
        Excl = "excl",
    }
}

impl LockKind {
    /// Reads `auto`, `flock` or `excl`.
    ///
    /// # Errors
    /// `CONFIG` for any other word.
    pub fn parse(text: &str) -> Result<Self> {
        let named = LockKind::ALL.iter().find(|kind| kind.as_str() == text);
        named.copied().ok_or_else(|| Error::config("lock", format!("is `{text}`: write `auto`, `flock` or `excl`")))
    }
}

/// How to take a [`SpawnLock`](crate::SpawnLock).
///
/// # Example
/// ```
/// use std::time::Duration;
/// use spawnlock::{LockKind, LockOptions};
/// let options = LockOptions::new().kind(LockKind::Excl).timeout(Duration::from_secs(5));
/// ```
#[derive(Clone, Debug, Default)]
pub struct LockOptions {
    pub(crate) kind: LockKind,
    pub(crate) timeout: Option<Duration>,
    pub(crate) stale_after: Option<Duration>,
    pub(crate) break_after: Option<Duration>,
    pub(crate) reentrant: bool,
    pub(crate) owner: Option<u64>,
    pub(crate) kin: Vec<Range<u64>>,
    pub(crate) anonymous: bool,
    pub(crate) cancel: Option<Cancel>,
    pub(crate) listener: Listener,
}

impl LockOptions {
    /// The defaults: `auto`, 60 s, no re-entrancy.
    pub fn new() -> Self {
        LockOptions::default()
    }

    /// What the lock is made of. Default: `auto`.
    pub fn kind(mut self, kind: LockKind) -> Self {
        self.kind = kind;
        self
    }

    /// How long to wait for it. Default: 60 s. Zero is one try.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// After how long an existence lock counts as left behind when nothing proves that its owner lives or is dead:
    /// one of another machine, an empty file, garbage. A live owner's lock is never stale. Default: 10 s.
    pub fn stale_after(mut self, time: Duration) -> Self {
        self.stale_after = Some(time);
        self
    }

    /// Takes an existence lock from an owner that lives, after having waited for this one owner so long, and says so by an
    /// event. Only for [`LockKind::Excl`]. Default: never.
    pub fn break_after(mut self, time: Duration) -> Self {
        self.break_after = Some(time);
        self
    }

    /// Whether the owner of a lock that takes it again gets a share of it. Default: no, that is `RECURSIVE`.
    pub fn reentrant(mut self, reentrant: bool) -> Self {
        self.reentrant = reentrant;
        self
    }

    /// Who asks, within this process: a task, a coroutine. Others wait for it as they wait for other processes.
    /// Default: the calling thread.
    pub fn owner(mut self, owner: u64) -> Self {
        self.owner = Some(owner);
        self
    }

    /// Other owners of this process whose locks count as the caller's own: to wait for one of them would be to wait for oneself.
    /// For hosts that run many tasks on one thread, or tasks within tasks. Default: none.
    pub fn kin(mut self, owners: impl IntoIterator<Item = Range<u64>>) -> Self {
        self.kin = owners.into_iter().collect();
        self
    }

    /// Whether the holder is written into the file of a kernel lock, for people who ask on whom they wait. Default: yes.
    pub fn record_holder(mut self, record: bool) -> Self {
        self.anonymous = !record;
        self
    }

    /// Lets another thread end the wait.
    pub fn cancel(mut self, cancel: Cancel) -> Self {
        self.cancel = Some(cancel);
        self
    }

    /// Tells what happens meanwhile: on whom one waits, and from whom a lock was taken.
    pub fn on_event(mut self, listen: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.listener = Listener::new(listen);
        self
    }

    /// The checked terms, and how long to wait by them.
    pub(crate) fn checked(&self, timeout: Option<Duration>) -> Result<(Terms, Patience)> {
        if self.break_after.is_some() && self.kind != LockKind::Excl {
            return Err(Error::config("breakAfter", "needs the lock `excl`: a kernel lock cannot be taken from a process that lives"));
        }
        let stale_after = self.stale_after.unwrap_or(STALE_AFTER);
        if stale_after.is_zero() {
            return Err(Error::config("staleAfter", "must be longer than nothing"));
        }
        let terms = Terms {
            kind: self.kind,
            stale_after,
            break_after: self.break_after,
            owner: self.owner.unwrap_or_else(this_thread),
            kin: self.kin.clone(),
            reentrant: self.reentrant,
            signature: if self.anonymous { Signature::None } else { Signature::Own },
        };
        let deadline = Deadline::after(timeout.unwrap_or(TIMEOUT));
        Ok((terms, Patience::new(deadline, self.cancel.clone().unwrap_or_else(Cancel::never))))
    }
}

/// Checked options, but for how long one waits.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub(crate) kind: LockKind,
    pub(crate) stale_after: Duration,
    pub(crate) break_after: Option<Duration>,
    pub(crate) owner: u64,
    pub(crate) kin: Vec<Range<u64>>,
    pub(crate) reentrant: bool,
    pub(crate) signature: Signature,
}

/// Whether and how the holder of a kernel lock writes itself down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signature {
    None,
    /// Through the descriptor that carries the lock.
    Own,
    /// Through one of its own, so that only a release, and nobody who comes to wait, closes what the waiters watch.
    Apart,
}

impl Terms {
    /// What a lock of a place is taken with.
    pub(crate) fn of_place(kind: LockKind) -> Self {
        let (stale_after, owner, signature) = (STALE_AFTER, this_thread(), Signature::Apart);
        Terms { kind, stale_after, break_after: None, owner, kin: Vec::new(), reentrant: false, signature }
    }

    /// Whether a lock of that owner is the caller's own.
    pub(crate) fn counts(&self, owner: u64) -> bool {
        owner == self.owner || self.kin.iter().any(|kin| kin.contains(&owner))
    }
}

/// A number for the calling thread that no other thread of this process has, now or later.
fn this_thread() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1 << 63);
    thread_local!(static OURS: u64 = NEXT.fetch_add(1, Ordering::Relaxed));
    OURS.with(|number| *number)
}
