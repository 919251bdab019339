//! The locks: the spawn lock, held by the one that may start, of two kinds and for anybody's use; and the alive lock, held by
//! the server.

mod acquire;
mod alive;
mod ask;
mod brief;
mod contended;
mod content;
mod crew;
mod draft;
mod existence;
mod flock;
mod held;
mod kernel;
mod lease;
mod mutex;
mod options;
mod queue;
mod ready;
mod refresh;
mod seat;
mod sight;
mod start;
mod support;
mod takeover;
mod wait;
mod warden;

use std::path::Path;
use std::sync::Arc;

use crate::holder::Holder;
use held::Held;

pub(crate) use acquire::{Acquired, acquire_with_news, written_holder};
pub(crate) use alive::AliveLock;
pub use ask::{Asked, Request, Won};
pub(crate) use brief::briefly;
pub(crate) use content::parse;
pub(crate) use flock::is_held_by_living;
pub(crate) use lease::{Lease, is_kept, is_leased, keep, lease_holders, others_hold_leases, remove_leases, sweep_leases};
pub(crate) use mutex::beside;
pub(crate) use options::Terms;
pub use options::{LockKind, LockOptions};
pub(crate) use start::{StartGuard, StartLock};
pub use support::FlockSupport;
pub(crate) use wait::TELL_AFTER;

/// A lock between processes and threads, held until it is released or dropped, or its process dies.
///
/// Two kinds, chosen by [`LockKind`]: a kernel lock (the default), and an existence lock for peers that only know
/// `O_CREAT|O_EXCL` and for file systems without `flock`. Threads of one process exclude each other like processes.
/// A forked child's copy holds nothing and releases nothing.
///
/// # Platform behavior
/// Waiters for a kernel lock stand in the kernel's own queue, first come, first served, but for who comes in the moment in which the next
/// one has not run yet. Waiters for an existence lock stand in line, and the first is woken by its removal or by its owner's death on
/// Linux, and looks every 1 to 50 ms elsewhere.
///
/// # Cleanup
/// The file of a kernel lock stays: to remove it would let two hold it. That of an existence lock goes with the lock; its
/// `<path>.mutex` stays.
///
/// # Example
/// ```
/// use spawnlock::{LockOptions, SpawnLock};
/// let dir = tempfile::tempdir()?;
/// let lock = SpawnLock::acquire(dir.path().join("build.lock"), &LockOptions::new())?;
/// assert!(lock.is_held());
/// assert!(lock.release());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SpawnLock(Arc<Held>);

impl SpawnLock {
    /// Its file.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// What it is made of; never `Auto`.
    pub fn kind(&self) -> LockKind {
        self.0.kind()
    }

    /// This process, as others read it.
    pub fn holder(&self) -> Holder {
        self.0.holder()
    }

    /// Whether this process holds it still: a forked child does not, nor does one whose lock was broken or removed.
    pub fn is_held(&self) -> bool {
        self.0.is_held()
    }

    /// Gives the locked file away, to be handed to another process: whoever has it holds the lock. `None`, and let go, for a lock that
    /// is no kernel lock or is shared.
    pub(crate) fn hand_over(self) -> Option<std::fs::File> {
        Arc::try_unwrap(self.0).ok()?.give_away()
    }

    /// The lock of a file that was handed over by whoever held it.
    pub(crate) fn handed_over(file: std::fs::File, path: &Path) -> Option<SpawnLock> {
        wait::handed_over(file, path)
    }

    /// Lets go; a lock that is shared is let go with its last share. `false` when it was no longer ours: somebody had broken
    /// or removed it, or this is a forked child's copy.
    pub fn release(self) -> bool {
        match Arc::try_unwrap(self.0) {
            Ok(mut held) => held.let_go(),
            Err(shared) => shared.is_held(),
        }
    }
}
