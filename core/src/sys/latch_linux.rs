//! Linux: a futex, whose wait a signal ends as well.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::event::Timespec;
use rustix::io::Errno;
use rustix::thread::futex::{self, Flags};

use super::Latched;

/// What one thread sets, once, and another waits for; without a descriptor.
#[derive(Debug, Default)]
pub(crate) struct Latch(AtomicU32);

impl Latch {
    pub(crate) fn set(&self) {
        self.0.store(1, Ordering::Release);
        let _ = futex::wake(&self.0, Flags::PRIVATE, 1);
    }

    /// Waits for it, once.
    pub(crate) fn wait(&self, time: Duration) -> Latched {
        let timeout = Timespec { tv_sec: time.as_secs() as _, tv_nsec: time.subsec_nanos() as _ };
        let waited = futex::wait(&self.0, Flags::PRIVATE, 0, Some(&timeout));
        match waited {
            _ if self.0.load(Ordering::Acquire) == 1 => Latched::Set,
            Err(Errno::TIMEDOUT) => Latched::Elapsed,
            _ => Latched::Interrupted,
        }
    }
}
