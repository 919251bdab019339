//! Whether a file system's kernel lock can be trusted.

use std::io;
use std::path::Path;

use crate::deadline;
use crate::error::{Error, ErrorCode, Result};
use crate::lock::SpawnLock;
use crate::lock::draft::Draft;
use crate::lock::kernel;
use crate::sys::{self, Lookup};
use crate::words::words;

words! {
    /// What a file system makes of `flock`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum FlockSupport {
        /// It excludes others.
        Works = "works",
        /// It says that it has none: `auto` takes an existence lock there.
        Refused = "refused",
        /// It says yes to everybody: nothing but an existence lock excludes anybody there.
        Lies = "lies",
    }
}

impl SpawnLock {
    /// Tries in a directory whether a second taker of a kernel lock is refused, on a file that is removed again.
    ///
    /// # Errors
    /// `LOCK_UNAVAILABLE` when no file can be made there.
    pub fn test_flock(dir: impl AsRef<Path>) -> Result<FlockSupport> {
        let dir = dir.as_ref();
        test(dir)
            .map_err(|cause| Error::new(ErrorCode::LockUnavailable, format!("cannot try a lock in {}", dir.display())).caused_by(cause))
    }
}

/// Two descriptions of one file: the second must wait.
fn test(dir: &Path) -> io::Result<FlockSupport> {
    let draft = Draft::create(dir.join(format!(".new-flock-{}", deadline::unique())))?;
    let second = sys::open_private(draft.path(), Lookup::ExistingWrite)?;
    match (draft.file().map_or(Ok(true), kernel::try_lock), kernel::try_lock(&second)) {
        (Err(error), _) if sys::is_no_flock(&error) => Ok(FlockSupport::Refused),
        (Err(error), _) => Err(error),
        (Ok(true), Ok(true)) => Ok(FlockSupport::Lies),
        _ => Ok(FlockSupport::Works),
    }
}
