//! Linux: inotify.

use std::ffi::OsString;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::inotify::{self, CreateFlags, Event, ReadFlags, Reader, WatchFlags};

use super::{Interest, PerProcess, Wanted};

/// Tells of what happened to files, from the kernel.
#[derive(Debug)]
pub(crate) struct Watch {
    fd: Option<OwnedFd>,
    watches: Vec<i32>,
    removal: Option<Removal>,
}

/// A directory of whose removals only those of this name are meant.
#[derive(Debug)]
struct Removal {
    number: i32,
    dir: PathBuf,
    name: OsString,
}

/// A descriptor to use again: closing one can take 20 ms, the grace period of the kernel's lists, and would stand between a waiter's
/// having the lock and its return.
struct Idle {
    fd: OwnedFd,
    /// A watch that tells of nothing: to end one has the kernel's own threads run, on this very processor and before us, and whoever
    /// waits for a lock is likely to wait for it again.
    asleep: Option<i32>,
}

/// A forked child shares its parent's, and would take the parent's news.
static IDLE: PerProcess<Mutex<Vec<Idle>>> = PerProcess::new(Default::default);
const IDLE_MOST: usize = 4;

impl Watch {
    pub(crate) fn on(wanted: &[Wanted<'_>]) -> io::Result<Self> {
        let idle = idle_descriptors().pop();
        let Idle { fd, asleep } = match idle {
            Some(idle) => idle,
            None => Idle { fd: inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?, asleep: None },
        };
        let mut watch = Watch { fd: Some(fd), watches: Vec::with_capacity(wanted.len()), removal: None };
        let added = wanted.iter().try_for_each(|wanted| watch.add(wanted));
        // One that slept is awake if it is wanted again, and else of no more use.
        if let (Some(fd), Some(old)) = (&watch.fd, asleep.filter(|old| !watch.watches.contains(old))) {
            let _ = inotify::remove_watch(fd, old);
        }
        added?;
        watch.heard();
        Ok(watch)
    }

    fn add(&mut self, wanted: &Wanted<'_>) -> io::Result<()> {
        let Some(fd) = &self.fd else { return Ok(()) };
        let add = |path: &Path, flags| inotify::add_watch(fd, path, flags | WatchFlags::MASK_ADD);
        let number = match wanted {
            Wanted::Closed(file) => add(file, WatchFlags::CLOSE_WRITE)?,
            Wanted::Written(file) => add(file, WatchFlags::MODIFY)?,
            Wanted::Published(dir) => add(dir, WatchFlags::MOVED_TO)?,
            Wanted::Left(dir) => add(dir, WatchFlags::CLOSE_WRITE | WatchFlags::DELETE)?,
            Wanted::Removed(file) => {
                let dir = file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
                let number = add(dir, WatchFlags::DELETE | WatchFlags::MOVED_FROM)?;
                self.removal = Some(Removal { number, dir: dir.to_owned(), name: file.file_name().unwrap_or_default().to_owned() });
                number
            }
        };
        self.watches.push(number);
        Ok(())
    }

    pub(crate) fn input(&self) -> Option<(BorrowedFd<'_>, Interest)> {
        self.fd.as_ref().map(|fd| (fd.as_fd(), Interest::Read))
    }

    /// Whether something wanted was told; forgets it. Call it before looking, so that nothing told while looking is lost.
    pub(crate) fn heard(&self) -> bool {
        let Some(fd) = &self.fd else { return false };
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = Reader::new(fd, &mut buffer);
        let mut heard = false;
        while let Ok(event) = events.next() {
            heard |= self.is_wanted(&event);
            // Whatever did not fit is told by the next wait.
            if events.is_buffer_empty() {
                break;
            }
        }
        heard
    }

    fn is_wanted(&self, event: &Event<'_>) -> bool {
        let is_removal = event.events().intersects(ReadFlags::DELETE | ReadFlags::MOVED_FROM);
        match &self.removal {
            Some(removal) if is_removal && removal.number == event.wd() => {
                event.file_name().is_some_and(|gone| gone.to_bytes() == removal.name.as_bytes())
            }
            _ => true,
        }
    }
}

impl Removal {
    /// Lets its watch tell of nothing but the end of the directory; `None` when the path leads to another one by now.
    fn sleep(&self, fd: &OwnedFd) -> Option<i32> {
        let number = inotify::add_watch(fd, &self.dir, WatchFlags::DELETE_SELF).ok()?;
        if number != self.number {
            let _ = inotify::remove_watch(fd, number);
        }
        (number == self.number).then_some(number)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let Some(fd) = self.fd.take() else { return };
        let asleep = self.removal.take().and_then(|removal| removal.sleep(&fd));
        for number in self.watches.iter().filter(|number| Some(**number) != asleep) {
            let _ = inotify::remove_watch(&fd, *number);
        }
        let mut idle = idle_descriptors();
        if idle.len() < IDLE_MOST {
            idle.push(Idle { fd, asleep });
        }
    }
}

fn idle_descriptors() -> MutexGuard<'static, Vec<Idle>> {
    IDLE.get().lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "the bans are for what users run")]

    use std::fs;

    use super::*;

    fn watch(file: &Path) -> Watch {
        Watch::on(&[Wanted::Removed(file)]).unwrap()
    }

    /// Makes a file and removes it.
    fn come_and_go(file: &Path) {
        fs::write(file, "").unwrap();
        fs::remove_file(file).unwrap();
    }

    #[test]
    fn a_directory_is_watched_again_and_nothing_is_told_of_the_time_between() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("lock");
        drop(watch(&file));
        assert!(idle_descriptors().iter().any(|idle| idle.asleep.is_some()), "it sleeps");
        come_and_go(&file);
        let again = watch(&file);
        assert!(!again.heard());
        come_and_go(&dir.path().join("other"));
        assert!(!again.heard());
        come_and_go(&file);
        assert!(again.heard());
    }

    #[test]
    fn another_directory_of_the_same_name_is_watched_in_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let (here, gone) = (dir.path().join("here"), dir.path().join("gone"));
        let file = here.join("lock");
        fs::create_dir(&here).unwrap();
        let first = watch(&file);
        fs::rename(&here, &gone).unwrap();
        fs::create_dir(&here).unwrap();
        drop(first);
        let second = watch(&file);
        come_and_go(&gone.join("lock"));
        assert!(!second.heard());
        come_and_go(&file);
        assert!(second.heard());
    }
}
