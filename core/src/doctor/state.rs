//! The state directory: whether it can be used, by us alone, and whether its locks are locks.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::Finding;
use crate::deadline;
use crate::environment;
use crate::error::Error;
use crate::life::{Known, Seen};
use crate::lock::{FlockSupport, SpawnLock};
use crate::place::{self, Place};
use crate::record::Phase;
use crate::sys;

const ABOUT: &str = "state directory";
/// A draft that is older was left behind: none is needed for longer than a write takes.
const OLD_DRAFT: Duration = Duration::from_secs(3600);

pub(super) fn findings(dir: &Path) -> Vec<Finding> {
    let Ok(facts) = sys::inspect_dir(dir) else { return vec![missing(dir)] };
    let places = match place::all_in(dir) {
        Ok(places) => places,
        Err(error) => return vec![Finding::fail(ABOUT, &error.failure().summary, advice_of(&error))],
    };
    let shown = environment::tilde(dir);
    let mut findings = vec![match (sys::may_write(dir), facts.private) {
        (false, _) => Finding::fail(ABOUT, format!("{shown} cannot be written"), elsewhere()),
        (true, false) => Finding::warn(ABOUT, format!("{shown} may be looked into by others"), format!("chmod 700 {shown}")),
        (true, true) => Finding::ok(ABOUT, format!("{shown}: ours, private, writable")),
    }];
    findings.extend(file_system(dir));
    findings.push(locks(dir));
    findings.push(records(&places));
    findings.extend(drafts(&places));
    findings
}

/// It is made by the first start, if it can be.
fn missing(dir: &Path) -> Finding {
    let shown = environment::tilde(dir);
    match dir.ancestors().skip(1).find(|above| above.exists()) {
        Some(above) if above.is_dir() && sys::may_write(above) => {
            Finding::ok(ABOUT, format!("{shown}: not there yet, the first start makes it"))
        }
        _ => Finding::fail(ABOUT, format!("{shown} is not there and cannot be made"), elsewhere()),
    }
}

pub(super) fn advice_of(error: &Error) -> String {
    error.failure().hint.clone().unwrap_or_else(elsewhere)
}

fn elsewhere() -> String {
    format!("set {} to a directory of yours", environment::STATE_DIR)
}

fn file_system(dir: &Path) -> Option<Finding> {
    let system = sys::file_system(dir)?;
    Some(match system.network {
        true => Finding::warn(
            "file system",
            format!("{}, which other machines may have as well", system.name),
            format!("locks and records are of one machine: {}", elsewhere()),
        ),
        false => Finding::ok("file system", format!("{}, local", system.name)),
    })
}

fn locks(dir: &Path) -> Finding {
    const ABOUT: &str = "locks";
    match SpawnLock::test_flock(dir) {
        Ok(FlockSupport::Works) => Finding::ok(ABOUT, "flock excludes others"),
        Ok(FlockSupport::Refused) => {
            Finding::warn(ABOUT, "this file system has no flock: a lock that exists as a file takes its place", elsewhere())
        }
        Ok(FlockSupport::Lies) => {
            let advice = format!("{}, or say that the lock is to be `excl`", elsewhere());
            Finding::fail(ABOUT, "flock says yes to everybody: two could start", advice)
        }
        Err(error) => Finding::fail(ABOUT, &error.failure().summary, elsewhere()),
    }
}

/// What is written down of names, held against what lives.
fn records(places: &[Place]) -> Finding {
    const ABOUT: &str = "records";
    let (mut known, mut running, mut broken) = (0, 0, Vec::new());
    for place in places {
        match Known::look(place, "") {
            Seen::Known(look) => {
                known += 1;
                running += usize::from(look.lives() && look.record.state != Phase::Stopped);
            }
            Seen::Garbage(_) => broken.push(environment::tilde(&place.record())),
            Seen::Nothing => {}
        }
    }
    if broken.is_empty() {
        return Finding::ok(ABOUT, format!("{known} known, {running} running"));
    }
    Finding::warn(ABOUT, format!("unreadable: {}", broken.join(", ")), "the next start replaces it; or remove it")
}

/// What killed processes left behind: harmless, and ours to say.
fn drafts(places: &[Place]) -> Option<Finding> {
    let is_draft = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".new-"));
    let is_old = |path: &Path| {
        let age = sys::facts_at(path).ok().and_then(|facts| deadline::age(facts.changed_ns));
        age.is_some_and(|age| age > OLD_DRAFT)
    };
    let dirs = places.iter().flat_map(|place| [place.dir().to_owned(), place.leases()]);
    let files = dirs.filter_map(|dir| fs::read_dir(dir).ok()).flatten().flatten().map(|entry| entry.path());
    let left: Vec<String> = files.filter(|path| is_draft(path) && is_old(path)).map(|path| environment::tilde(&path)).collect();
    let text = format!("drafts of killed processes: {}", left.join(", "));
    (!left.is_empty()).then(|| Finding::warn("leftovers", text, "they are harmless: remove them"))
}
