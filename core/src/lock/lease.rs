//! Leases: who asked for a server to be stopped with its last user. Each is a file of its own, locked by its holder for as
//! long as that lives; and the word of those who asked for a server to be kept.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::deadline;
use crate::holder::Holder;
use crate::lock::{alive, flock, kernel};
use crate::place::{self, Place};
use crate::sys::{self, CloseOnFork};

/// How the file of a lease ends. It has this name only once it is locked, so one that is not locked was left behind by a dead holder.
const ENDING: &str = "lease";
/// How the file begins that keeps one start of a server beyond its last user; the generation follows.
const KEPT: &str = "keep-";

/// The use of a server by this process. Ends with `release`, with its drop, or with the process; not in a forked child.
#[derive(Debug)]
pub(crate) struct Lease {
    path: PathBuf,
    file: Option<File>,
    on_fork: Option<CloseOnFork>,
    taken_by: u32,
}

impl Lease {
    /// Takes one.
    ///
    /// # Errors
    /// The system's own, where no file can be made or locked.
    pub(crate) fn take(place: &Place) -> io::Result<Self> {
        let dir = place.leases();
        let us = Holder::ourselves();
        let draft = dir.join(format!(".new-{}", us.token));
        let path = dir.join(format!("{}.{ENDING}", us.token));
        let take = || Lease::draft(&draft, &us).and_then(|(file, on_fork)| sys::rename_over(&draft, &path).map(|()| (file, on_fork)));
        // Whoever tidies up may have removed a draft.
        let taken = take().or_else(|error| if error.kind() == io::ErrorKind::NotFound { take() } else { Err(error) });
        let taken = taken.inspect_err(|_| drop(sys::remove_file(&draft)));
        taken.map(|(file, on_fork)| Lease { path, file: Some(file), on_fork: Some(on_fork), taken_by: us.pid })
    }

    fn draft(draft: &Path, us: &Holder) -> io::Result<(File, CloseOnFork)> {
        let file = sys::with_parent(draft, || sys::create_new(draft))?;
        let on_fork = sys::close_on_fork(&file);
        Lease::sign(&file, us)?;
        Ok((file, on_fork))
    }

    /// Whether it is this process's, and not what a forked child sees of its parent's.
    pub(crate) fn is_ours(&self) -> bool {
        std::process::id() == self.taken_by
    }

    fn sign(file: &File, holder: &Holder) -> io::Result<()> {
        if !kernel::try_lock(file)? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        sys::write_start(file, &serde_json::to_vec(holder)?)
    }

    fn end(&mut self) {
        let Some(file) = self.file.take() else { return };
        let on_fork = self.on_fork.take();
        if !self.is_ours() {
            // A forked child has none; the fork has closed its copy.
            if let Some(on_fork) = on_fork {
                on_fork.forget(file);
            }
            return;
        }
        let _ = sys::remove_file(&self.path);
        drop(on_fork);
        drop(file);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.end();
    }
}

/// Who holds a lease now.
pub(crate) fn lease_holders(place: &Place) -> Vec<Holder> {
    living(place).map(|path| flock::written_holder(&path).unwrap_or_default()).collect()
}

/// Whether anybody but this process holds one.
pub(crate) fn others_hold_leases(place: &Place) -> bool {
    lease_holders(place).iter().any(|holder| holder.pid != std::process::id())
}

/// Whether anybody holds one.
pub(crate) fn is_leased(place: &Place) -> bool {
    living(place).next().is_some()
}

fn living(place: &Place) -> impl Iterator<Item = PathBuf> {
    files(place).filter(|path| is_lease(path) && alive::is_held(path))
}

/// Removes all leases with their directory, as long as nobody holds one; tells whether it is gone.
pub(crate) fn remove_leases(place: &Place) -> bool {
    // A draft is not asked: to ask is to lock, and its maker, who finds it locked, has no lease. One that is gone is made again.
    let is_free = |path: &Path| !is_lease(path) || !alive::is_held(path);
    for path in files(place).filter(|path| is_free(path)) {
        let _ = sys::remove_file(&path);
    }
    match fs::remove_dir(place.leases()) {
        Err(error) => error.kind() == io::ErrorKind::NotFound,
        Ok(()) => true,
    }
}

/// Removes what dead holders left behind, and the wishes for starts before this one.
pub(crate) fn sweep_leases(place: &Place, generation: u64) {
    let now = kept(generation);
    let is_old_wish = |path: &Path| name_of(path).is_some_and(|name| name.starts_with(KEPT) && name != now);
    for path in files(place).filter(|path| is_old_wish(path) || (is_lease(path) && !alive::is_held(path))) {
        let _ = sys::remove_file(&path);
    }
}

/// Notes that somebody wants this start of the server to go on beyond its last user.
pub(crate) fn keep(place: &Place, generation: u64) -> io::Result<()> {
    let path = place.leases().join(kept(generation));
    if sys::facts_at(&path).is_ok() {
        return Ok(());
    }
    place::write_json(&path, &deadline::now_ms())
}

/// Whether somebody wants that.
pub(crate) fn is_kept(place: &Place, generation: u64) -> bool {
    sys::facts_at(&place.leases().join(kept(generation))).is_ok()
}

fn kept(generation: u64) -> String {
    format!("{KEPT}{generation}")
}

fn files(place: &Place) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(place.leases()).into_iter().flatten().flatten().map(|entry| entry.path())
}

fn is_lease(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == ENDING)
}

fn name_of(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}
