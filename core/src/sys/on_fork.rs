//! Locks and forks: a forked child must not keep the descriptor of a lock.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, IntoRawFd};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

/// Has `handler` called in every forked child from now on; perhaps twice, where two threads ask for it at once. No `Once`: one that
/// is under way in another thread at a fork would keep the child waiting for ever.
pub(super) fn in_every_child(registered: &AtomicBool, handler: unsafe extern "C" fn()) {
    if !registered.load(Ordering::Acquire) {
        // SAFETY: the handlers of this crate close descriptors and count, which a child of a fork may do.
        unsafe { libc::pthread_atfork(None, None, Some(handler)) };
        registered.store(true, Ordering::Release);
    }
}

/// Descriptors that a forked child must not keep: it would hold the lock long after its parent let go by dying.
static ON_FORK: [AtomicI32; 512] = [const { AtomicI32::new(-1) }; 512];

/// Registers a descriptor that a forked child closes at once; dropping the answer ends that.
pub(crate) fn close_on_fork(fd: &impl AsFd) -> CloseOnFork {
    static REGISTERED: AtomicBool = AtomicBool::new(false);
    in_every_child(&REGISTERED, close_registered);
    let raw = fd.as_fd().as_raw_fd();
    let free = |slot: &&AtomicI32| slot.compare_exchange(-1, raw, Ordering::SeqCst, Ordering::SeqCst).is_ok();
    CloseOnFork { slot: ON_FORK.iter().find(free), raw }
}

unsafe extern "C" fn close_registered() {
    for slot in &ON_FORK {
        let fd = slot.swap(-1, Ordering::SeqCst);
        if fd >= 0 {
            // SAFETY: the descriptor is the child's own copy, and its owner there forgets it (`CloseOnFork::forget`).
            unsafe { libc::close(fd) };
        }
    }
}

/// A registration of [`close_on_fork`].
#[derive(Debug)]
pub(crate) struct CloseOnFork {
    slot: Option<&'static AtomicI32>,
    raw: i32,
}

impl CloseOnFork {
    /// In a forked child: gives up a file whose descriptor the handler has closed, without closing that number again.
    pub(crate) fn forget(&self, file: File) {
        if self.slot.is_some() {
            let _ = file.into_raw_fd();
        }
    }
}

impl Drop for CloseOnFork {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            // Nobody else's: in a forked child the slot may have been given away again.
            let _ = slot.compare_exchange(self.raw, -1, Ordering::SeqCst, Ordering::SeqCst);
        }
    }
}
