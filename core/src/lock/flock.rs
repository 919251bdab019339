//! The spawn lock: a kernel lock on a file that is never unlinked.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::time::Duration;

use fs4::FileExt;

use crate::cancel::{Patience, Wake};
use crate::holder::Holder;
use crate::place::{self, Place};
use crate::sys::{self, Lookup, Watch};

/// How often a waiter looks although the kernel told it nothing: for file systems that tell nothing.
const WATCHED_INTERVAL: Duration = Duration::from_millis(500);
/// The bounds of the interval where there is no watch; it is a fiftieth of the time waited in between.
const POLL_LEAST: Duration = Duration::from_millis(1);
const POLL_MOST: Duration = Duration::from_millis(50);
/// After this long a waiter says on whom it waits.
const TELL_AFTER: Duration = Duration::from_secs(1);
/// A killed holder's close is told a moment before the kernel frees its lock: tries for that moment, 50 ms in all, each pause twice the last.
const SETTLE_TRIES: u32 = 10;
const SETTLE_FIRST: Duration = Duration::from_micros(50);

/// The right to start the server of a place. Released by dropping it, first the lock and then
/// the descriptor whose close wakes the waiters, or by the death of the process; a forked child's copy releases nothing.
#[derive(Debug)]
pub(crate) struct SpawnLock {
    /// Carries the lock. Waiters open for reading only, so that their closing wakes no other waiter.
    file: Option<File>,
    /// Opened for writing: its close is what wakes the waiters.
    scribe: Option<File>,
    on_fork: [Option<sys::CloseOnFork>; 2],
    taken_by: u32,
}

/// What ended a wait for the lock.
#[derive(Debug)]
pub(crate) enum Acquired<T> {
    Held(SpawnLock),
    Unavailable(io::Error),
    /// What the caller was looking out for came first.
    Told(T),
    Elapsed,
    Cancelled,
}

impl SpawnLock {
    /// Waits for the lock, for what `look` finds, or for the end of `patience`, whichever is first.
    /// `tell` is called once, after about a second, with the holder.
    pub(crate) fn acquire<T>(
        place: &Place,
        patience: &Patience,
        mut tell: impl FnMut(Option<Holder>),
        mut look: impl FnMut() -> Option<T>,
    ) -> Acquired<T> {
        let path = place.spawn_lock();
        let mut file = match open(&path) {
            Ok(file) => file,
            Err(error) => return Acquired::Unavailable(error),
        };
        let mut watch = None;
        let mut told = false;
        let mut tries_left = 0;
        loop {
            if let Some(found) = look() {
                return Acquired::Told(found);
            }
            file = match try_lock(file, &path) {
                Tried::Held(lock) => return Acquired::Held(lock),
                Tried::Unavailable(error) => return Acquired::Unavailable(error),
                Tried::Busy(file) => file,
            };
            let waited = patience.deadline.elapsed();
            if !told && waited >= TELL_AFTER {
                told = true;
                tell(holder(place));
            }
            if watch.is_none() {
                watch = Some(Watch::on(&path, place.dir()).ok());
                // What happened before the watch began is seen by one more look, and one who merely looked at the lock,
                // whose closing tells us nothing, is gone within the next few.
                tries_left = SETTLE_TRIES;
                continue;
            }
            let watch = watch.as_ref().and_then(Option::as_ref);
            let pause = if tries_left > 0 { settle_pause(tries_left) } else { interval(watch.is_some(), told, waited) };
            let input = watch.and_then(Watch::input);
            match patience.wait(input.as_slice(), pause) {
                Ok(Wake::Cancelled) => return Acquired::Cancelled,
                Ok(Wake::Input) => {
                    tries_left = SETTLE_TRIES;
                    watch.inspect(|watch| watch.drain());
                }
                Ok(Wake::Elapsed | Wake::Rung) => tries_left = tries_left.saturating_sub(1),
                Err(error) => return Acquired::Unavailable(error),
            }
            if patience.deadline.expired() {
                return look().map_or(Acquired::Elapsed, Acquired::Told);
            }
        }
    }

    /// Writes down who holds it. A full disk makes the holder unknown, not the lock void.
    fn sign(&mut self, path: &Path) {
        self.scribe = write_holder(path).ok();
        self.on_fork[1] = self.scribe.as_ref().map(sys::close_on_fork);
    }
}

impl Drop for SpawnLock {
    fn drop(&mut self) {
        let in_child = std::process::id() != self.taken_by;
        if let Some(file) = self.file.as_ref().filter(|_| !in_child) {
            let _ = FileExt::unlock(file);
        }
        for (file, on_fork) in [self.file.take(), self.scribe.take()].into_iter().zip(&mut self.on_fork) {
            // Deregistered before it is closed: its number may be another's a moment later.
            match (file, on_fork.take()) {
                (Some(file), Some(on_fork)) if in_child => on_fork.forget(file),
                (file, on_fork) => {
                    drop(on_fork);
                    drop(file);
                }
            }
        }
    }
}

/// Who holds the spawn lock of a place, as far as it was written down.
pub(crate) fn holder(place: &Place) -> Option<Holder> {
    let mut text = Vec::new();
    sys::open_private(&place.spawn_lock(), Lookup::Existing).ok()?.read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

enum Tried {
    Held(SpawnLock),
    Busy(File),
    Unavailable(io::Error),
}

fn open(path: &Path) -> io::Result<File> {
    sys::open_private(path, Lookup::Read)
}

/// Opens the lock again where it was removed, with its directory if need be.
fn reopen(path: &Path) -> io::Result<File> {
    if let Some(dir) = path.parent() {
        sys::make_private_dir(dir)?;
    }
    open(path)
}

fn try_lock(file: File, path: &Path) -> Tried {
    match FileExt::try_lock(&file) {
        Ok(()) => {}
        Err(fs4::TryLockError::WouldBlock) => return Tried::Busy(file),
        Err(fs4::TryLockError::Error(error)) => return retry_otherwise(file, path, error),
    }
    // Somebody may have removed the whole state directory: a lock on a file without a name excludes nobody.
    if !sys::same_file(&file, path) {
        return match reopen(path) {
            Ok(file) => try_lock(file, path),
            Err(error) => Tried::Unavailable(error),
        };
    }
    let on_fork = [Some(sys::close_on_fork(&file)), None];
    let mut lock = SpawnLock { file: Some(file), scribe: None, on_fork, taken_by: std::process::id() };
    lock.sign(path);
    Tried::Held(lock)
}

/// A signal is no answer, and NFS wants a writer for an exclusive lock; the rest is for the caller.
fn retry_otherwise(file: File, path: &Path, error: io::Error) -> Tried {
    if error.kind() == io::ErrorKind::Interrupted {
        return try_lock(file, path);
    }
    if sys::needs_writer(&error) && !sys::is_writable(&file) {
        return match sys::open_private(path, Lookup::Write) {
            Ok(file) => try_lock(file, path),
            Err(error) => Tried::Unavailable(error),
        };
    }
    Tried::Unavailable(error)
}

fn write_holder(path: &Path) -> io::Result<File> {
    let mut file = sys::open_private(path, Lookup::Write)?;
    let text = place::to_json(&Holder::ourselves())?;
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(&text)?;
    Ok(file)
}

fn settle_pause(tries_left: u32) -> Duration {
    SETTLE_FIRST * 2u32.pow(SETTLE_TRIES - tries_left)
}

fn interval(watched: bool, told: bool, waited: Duration) -> Duration {
    let interval = if watched { WATCHED_INTERVAL } else { (waited / 50).clamp(POLL_LEAST, POLL_MOST) };
    if told { interval } else { interval.min(TELL_AFTER.saturating_sub(waited).max(POLL_LEAST)) }
}
