//! `flock` itself, for all who use it. A signal is no answer to any of its calls.

use std::fs::File;
use std::io;

use fs4::{FileExt, TryLockError};

use crate::sys;

/// `false` while somebody else has the lock.
pub(crate) fn try_lock(file: &File) -> io::Result<bool> {
    answer(|| FileExt::try_lock(file))
}

/// The same, beside others who share it; `false` while somebody has it alone.
pub(crate) fn try_lock_shared(file: &File) -> io::Result<bool> {
    answer(|| FileExt::try_lock_shared(file))
}

/// Blocks until the lock is granted.
pub(crate) fn lock(file: &File) -> io::Result<()> {
    sys::again(|| FileExt::lock(file))
}

pub(crate) fn unlock(file: &File) -> io::Result<()> {
    sys::again(|| FileExt::unlock(file))
}

fn answer(call: impl Fn() -> Result<(), TryLockError>) -> io::Result<bool> {
    sys::again(|| match call() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    })
}
