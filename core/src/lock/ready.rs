//! A lock file that is written and only needs its name; the first in line for an existence lock has one ready before it is free.
//!
//! Until then it has no name at all, so that nobody who is killed with it leaves anything. Not every file system has such files.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::deadline::Deadline;
use crate::holder::Holder;
use crate::sys;

/// Scripts judge a lock by the time in it, and others by the time of the file: neither may be older than the lock by more than this.
const FRESH: Duration = Duration::from_millis(500);

/// Who is to hold a lock, and the file in which that is written.
#[derive(Debug)]
pub(crate) struct Written<F> {
    pub(crate) file: F,
    pub(crate) holder: Holder,
    pub(crate) text: Vec<u8>,
}

impl<F> Written<F> {
    /// Written now, by `write`, which is given the text and the token in it.
    pub(crate) fn with(write: impl FnOnce(&[u8], &str) -> io::Result<F>) -> io::Result<Self> {
        let holder = Holder::ourselves();
        let mut text = serde_json::to_vec(&holder)?;
        text.push(b'\n');
        Ok(Written { file: write(&text, &holder.token)?, holder, text })
    }

    /// The same with another file, where there is one.
    pub(crate) fn map<G>(self, change: impl FnOnce(F) -> io::Result<Option<G>>) -> io::Result<Option<Written<G>>> {
        let Written { file, holder, text } = self;
        Ok(change(file)?.map(|file| Written { file, holder, text }))
    }
}

/// A lock file without a name.
#[derive(Debug)]
pub(crate) struct Ready {
    written: Written<File>,
    stays_fresh: Deadline,
}

impl Ready {
    pub(crate) fn write(lock: &Path) -> io::Result<Self> {
        let written = Written::with(|text, _| {
            let file = sys::create_unnamed(lock)?;
            sys::write_start(&file, text)?;
            Ok(file)
        })?;
        Ok(Ready { written, stays_fresh: Deadline::after(FRESH) })
    }

    /// Takes a name that must be free; `None` when somebody was there first.
    pub(crate) fn appear(self, name: &Path) -> io::Result<Option<Written<File>>> {
        let written = if self.stays_fresh.expired() { Ready::write(name)?.written } else { self.written };
        written.map(|file| match sys::give_name(&file, name) {
            Ok(()) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
            Err(error) => Err(error),
        })
    }
}
