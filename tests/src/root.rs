//! What only root can arrange, and whether it can be had here.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Whether a program can do what it should here; says so when not.
pub fn can(what: &str, words: &[&str]) -> bool {
    let tried = Command::new(words[0]).args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::null()).output();
    let can = tried.as_ref().is_ok_and(|output| output.status.success());
    if !can {
        eprintln!("skipped: no {what} here: {tried:?}");
    }
    can
}

/// A file system, for as long as this lives.
#[derive(Debug)]
pub struct Mounted(tempfile::TempDir);

impl Mounted {
    /// One mounted by this command, whose last word is added here; `None`, and a word about it, where that cannot be had.
    ///
    /// # Panics
    /// When the system has no room for a directory.
    pub fn new(words: &[&str]) -> Option<Self> {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut words = words.to_vec();
        words.push(dir.path().to_str().expect("a path that is a text"));
        can("such a mount", &words).then_some(Mounted(dir))
    }

    /// One that is mounted there already.
    pub fn over(dir: tempfile::TempDir) -> Self {
        Mounted(dir)
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        self.0.path()
    }

    /// A file in it, which need not exist.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Ends it.
    pub fn end(&self) {
        let _ = Command::new("umount").args(["--lazy".as_ref(), self.0.path().as_os_str()]).output();
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        self.end();
    }
}
