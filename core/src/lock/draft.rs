//! A file before it has its name: whole, so that nobody ever reads half of it.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::deadline;
use crate::sys;

/// A file that is to get another name. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct Draft {
    path: PathBuf,
    file: Option<File>,
}

impl Draft {
    /// Makes an empty one, under a name that must be free.
    pub(crate) fn create(path: PathBuf) -> io::Result<Self> {
        let file = sys::create_new(&path)?;
        Ok(Draft { path, file: Some(file) })
    }

    /// The same, under a hidden name of its own beside that of a file; makes the directory, too, where it is missing.
    pub(crate) fn create_beside(path: &Path, what: &str) -> io::Result<Self> {
        let own = path.with_file_name(format!(".new-{what}-{}", deadline::unique()));
        sys::with_parent(path, || Draft::create(own.clone()))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn file(&self) -> Option<&File> {
        self.file.as_ref()
    }

    pub(crate) fn write(&mut self, text: &[u8]) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), |file| file.write_all(text))
    }

    /// Takes a name that must be free; `None` when somebody was there first.
    pub(crate) fn appear(self, name: &Path) -> io::Result<Option<File>> {
        match sys::rename_new(&self.path, name) {
            Ok(()) => Ok(self.named()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// It has its name.
    pub(crate) fn named(mut self) -> Option<File> {
        self.file.take()
    }
}

impl Drop for Draft {
    /// A write that fails halfway, and a name that was not to be had, leave nothing behind.
    fn drop(&mut self) {
        let Some(file) = self.file.take() else { return };
        // Should it have a name that could not be taken from it again, then at least it names nobody.
        let _ = file.set_len(0);
        if sys::same_file(&file, &self.path) {
            let _ = sys::remove_file(&self.path);
        }
    }
}
