//! An oracle beside a lock: a file that only one can have made.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// What a contender says who finds somebody else inside.
pub const TWO_HOLDERS: &str = "TWO_HOLDERS";
/// What it says when the lock was no longer its own.
pub const LOST: &str = "LOST";

/// The file of one who is inside. It is there as long as it is.
#[derive(Debug)]
pub struct Witness(PathBuf);

impl Witness {
    /// Goes inside; `None` when somebody is there.
    ///
    /// # Errors
    /// The system's own.
    pub fn enter(lock: &Path) -> io::Result<Option<Self>> {
        let path = Witness::path(lock);
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(_) => Ok(Some(Witness(path))),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Goes outside.
    ///
    /// # Errors
    /// The system's own.
    pub fn leave(self) -> io::Result<()> {
        fs::remove_file(self.0)
    }

    /// The file of whoever is inside.
    pub fn path(lock: &Path) -> PathBuf {
        let mut name = lock.as_os_str().to_owned();
        name.push(".witness");
        name.into()
    }
}
