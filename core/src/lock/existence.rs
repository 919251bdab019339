//! The existence lock: held while its file exists. For peers that only know `O_CREAT|O_EXCL`, and file systems without `flock`.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::cancel::Patience;
use crate::holder::Holder;
use crate::lock::mutex::{Mutex, beside};
use crate::lock::options::Terms;
use crate::lock::refresh::{self, Refreshed};
use crate::lock::sight::{Seen, Sight};
use crate::sys::{self, FileFacts};

/// How long a release waits for the mutex: as long as its holder may be frozen before others break it.
const RELEASE_PATIENCE: Duration = Duration::from_secs(6);

/// An existence lock that is held.
#[derive(Debug)]
pub(crate) struct ExistenceLock {
    path: PathBuf,
    holder: Holder,
    /// Our own file, whatever its name says by now.
    file: Arc<Refreshed>,
}

/// What came of one try.
#[derive(Debug)]
pub(crate) enum Tried {
    Held(ExistenceLock),
    /// The same, from an owner that lives.
    Broken(ExistenceLock, Holder),
    Busy(Option<Holder>),
    Unavailable(io::Error),
}

/// Tries for the lock now. The mutex is waited for, since it is held for microseconds.
pub(crate) fn try_take(path: &Path, terms: &Terms, sight: &mut Sight, patience: &Patience) -> Tried {
    take(path, terms, sight, patience).unwrap_or_else(Tried::Unavailable)
}

fn take(path: &Path, terms: &Terms, sight: &mut Sight, patience: &Patience) -> io::Result<Tried> {
    // Without the mutex: a lock that is held is left alone.
    if let Seen::Held(holder) = sight.look(path, terms)? {
        return Ok(Tried::Busy(holder));
    }
    let Some(mutex) = Mutex::lock(path, patience)? else {
        return Ok(Tried::Busy(None));
    };
    let seen = sight.look(path, terms)?;
    if let Seen::Held(holder) = seen {
        return Ok(Tried::Busy(holder));
    }
    let holder = Holder::ourselves();
    let new = New::write(path, &holder, &mutex)?;
    let done = match &seen {
        Seen::Stale(judged) | Seen::Overdue(judged, _) => new.replace(judged)?,
        Seen::Free | Seen::Held(_) => new.appear()?,
    };
    let Some(file) = done else {
        return Ok(Tried::Busy(None));
    };
    drop(mutex);
    let file = refresh::keep_fresh(file, terms.stale_after);
    let lock = ExistenceLock { path: path.to_owned(), holder, file };
    Ok(match seen {
        Seen::Overdue(_, owner) => Tried::Broken(lock, owner),
        Seen::Free | Seen::Held(_) | Seen::Stale(_) => Tried::Held(lock),
    })
}

impl ExistenceLock {
    pub(crate) fn holder(&self) -> Holder {
        self.holder.clone()
    }

    /// Whether the lock is still this file, with our token in it: it may have been broken.
    pub(crate) fn is_ours(&self) -> bool {
        sys::same_file(self.file.file(), &self.path) && self.file.says(&self.holder.token)
    }

    /// Lets go. `false` when it was no longer ours, and is left to whom it belongs.
    pub(crate) fn release(self) -> bool {
        self.file.retire();
        let patience = Patience::uncancelled().within(RELEASE_PATIENCE);
        let mutex = Mutex::lock(&self.path, &patience);
        let was_ours = self.is_ours();
        if was_ours && matches!(mutex, Ok(Some(_))) && fs::remove_file(&self.path).is_ok() {
            return true;
        }
        // Whatever its name is by now, and whatever kept us from it: without its owner our own file holds nobody up.
        self.file.disown(&self.holder).is_ok() && was_ours
    }
}

/// A lock file before it has its name: whole, so that nobody ever reads half of it.
struct New<'a> {
    lock: &'a Path,
    path: PathBuf,
    file: Option<File>,
}

impl<'a> New<'a> {
    fn write(lock: &'a Path, holder: &Holder, mutex: &Mutex) -> io::Result<Self> {
        let own = beside(lock, &format!(".new-{}", holder.token));
        let (path, file) = if mutex.is_kernel() { New::create_alone(beside(lock, ".new"), own)? } else { New::create(own)? };
        let mut new = New { lock, path, file: Some(file) };
        let mut text = serde_json::to_vec(holder)?;
        text.push(b'\n');
        if let Some(file) = &mut new.file {
            file.write_all(&text)?;
        }
        Ok(new)
    }

    fn create(path: PathBuf) -> io::Result<(PathBuf, File)> {
        sys::create_new(&path).map(|file| (path, file))
    }

    /// Under the kernel's mutex we are alone, and what a killed process left under this name is nobody's: half a lock file, or a lock
    /// that it was about to remove. A directory with something in it cannot be removed, and is left alone.
    fn create_alone(path: PathBuf, otherwise: PathBuf) -> io::Result<(PathBuf, File)> {
        match sys::create_new(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                match sys::facts_at(&path).and_then(|left| remove(&path, &left)) {
                    Ok(()) => New::create(path),
                    Err(_) => New::create(otherwise),
                }
            }
            created => created.map(|file| (path, file)),
        }
    }

    /// Takes a name that must be free; `None` when a peer without the mutex was there first.
    fn appear(mut self) -> io::Result<Option<File>> {
        match sys::rename_new(&self.path, self.lock) {
            Ok(()) => Ok(self.file.take()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Takes the place of a file that was judged. What comes out in its stead is looked at once more: a peer without the mutex
    /// may have been quicker, and gets its own back.
    fn replace(mut self, judged: &FileFacts) -> io::Result<Option<File>> {
        if sys::facts_at(self.lock).is_ok_and(|now| now != *judged) {
            return Ok(None);
        }
        match sys::exchange(&self.path, self.lock) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return self.appear(),
            Err(error) if error.kind() == io::ErrorKind::Unsupported => return self.replace_unchecked(judged),
            Err(error) => return Err(error),
        }
        let removed = match sys::facts_at(&self.path) {
            Ok(out) if out == *judged => remove(&self.path, judged).map(|()| true),
            Ok(_) => Ok(false),
            Err(error) => Err(error),
        };
        if let Ok(true) = removed {
            return Ok(self.file.take());
        }
        sys::exchange(&self.path, self.lock)?;
        removed.map(|_| None)
    }

    /// Where two names cannot be exchanged.
    fn replace_unchecked(mut self, judged: &FileFacts) -> io::Result<Option<File>> {
        if judged.directory {
            fs::remove_dir(self.lock)?;
            return self.appear();
        }
        fs::rename(&self.path, self.lock)?;
        Ok(self.file.take())
    }
}

impl Drop for New<'_> {
    /// A write that fails halfway, and a name that was not to be had, leave nothing behind.
    fn drop(&mut self) {
        let Some(file) = self.file.take() else { return };
        // Should it have the lock's own name, and that name not be taken from it again, then at least nobody is said to hold it.
        let _ = file.set_len(0);
        if sys::same_file(&file, &self.path) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn remove(path: &Path, facts: &FileFacts) -> io::Result<()> {
    if facts.directory { fs::remove_dir(path) } else { fs::remove_file(path) }
}
