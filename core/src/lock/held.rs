//! What this process holds: so that taking a lock twice is an error, or a share, and never a wait for oneself.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::holder::Holder;
use crate::lock::existence::ExistenceLock;
use crate::lock::flock::KernelLock;
use crate::lock::{LockKind, contended};
use crate::sys::{self, FileId, PerProcess};

/// A lock that is held, by one guard or by several that share it.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) path: PathBuf,
    pub(crate) key: Key,
    pub(crate) owner: u64,
    /// Nobody else's: in a forked child nothing is held.
    taken_by: u32,
    part: Mutex<Option<Part>>,
}

/// What makes it a lock.
#[derive(Debug)]
pub(crate) enum Part {
    Kernel(KernelLock),
    Existence(ExistenceLock),
}

/// Names one holding: the locked file, or the token in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    File(FileId),
    Token(String),
}

static HELD: PerProcess<Mutex<Vec<Weak<Held>>>> = PerProcess::new(Default::default);

fn held_here() -> MutexGuard<'static, Vec<Weak<Held>>> {
    HELD.get().lock().unwrap_or_else(PoisonError::into_inner)
}

impl Held {
    /// Notes that this process holds the lock.
    pub(crate) fn note(path: &Path, key: Key, owner: u64, part: Part) -> Arc<Self> {
        let taken_by = sys::own_pid();
        let held = Arc::new(Held { path: path.to_owned(), key, owner, taken_by, part: Mutex::new(Some(part)) });
        held_here().push(Arc::downgrade(&held));
        held
    }

    /// The holding of that key, if its owner counts as ours.
    pub(crate) fn find(key: &Key, is_ours: impl Fn(u64) -> bool) -> Option<Arc<Self>> {
        let all = held_here().clone();
        // Outside the list's lock: the last share of one may end here, and that looks into the list.
        all.iter().filter_map(Weak::upgrade).find(|held| held.key == *key && is_ours(held.owner))
    }

    pub(crate) fn kind(&self) -> LockKind {
        match self.key {
            Key::File(_) => LockKind::Flock,
            Key::Token(_) => LockKind::Excl,
        }
    }

    pub(crate) fn holder(&self) -> Holder {
        let part = self.part.lock().unwrap_or_else(PoisonError::into_inner);
        match &*part {
            Some(Part::Kernel(lock)) => lock.holder(),
            Some(Part::Existence(lock)) => lock.holder().clone(),
            None => Holder::this_process(),
        }
    }

    /// Whether it is held by this process now: not by a forked child's copy, and not once it was taken from us.
    pub(crate) fn is_held(&self) -> bool {
        if sys::own_pid() != self.taken_by {
            return false;
        }
        let part = self.part.lock().unwrap_or_else(PoisonError::into_inner);
        match &*part {
            Some(Part::Kernel(_)) => true,
            Some(Part::Existence(lock)) => lock.is_ours(),
            None => false,
        }
    }

    /// Whether letting go needs no wait now.
    pub(crate) fn is_ready_to_go(&self) -> bool {
        let in_child = sys::own_pid() != self.taken_by;
        in_child
            || match &mut *self.part.lock().unwrap_or_else(PoisonError::into_inner) {
                Some(Part::Existence(lock)) => lock.retake_mutex(),
                Some(Part::Kernel(_)) | None => true,
            }
    }

    /// The file of a kernel lock, still locked; any other is let go.
    pub(crate) fn give_away(mut self) -> Option<std::fs::File> {
        match self.part.get_mut().unwrap_or_else(PoisonError::into_inner).take()? {
            Part::Kernel(lock) => Some(lock.into_file()),
            Part::Existence(lock) => {
                lock.release();
                None
            }
        }
    }

    /// Lets go. `false` when it was no longer ours.
    pub(crate) fn let_go(&mut self) -> bool {
        // Without its lock, which in a forked child may be locked for ever.
        let Some(part) = self.part.get_mut().unwrap_or_else(PoisonError::into_inner).take() else { return false };
        let in_child = sys::own_pid() != self.taken_by;
        let was_ours = match part {
            Part::Kernel(lock) => {
                let waited = lock.waited() && !in_child;
                let was_ours = lock.release(in_child);
                if waited {
                    contended::note(&self.path);
                }
                was_ours
            }
            Part::Existence(lock) if in_child => lock.forget(),
            Part::Existence(lock) => lock.release(),
        };
        if !in_child {
            // Ours is among those that nobody shares any more.
            held_here().retain(|held| held.strong_count() > 0);
        }
        was_ours
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.let_go();
    }
}
