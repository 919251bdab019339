//! The alive lock, looked at from outside. The server takes it itself, between fork and exec (`sys::detach`).

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::lock::kernel;
use crate::place::Place;
use crate::sys::{self, Lookup};

/// The alive lock of a place.
#[derive(Clone, Debug)]
pub(crate) struct AliveLock {
    path: PathBuf,
}

impl AliveLock {
    pub(crate) fn of(place: &Place) -> Self {
        AliveLock { path: place.alive_lock() }
    }

    /// Whether a process of the server lives.
    pub(crate) fn is_held(&self) -> bool {
        is_held(&self.path)
    }

    /// The main process of the last start, as it wrote its pid down itself.
    pub(crate) fn pid(&self) -> Option<u32> {
        let mut text = String::new();
        io::Read::read_to_string(&mut sys::open_private(&self.path, Lookup::Existing).ok()?, &mut text).ok()?;
        text.trim().parse().ok()
    }

    /// The processes that hold it now, as far as the system tells.
    pub(crate) fn holders(&self) -> Vec<u32> {
        sys::holders_of(&self.path)
    }
}

/// Whether somebody holds the lock on a file. Asked with a shared lock, so that two who ask never see each other.
/// Only a missing file and a file system without locks count as free; who cannot tell must take it for held.
pub(crate) fn is_held(path: &Path) -> bool {
    let file = match sys::open_private(path, Lookup::Existing) {
        Ok(file) => file,
        Err(error) => return !sys::is_unavailable(&error) && error.kind() != io::ErrorKind::NotFound,
    };
    is_locked(&file)
}

/// The same of an open file.
pub(crate) fn is_locked(file: &File) -> bool {
    match kernel::try_lock_shared(file) {
        Ok(true) => {
            let _ = kernel::unlock(file);
            false
        }
        Ok(false) => true,
        Err(error) => !sys::is_unavailable(&error),
    }
}
