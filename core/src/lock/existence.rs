//! The existence lock: held while its file exists. For peers that only know `O_CREAT|O_EXCL`, and file systems without `flock`.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::cancel::Patience;
use crate::holder::Holder;
use crate::lock::draft::Draft;
use crate::lock::mutex::{Left, Mutex, beside};
use crate::lock::options::Terms;
use crate::lock::ready::{Ready, Written};
use crate::lock::refresh::{self, Refreshed};
use crate::lock::sight::{Seen, Sight};
use crate::lock::takeover;
use crate::sys;

/// How long a release waits for the mutex: as long as its holder may be frozen before others break it.
const RELEASE_PATIENCE: Duration = Duration::from_secs(6);

/// An existence lock that is held.
#[derive(Debug)]
pub(crate) struct ExistenceLock {
    path: PathBuf,
    holder: Holder,
    /// Our own file, whatever its name says by now, and what we wrote into it.
    file: Arc<Refreshed>,
    text: Vec<u8>,
    mutex: Option<Left>,
    /// The same, taken again for the release.
    retaken: Option<Mutex>,
}

/// What one who wants the lock knows of it, and has ready.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) sight: Sight,
    pub(crate) likely: Likely,
    /// Its file, written before it is free.
    pub(crate) ready: Option<Ready>,
}

/// What the next look at a lock will probably find.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Likely {
    #[default]
    Free,
    Held,
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
pub(crate) fn try_take(path: &Path, terms: &Terms, known: &mut Known, patience: &Patience) -> Tried {
    take(path, terms, known, patience).unwrap_or_else(Tried::Unavailable)
}

fn take(path: &Path, terms: &Terms, Known { sight, ready, likely }: &mut Known, patience: &Patience) -> io::Result<Tried> {
    // A lock that is likely to be held is looked at without the mutex, and left alone.
    if *likely == Likely::Held
        && let Seen::Held(holder) = sight.look(path, terms)?
    {
        return Ok(Tried::Busy(holder));
    }
    *likely = Likely::Held;
    let Some(mutex) = Mutex::lock(path, patience)? else {
        return Ok(Tried::Busy(None));
    };
    takeover::finish_cut_off(path, &mutex);
    let seen = sight.look(path, terms)?;
    if let Seen::Held(holder) = seen {
        return Ok(Tried::Busy(holder));
    }
    let appeared = match seen {
        Seen::Free => {
            takeover::sweep(path, &mutex);
            ready.take().map_or_else(|| Ready::write(path), Ok).and_then(|ready| ready.appear(path)).ok()
        }
        Seen::Held(_) | Seen::Stale(_) | Seen::Overdue(..) => None,
    };
    // Where there are no files without a name, or it cannot have this one, for whatever reason: one with a name, and the reason is told.
    let ours = appeared.map_or_else(|| write(path, &seen, &mutex), Ok)?;
    let Some(Written { file, holder, text }) = ours else {
        return Ok(Tried::Busy(None));
    };
    let mutex = mutex.leave();
    let file = refresh::keep_fresh(file, terms.stale_after);
    let lock = ExistenceLock { path: path.to_owned(), holder, file, text, mutex, retaken: None };
    Ok(match seen {
        Seen::Overdue(_, owner) => Tried::Broken(lock, owner),
        Seen::Free | Seen::Held(_) | Seen::Stale(_) => Tried::Held(lock),
    })
}

impl ExistenceLock {
    pub(crate) fn holder(&self) -> &Holder {
        &self.holder
    }

    /// Whether the lock is still this file, with our token in it: it may have been broken.
    pub(crate) fn is_ours(&self) -> bool {
        sys::same_file(self.file.file(), &self.path) && self.file.says(&self.text)
    }

    /// In a forked child: nothing is held, and what the fork has closed is not closed again.
    pub(crate) fn forget(mut self) -> bool {
        if let Some(left) = self.mutex.take() {
            left.forget();
        }
        false
    }

    /// Takes the mutex for the release if nobody has it now.
    pub(crate) fn retake_mutex(&mut self) -> bool {
        if let Some(left) = self.mutex.take() {
            self.retaken = Mutex::retake(left);
        }
        self.retaken.is_some()
    }

    /// Lets go. `false` when it was no longer ours, and is left to whom it belongs.
    pub(crate) fn release(mut self) -> bool {
        self.file.retire();
        self.retake_mutex();
        let wait = || Mutex::lock(&self.path, &Patience::uncancelled().within(RELEASE_PATIENCE)).ok().flatten();
        let mutex = self.retaken.take().or_else(wait);
        if let Some(mutex) = &mutex {
            takeover::finish_cut_off(&self.path, mutex);
        }
        let was_ours = self.is_ours();
        if was_ours && mutex.is_some() && sys::remove_file(&self.path).is_ok() {
            return true;
        }
        // Whatever its name is by now, and whatever kept us from it: without its owner our own file holds nobody up. One that
        // somebody has written over is another's.
        self.file.says(&self.text) && self.file.disown(&self.holder).is_ok() && was_ours
    }
}

/// Writes the lock, whole before it has its name; `None` when somebody was there first.
fn write(path: &Path, seen: &Seen, mutex: &Mutex) -> io::Result<Option<Written<File>>> {
    let written = Written::with(|text, token| {
        let mut draft = draft(path, token, mutex)?;
        draft.write(text)?;
        Ok(draft)
    })?;
    written.map(|draft| match seen {
        Seen::Stale(judged) | Seen::Overdue(judged, _) => takeover::replace(draft, path, judged, mutex),
        Seen::Free | Seen::Held(_) => draft.appear(path),
    })
}

/// A lock file of ours, empty and without its name. Under the kernel's mutex we are alone, and what a killed process left under that
/// name is nobody's: half a lock file, or a lock that it was about to remove. A directory with something in it is left alone.
fn draft(lock: &Path, token: &str, mutex: &Mutex) -> io::Result<Draft> {
    let own = || Draft::create(beside(lock, &format!(".new-{token}")));
    let shared = || Draft::create(beside(lock, ".new"));
    match if mutex.is_kernel() { shared() } else { own() } {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match sys::remove(&beside(lock, ".new")) {
            Ok(()) => shared(),
            Err(_) => own(),
        },
        made => made,
    }
}
