//! macOS: a condition, whose wait no signal ends.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::Latched;

/// What one thread sets, once, and another waits for; without a descriptor.
#[derive(Debug, Default)]
pub(crate) struct Latch(Mutex<bool>, Condvar);

impl Latch {
    pub(crate) fn set(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.1.notify_one();
    }

    /// Waits for it, once.
    pub(crate) fn wait(&self, time: Duration) -> Latched {
        let set = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (set, _) = self.1.wait_timeout_while(set, time, |set| !*set).unwrap_or_else(PoisonError::into_inner);
        if *set { Latched::Set } else { Latched::Elapsed }
    }
}
