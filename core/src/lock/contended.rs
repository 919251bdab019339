//! The kernel lock that others want as well, as far as this process has found out.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::deadline::Deadline;
use crate::sys::PerProcess;

/// For so long after somebody let go of a lock for which he had waited others are taken to wait still. Where none does, to queue for it
/// costs some microseconds.
const LATELY: Duration = Duration::from_millis(10);

static LAST: PerProcess<Mutex<Option<(PathBuf, Deadline)>>> = PerProcess::new(Default::default);

/// Notes that it is let go by one who had to wait for it.
pub(crate) fn note(path: &Path) {
    *last() = Some((path.to_owned(), Deadline::after(LATELY)));
}

pub(crate) fn was_lately(path: &Path) -> bool {
    last().as_ref().is_some_and(|(contended, until)| contended == path && !until.expired())
}

fn last() -> MutexGuard<'static, Option<(PathBuf, Deadline)>> {
    LAST.get().lock().unwrap_or_else(PoisonError::into_inner)
}
