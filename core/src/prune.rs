//! Removing the places in which nothing lives.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cancel::{Cancel, Patience};
use crate::deadline::Deadline;
use crate::error::Result;
use crate::life::Known;
use crate::lock::{self, Acquired, AliveLock, LockKind, StartLock, is_held_by_living, is_leased, remove_leases};
use crate::names::StateDir;
use crate::place::Place;
use crate::record::Record;
use crate::sys;

/// How long a lock is tried for: somebody may merely look at it.
const A_LOOK: Duration = Duration::from_millis(5);
/// How long a note of how a server ended may take.
const A_NOTE: Duration = Duration::from_millis(100);
/// What stands in a place; a directory with anything else in it is not removed.
const FILES: &[&str] = &[
    "start.lock",
    "alive.lock",
    "minder.lock",
    "server.json",
    "failure.json",
    "ended.json",
    "history.jsonl",
    "notify.json",
    "server.log",
    "server.log.1",
    "start.lock.excl",
    "start.lock.excl.mutex",
    "start.lock.excl.mutex.reclaim",
];
/// The folder of the leases.
const LEASES: &str = "leases";

impl StateDir {
    /// Removes the places in which nothing lives: no process, no holder of the spawn lock, no lease; here, and where the project
    /// declares that servers are kept. Returns their names.
    ///
    /// # Errors
    /// `PLACE` when the state directory is not ours.
    pub fn prune(&self) -> Result<Vec<String>> {
        self.prunable(remove)
    }

    /// The names that [`prune`](StateDir::prune) would remove now.
    ///
    /// # Errors
    /// As [`prune`](StateDir::prune).
    pub fn prune_dry_run(&self) -> Result<Vec<String>> {
        self.prunable(|_| true)
    }

    fn prunable(&self, then: impl Fn(&Place) -> bool) -> Result<Vec<String>> {
        let all = self.places()?;
        Ok(all.iter().filter(|place| is_place(place.dir())).filter_map(|place| pruned(place, &then)).collect())
    }
}

/// Its name when it was removed. A start would need its lock, which is held meanwhile.
fn pruned(place: &Place, then: &impl Fn(&Place) -> bool) -> Option<String> {
    let name = name_of(place);
    if lives(place, &name) {
        return None;
    }
    let patience = Patience::new(Deadline::after(A_LOOK), Cancel::never());
    let lock = StartLock::of(place, LockKind::Auto, None);
    match lock.acquire(&patience, |_| {}, || None::<()>) {
        Acquired::Held(_lock) | Acquired::Broken(_lock, _) => (!lives(place, &name) && then(place)).then_some(name),
        _ => None,
    }
}

/// The name in the record, else the folder's, which is the same for a plain one.
fn name_of(place: &Place) -> String {
    let folder = || place.dir().file_name().unwrap_or_default().to_string_lossy().into_owned();
    Record::read(place).ok().flatten().map_or_else(folder, |record| record.name)
}

fn lives(place: &Place, name: &str) -> bool {
    let excl = place.dir().join("start.lock.excl");
    AliveLock::of(place).is_held()
        || is_held_by_living(&place.minder_lock())
        || Known::living(place, name).is_some()
        || is_leased(place)
        || excl.exists()
}

/// Whether a directory is a place, and nothing but one: some of our files, and no others.
fn is_place(dir: &Path) -> bool {
    let Ok(entries) = entries(dir) else { return false };
    let named = |path: &PathBuf| path.file_name().and_then(|name| name.to_str()).map(str::to_owned).unwrap_or_default();
    let names: Vec<String> = entries.iter().map(named).collect();
    let ours = |name: &String| FILES.contains(&name.as_str()) || name == LEASES || name.starts_with(".new-") || name.starts_with("notify-");
    names.iter().any(|name| FILES.contains(&name.as_str())) && names.iter().all(ours)
}

fn entries(dir: &Path) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(dir)?.map(|entry| entry.map(|entry| entry.path())).collect()
}

/// The lock goes last, so that nobody has another one while there is anything left. Names are unlinked and never followed.
fn remove(place: &Place) -> bool {
    // Who notes an end just now is waited for.
    let _alone = lock::briefly(place.dir(), A_NOTE);
    let unlink = |paths: Vec<PathBuf>| paths.iter().for_each(|path| drop(sys::remove_file(path)));
    // Whoever took a lease since we looked waits for the lock that we hold, and counts on both.
    if is_real_dir(&place.leases()) && !remove_leases(place) {
        return false;
    }
    let all = entries(place.dir()).unwrap_or_default();
    let (lock, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|path| *path == place.spawn_lock());
    unlink(others);
    unlink(lock);
    fs::remove_dir(place.dir()).is_ok()
}

fn is_real_dir(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir())
}
