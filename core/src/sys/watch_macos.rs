//! macOS: no kernel watch of a directory.

use std::io;
use std::os::fd::BorrowedFd;

use super::{Interest, Wanted};

/// This system tells nothing here that inotify would: waiters look at short intervals.
#[derive(Debug)]
pub(crate) struct Watch;

impl Watch {
    pub(crate) fn on(_wanted: &[Wanted<'_>]) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn input(&self) -> Option<(BorrowedFd<'_>, Interest)> {
        None
    }

    pub(crate) fn heard(&self) -> bool {
        false
    }
}
