//! Taking over a lock that was left behind: by exchanging the two names, and a look at what came out. `model/` has walked through it.
//!
//! A breaker may be killed between the two. Before it exchanges, its finished file `L.new` gets a second name, `L.swap`, and that is
//! exchanged. Whoever comes next into the mutex and finds `L.swap` knows by `L.new` and `L` being one file that it was done.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::lock::draft::Draft;
use crate::lock::mutex::{Mutex, beside};
use crate::sys::{self, FileFacts};

/// More exchanges than any number of quick neighbours makes necessary.
const TRIES: u32 = 64;

/// Takes the place of a file that was judged; `None` when a peer without the mutex was quicker, and got its own back.
pub(crate) fn replace(draft: Draft, lock: &Path, judged: &FileFacts, mutex: &Mutex) -> io::Result<Option<File>> {
    if sys::facts_at(lock).is_ok_and(|now| now != *judged) {
        return Ok(None);
    }
    let swap = Swap::of(&draft, lock, mutex);
    match sys::exchange(&swap.path, lock) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            swap.remove();
            return draft.appear(lock);
        }
        Err(error) => {
            swap.remove();
            return if error.kind() == io::ErrorKind::Unsupported { replace_unchecked(draft, lock, judged) } else { Err(error) };
        }
    }
    let removed = match sys::facts_at(&swap.path) {
        Ok(out) if out == *judged => sys::remove(&swap.path).map(|()| true),
        Ok(_) => Ok(false),
        Err(error) => Err(error),
    };
    if let Ok(true) = removed {
        if swap.linked {
            let _ = sys::remove_file(draft.path());
        }
        return Ok(draft.named());
    }
    put_back(&swap.path, lock, draft.file().and_then(|file| sys::facts_of(file).ok()))?;
    swap.remove();
    removed.map(|_| None)
}

/// What is exchanged for the lock: a second name of the draft, or where there is none, the draft itself.
struct Swap {
    path: PathBuf,
    linked: bool,
}

impl Swap {
    fn of(draft: &Draft, lock: &Path, mutex: &Mutex) -> Self {
        let path = beside(lock, ".swap");
        let linked = mutex.is_kernel() && sys::link(draft.path(), &path).is_ok();
        Swap { path: if linked { path } else { draft.path().to_owned() }, linked }
    }

    /// The draft removes itself.
    fn remove(&self) {
        if self.linked {
            let _ = sys::remove_file(&self.path);
        }
    }
}

/// Exchanges until what comes out is what was put in last: beside a peer without the mutex it may be a newer lock.
fn put_back(swap: &Path, lock: &Path, ours: Option<FileFacts>) -> io::Result<()> {
    let mut put_in = ours.map(|facts| facts.id);
    for _ in 0..TRIES {
        let putting = sys::facts_at(swap)?.id;
        match sys::exchange(swap, lock) {
            Ok(()) => {}
            // Its owner has let go meanwhile of what we hold.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return sys::remove(swap),
            Err(error) => return Err(error),
        }
        if Some(sys::facts_at(swap)?.id) == put_in {
            return Ok(());
        }
        put_in = Some(putting);
    }
    Ok(())
}

/// Undoes the exchange of a breaker that was killed before it had looked at what came out. To be called in the mutex, before
/// anything is judged, taken or let go.
pub(crate) fn finish_cut_off(lock: &Path, mutex: &Mutex) {
    // Only under the kernel's mutex is there ever a second name to know it by.
    if !mutex.is_kernel() {
        return;
    }
    let swap = beside(lock, ".swap");
    if sys::facts_at(&swap).is_err() {
        return;
    }
    let new = beside(lock, ".new");
    let id = |path: &Path| sys::facts_at(path).ok().map(|facts| facts.id);
    if id(lock).is_some() && id(lock) == id(&new) {
        let _ = sys::exchange(&swap, lock);
    }
    // A directory with something in it is left alone: then the next takeover does without this name.
    let _ = sys::remove(&swap);
    let _ = sys::remove(&new);
}

/// Removes the draft that a breaker left who was killed at his very end. To be called in the mutex, where nobody else has one.
pub(crate) fn sweep(lock: &Path, mutex: &Mutex) {
    if mutex.is_kernel() {
        let _ = sys::remove_file(&beside(lock, ".new"));
    }
}

/// Where two names cannot be exchanged.
fn replace_unchecked(draft: Draft, lock: &Path, judged: &FileFacts) -> io::Result<Option<File>> {
    if judged.directory {
        sys::remove(lock)?;
        return draft.appear(lock);
    }
    sys::rename_over(draft.path(), lock)?;
    Ok(draft.named())
}
