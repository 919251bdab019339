//! The registry mutex `<lock>.mutex`: held for the few file operations of one transition of an existence lock.
//!
//! Where the file system has `flock` it is a kernel lock on a file that is never unlinked and carries our mark; a file of that
//! name without the mark is another tool's, which holds it by its existence. Elsewhere it is such a file of ours.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cancel::{Patience, Wake};
use crate::deadline;
use crate::lock::draft::Draft;
use crate::lock::kernel;
use crate::sys::{self, Lookup};

/// What is written in a mutex that is a kernel lock.
const MARK: &[u8] = b"spawnlock flock\n";
/// A mutex that is held by its existence, and older than this, was left behind: it is held for microseconds.
const STALE_AFTER: Duration = Duration::from_secs(5);
/// The bounds of the pause between two tries, each twice the last.
const PAUSE_LEAST: Duration = Duration::from_micros(5);
const PAUSE_MOST: Duration = Duration::from_millis(2);
/// How often it may change under our eyes before we look whether there is any time left.
const CHANGES_MOST: u32 = 16;

/// The mutex, held.
#[derive(Debug)]
pub(crate) struct Mutex {
    /// Gone once it was left.
    file: Option<File>,
    path: PathBuf,
    kernel: bool,
    on_fork: Option<sys::CloseOnFork>,
}

/// The file of a kernel mutex that was held and will be again: to open it once more costs as much as the lock.
#[derive(Debug)]
pub(crate) struct Left {
    on_fork: Option<sys::CloseOnFork>,
    file: File,
    path: PathBuf,
}

impl Left {
    /// In a forked child, whose copy the fork has closed.
    pub(crate) fn forget(self) {
        if let Some(on_fork) = self.on_fork {
            on_fork.forget(self.file);
        }
    }
}

enum Tried {
    Held(Mutex),
    Busy,
    /// It changed under our eyes: at once again.
    Changed,
}

impl Mutex {
    /// Waits for the mutex of a lock; `None` when the patience ended first.
    pub(crate) fn lock(lock: &Path, patience: &Patience) -> io::Result<Option<Self>> {
        let path = beside(lock, ".mutex");
        let mut pause = PAUSE_LEAST;
        let mut changes = 0;
        loop {
            match try_lock(&path)? {
                Tried::Held(mutex) => return Ok(Some(mutex)),
                Tried::Changed if changes < CHANGES_MOST => changes += 1,
                Tried::Busy | Tried::Changed if patience.deadline.expired() => return Ok(None),
                Tried::Busy | Tried::Changed => {
                    if patience.pause(pause)? == Wake::Cancelled {
                        return Ok(None);
                    }
                    pause = (pause * 2).min(PAUSE_MOST);
                }
            }
        }
    }

    /// Leaves the mutex, with what makes it quick to take again.
    pub(crate) fn leave(mut self) -> Option<Left> {
        let file = self.file.take_if(|_| self.kernel)?;
        // Closed, it is free in any case.
        kernel::unlock(&file).ok()?;
        Some(Left { on_fork: self.on_fork.take(), file, path: std::mem::take(&mut self.path) })
    }

    /// Takes up the mutex that was left, if nobody has it now.
    pub(crate) fn retake(left: Left) -> Option<Self> {
        let facts = sys::facts_of(&left.file).ok()?;
        let Left { on_fork, file, path } = left;
        let free = kernel::try_lock(&file).is_ok_and(|free| free) && sys::is_at(&facts, &path);
        free.then_some(Mutex { file: Some(file), path, kernel: true, on_fork })
    }

    /// Whether the kernel keeps others out; otherwise one that was frozen for seconds may find another beside it.
    pub(crate) fn is_kernel(&self) -> bool {
        self.kernel
    }
}

impl Drop for Mutex {
    fn drop(&mut self) {
        let Some(file) = &self.file else { return };
        if self.kernel {
            let _ = kernel::unlock(file);
        } else if sys::same_file(file, &self.path) {
            let _ = sys::remove_file(&self.path);
        }
        // Deregistered before the file is closed.
        self.on_fork = None;
    }
}

/// A name beside the lock's own.
pub(crate) fn beside(lock: &Path, ending: &str) -> PathBuf {
    let mut name = lock.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn try_lock(path: &Path) -> io::Result<Tried> {
    match sys::open_private(path, Lookup::ExistingWrite) {
        Ok(file) => try_existing(file, path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(path),
        Err(error) => Err(error),
    }
}

fn try_existing(file: File, path: &Path) -> io::Result<Tried> {
    let facts = sys::facts_of(&file)?;
    let marked = facts.size == MARK.len() as u64;
    match kernel::try_lock(&file) {
        Ok(true) if !sys::is_named(&facts, path)? => Ok(Tried::Changed),
        Ok(true) if marked => Ok(Tried::Held(held(file, path, true))),
        Ok(true) => claim(file, path),
        Ok(false) => Ok(Tried::Busy),
        // The mark says that others do get this lock: a want of ours, and no reason to go by existence.
        Err(error) if !sys::is_no_flock(&error) || marked => Err(error),
        Err(_) if is_old(path) => reap(path),
        Err(_) => Ok(Tried::Busy),
    }
}

/// Another tool's mutex, by its existence; one that was left behind becomes ours.
fn claim(mut file: File, path: &Path) -> io::Result<Tried> {
    if !is_old(path) {
        return Ok(Tried::Busy);
    }
    file.set_len(0)?;
    file.write_all(MARK)?;
    Ok(Tried::Held(held(file, path, true)))
}

fn held(file: File, path: &Path, kernel: bool) -> Mutex {
    let on_fork = kernel.then(|| sys::close_on_fork(&file));
    Mutex { file: Some(file), path: path.to_owned(), kernel, on_fork }
}

/// Makes the mutex, held: whole and locked before it has its name. Where there is no flock it is made by its existence.
fn make(path: &Path) -> io::Result<Tried> {
    let mut draft = Draft::create_beside(path, "mutex")?;
    match draft.file().map_or(Ok(true), kernel::try_lock) {
        Ok(_) => {}
        Err(error) if sys::is_no_flock(&error) => return make_by_existence(path),
        Err(error) => return Err(error),
    }
    draft.write(MARK)?;
    Ok(draft.appear(path)?.map_or(Tried::Changed, |file| Tried::Held(held(file, path, true))))
}

fn make_by_existence(path: &Path) -> io::Result<Tried> {
    match sys::create_new(path) {
        Ok(file) => Ok(Tried::Held(held(file, path, false))),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Tried::Busy),
        Err(error) => Err(error),
    }
}

/// Removes a mutex that was left behind: one at a time, so that nobody removes what somebody else has just made in its place.
fn reap(path: &Path) -> io::Result<Tried> {
    let reclaim = beside(path, ".reclaim");
    let file = match sys::create_new(&reclaim) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            // Its owner is dead or frozen: what a reaper does takes microseconds.
            if is_old(&reclaim) {
                let _ = sys::remove_file(&reclaim);
            }
            return Ok(Tried::Busy);
        }
        Err(error) => return Err(error),
    };
    let removed = if is_old(path) { sys::remove_file(path) } else { Ok(()) };
    if sys::same_file(&file, &reclaim) {
        let _ = sys::remove_file(&reclaim);
    }
    match removed {
        // One that we may not remove, in a directory that is shared, blocks us for good.
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(Tried::Changed),
    }
}

/// Whether a file was last changed longer ago than a mutex is ever held; one from the future was.
fn is_old(path: &Path) -> bool {
    let age = |facts: sys::FileFacts| deadline::age(facts.changed_ns);
    sys::facts_at(path).is_ok_and(|facts| age(facts).is_none_or(|age| age >= STALE_AFTER))
}
