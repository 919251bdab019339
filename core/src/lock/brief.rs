//! A lock for a few file operations, on the directory of a place itself: nobody starts anything under it.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use crate::cancel::Patience;
use crate::lock::kernel;

/// How often somebody who is busy for a moment is asked again.
const AGAIN: Duration = Duration::from_millis(1);

/// The lock on a directory, until it is dropped.
pub(crate) struct Brief(File);

impl Drop for Brief {
    fn drop(&mut self) {
        // Explicitly: a child that is being made just now may have a copy of the descriptor.
        let _ = kernel::unlock(&self.0);
    }
}

/// The lock on a directory; `None` when it cannot be had, or not in time.
pub(crate) fn briefly(dir: &Path, limit: Duration) -> Option<Brief> {
    let dir = File::open(dir).ok()?;
    let patience = Patience::uncancelled().within(limit);
    while !kernel::try_lock(&dir).ok()? {
        if patience.deadline.expired() || patience.pause(AGAIN).is_err() {
            return None;
        }
    }
    Some(Brief(dir))
}
