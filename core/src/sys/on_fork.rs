//! Locks and forks: a forked child must not keep the descriptor of a lock.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, IntoRawFd};
use std::sync::Once;
use std::sync::atomic::{AtomicI32, Ordering};

/// Descriptors that a forked child must not keep: it would hold the lock long after its parent let go by dying.
static ON_FORK: [AtomicI32; 512] = [const { AtomicI32::new(-1) }; 512];

/// Registers a descriptor that a forked child closes at once; dropping the answer ends that.
pub(crate) fn close_on_fork(fd: &impl AsFd) -> CloseOnFork {
    static HANDLER: Once = Once::new();
    HANDLER.call_once(|| {
        // SAFETY: the handler runs in the child of a fork, where it calls nothing but `close`.
        unsafe { libc::pthread_atfork(None, None, Some(close_registered)) };
    });
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
