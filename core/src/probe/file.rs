//! A file that the server makes when it is ready.

use std::fs;
use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;

use super::about::About;
use super::{Answer, Verdict};

/// The kernel gives files the time of its last tick, which may be this much behind the clock.
const TICK_MS: u64 = 10;

/// Whether the file is there. Where a server is meant, only what was made since its start counts, and only while it lives:
/// what an earlier one left behind is nobody's word.
pub(super) fn look(path: &Path, about: Option<&About>) -> io::Result<Answer> {
    if about.is_some_and(|about| !about.lives) {
        return Ok(Answer::new(Verdict::Dead, "nothing of the server lives".into()));
    }
    let cwd = about.and_then(|about| about.cwd.as_deref());
    let found = fs::metadata(cwd.unwrap_or(Path::new("")).join(path));
    match (found, about) {
        (Ok(_), None) => Ok(Answer::new(Verdict::Ready, "exists".into())),
        (Ok(meta), Some(about)) if changed_ms(&meta)? + TICK_MS >= about.started_at => Ok(Answer::new(Verdict::Ready, "exists".into())),
        (Ok(_), Some(_)) => Ok(Answer::new(Verdict::Starting, "is older than the start".into())),
        (Err(error), Some(_)) if is_missing(&error) => Ok(Answer::new(Verdict::Starting, "no such file yet".into())),
        (Err(error), _) => Err(error),
    }
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn changed_ms(meta: &fs::Metadata) -> io::Result<u64> {
    Ok(meta.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64)
}
