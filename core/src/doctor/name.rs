//! One name: its record held against what lives, its locks, its users, its log.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::Finding;
use crate::deadline::{self, readable};
use crate::environment;
use crate::life::{Known, Seen};
use crate::lock::{AliveLock, LockKind, SpawnLock, lease_holders};
use crate::place::Place;
use crate::plan;
use crate::probe::Endpoint;
use crate::record::{FailedAttempt, Phase, Record};
use crate::sys;

/// A log that has grown beyond this is worth a word; one of ours is put aside before that.
const LARGE_LOG: u64 = 100 * 1024 * 1024;

pub(super) fn findings(place: &Place, name: &str) -> Vec<Finding> {
    let known = match Known::look(place, name) {
        Seen::Nothing => return vec![Finding::ok("record", format!("\"{name}\" was never started here"))],
        Seen::Garbage(problem) => {
            let text = format!("{} makes no sense: {problem}", environment::tilde(&place.record()));
            return vec![Finding::warn("record", text, "the next start replaces it")];
        }
        Seen::Known(known) => known.with_pid(place),
    };
    let mut findings = vec![record(&known)];
    findings.extend(alive(place, &known));
    findings.extend(port(&known));
    findings.push(spawn_lock(place, &known.record));
    findings.extend(users(place, &known));
    findings.extend(failure(place, &known.record));
    findings.extend(known.record.log_file.as_deref().map(log));
    findings
}

fn record(known: &Known) -> Finding {
    let Record { state, generation, .. } = &known.record;
    let start = format!("start {generation} is {}", state.as_str());
    match (known.lives(), state) {
        (false, Phase::Stopped) => Finding::ok("record", start),
        (false, _) => {
            Finding::warn("record", format!("{start}, and nothing of it lives"), "nothing: the next start takes that for stopped")
        }
        (true, Phase::Stopped) => Finding::warn("record", format!("{start}, and something of it lives"), "stop it by its name"),
        (true, _) => Finding::ok("record", start),
    }
}

/// The alive lock against the main process.
fn alive(place: &Place, known: &Known) -> Option<Finding> {
    const ABOUT: &str = "alive lock";
    let pid = known.record.pid.map_or_else(|| "unknown".to_owned(), |pid| pid.to_string());
    match (AliveLock::of(place).is_held(), known.main_lives()) {
        (true, true) => Some(Finding::ok(ABOUT, format!("held; main process {pid} lives"))),
        (true, false) => {
            Some(Finding::warn(ABOUT, format!("held, but main process {pid} is gone: something it started goes on"), "stop it by its name"))
        }
        (false, true) => Some(Finding::ok(ABOUT, format!("not held: the server closed it, and is known by pid {pid} and its start time"))),
        (false, false) => None,
    }
}

/// Who listens where it is to answer.
fn port(known: &Known) -> Option<Finding> {
    const ABOUT: &str = "port";
    let port = known.record.endpoint.as_deref().and_then(Endpoint::read)?.loopback_port()?;
    let Some(owner) = sys::listener_on(port) else {
        return known.lives().then(|| Finding::warn(ABOUT, format!("nobody that we see listens on {port}"), "look into its log"));
    };
    let program = |pid| sys::program_of(pid).map(|program| format!(" ({program})")).unwrap_or_default();
    let who = owner.pid.map_or_else(|| "a process that we may not look at".to_owned(), |pid| format!("pid {pid}{}", program(pid)));
    let is_ours = || {
        known.record.pid.is_some_and(|main| owner.pid == Some(main) || sys::group_members(main).iter().any(|pid| owner.pid == Some(*pid)))
    };
    let text = format!("{port} belongs to {who}");
    Some(match known.lives() && is_ours() {
        true => Finding::ok(ABOUT, text),
        false => Finding::warn(ABOUT, format!("{text}, which is not the main process of ours"), "stop that one, or choose another port"),
    })
}

fn spawn_lock(place: &Place, record: &Record) -> Finding {
    const ABOUT: &str = "spawn lock";
    match SpawnLock::holder_of(place.spawn_lock(), LockKind::Auto) {
        Ok(None) => Finding::ok(ABOUT, "free"),
        Ok(Some(holder)) if holder.held() > Duration::from_millis(record.timeout_ms).max(plan::TIMEOUT) => {
            Finding::warn(ABOUT, format!("held by {holder}, longer than a start may take"), "look at what that process waits for")
        }
        Ok(Some(holder)) => Finding::ok(ABOUT, format!("held by {holder}")),
        Err(error) => Finding::fail(ABOUT, &error.failure().summary, super::state::advice_of(&error)),
    }
}

/// Who uses a server that is to end with its last user, and who sees to that.
fn users(place: &Place, known: &Known) -> Vec<Finding> {
    if !known.lives() || !known.record.ends_with_last() {
        return Vec::new();
    }
    let users: Vec<String> = lease_holders(place).iter().map(ToString::to_string).collect();
    let users = if users.is_empty() { "none".to_owned() } else { users.join("; ") };
    let minder = match SpawnLock::holder_of(place.minder_lock(), LockKind::Flock) {
        Ok(Some(holder)) => Finding::ok("minder", format!("pid {}", holder.pid)),
        _ => Finding::warn("minder", "none: it goes on when its last user is killed", "ask for it again: the next user hires one"),
    };
    vec![Finding::ok("users", users), minder]
}

fn failure(place: &Place, record: &Record) -> Option<Finding> {
    let failed = FailedAttempt::read(place).filter(|failed| failed.failed_at >= record.ready_at)?;
    let ago = readable(Duration::from_millis(deadline::now_ms().saturating_sub(failed.failed_at)));
    let text = format!("{} ago: {} [{}]", ago, failed.failure.summary, failed.failure.code);
    Some(Finding::warn("last failure", text, failed.failure.hint.unwrap_or_else(|| "read its log".to_owned())))
}

fn log(path: &Path) -> Finding {
    let shown = environment::tilde(path);
    match fs::metadata(path).map(|meta| meta.len()) {
        Ok(size) if size > LARGE_LOG => {
            Finding::warn("log", format!("{shown}, {} MiB", size >> 20), "make the server say less, or rotate it")
        }
        Ok(size) => Finding::ok("log", format!("{shown}, {} KiB", size.div_ceil(1024))),
        Err(error) => Finding::warn("log", format!("{shown}: {error}"), "the next start makes it"),
    }
}
