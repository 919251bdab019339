//! `ended.json`: how the server ended last, for whoever asks later.

use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::cancel::Patience;
use crate::deadline;
use crate::lock::{self, AliveLock};
use crate::log;
use crate::place::{self, Place};
use crate::record::Record;
use crate::start;
use crate::sys::{Ending, PerProcess};
use crate::words::words;

/// The version of the on-disk form.
const FORMAT: u32 = 1;
/// Two who note the same end, one who knows why and one who knows how, wait this long for each other.
const OTHER_NOTE: Duration = Duration::from_millis(100);
/// How long a note of this process is waited for, and how often it is looked for.
const OWN_NOTE: Duration = Duration::from_millis(500);
const AGAIN: Duration = Duration::from_millis(1);

words! {
    /// Why a server is no more.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    #[non_exhaustive]
    pub enum EndReason {
        /// By itself, or by the hand of somebody we do not know.
        Exited = "exited",
        /// It was stopped.
        Stopped = "stopped",
        /// It was restarted by hand.
        Restarted = "restarted",
        /// Its last user was gone.
        LastUser = "last-user",
        /// It did not answer any more, or a fresh one was asked for.
        Replaced = "replaced",
        /// Another version was asked for.
        Outdated = "outdated",
    }
}

/// How a server that had been ready ended. Why a start failed is another matter: a [`Failure`](crate::Failure).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Ended {
    pub(crate) format: u32,
    /// Which start of its name it was.
    pub generation: u64,
    /// When it ended, or was found dead, in milliseconds since 1970.
    #[serde(rename = "endedAt")]
    pub ended_at_ms: u64,
    /// The code with which it exited, where somebody saw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The signal that ended it, by name (`SIGKILL`), where somebody saw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
    /// Why it ended.
    pub reason: EndReason,
    /// The last lines it wrote, oldest first.
    #[serde(default)]
    pub log_tail: Vec<String>,
}

impl Ended {
    /// Writes down that a server has ended just now. What was noted of a later start stays; of the same start, what each
    /// knows is put together: who ended it knows why, its parent knows the code or the signal.
    pub(crate) fn note(place: &Place, record: &Record, reason: EndReason, ending: Option<&Ending>) -> io::Result<()> {
        let new = Ended::now(record, reason, ending);
        // Where the right to note is not to be had in time, or at all, one goes on without.
        let _alone = lock::briefly(place.dir(), OTHER_NOTE);
        match Ended::read(place) {
            Some(old) if old.generation > new.generation => Ok(()),
            Some(old) if old.generation == new.generation => new.joined_with(old).write(place),
            _ => new.write(place),
        }
    }

    fn now(record: &Record, reason: EndReason, ending: Option<&Ending>) -> Self {
        let (exit_code, signal) = match ending {
            Some(Ending::Code(code)) => (Some(*code), None),
            Some(Ending::Signal(signal)) => (None, Some(signal.clone())),
            None => (None, None),
        };
        let lines = record.declared.as_ref().and_then(|declared| declared.tail_lines).unwrap_or(start::TAIL_LINES);
        let log_tail = record.log_file.as_deref().map_or_else(Vec::new, |path| log::tail(path, record.log_offset, lines));
        Ended { format: FORMAT, generation: record.generation, ended_at_ms: deadline::now_ms(), exit_code, signal, reason, log_tail }
    }

    /// The same end, told twice. "Exited" is what those say who do not know why.
    fn joined_with(self, old: Ended) -> Self {
        let how_is_known = self.exit_code.is_some() || self.signal.is_some();
        let (exit_code, signal) = if how_is_known { (self.exit_code, self.signal) } else { (old.exit_code, old.signal) };
        Ended {
            ended_at_ms: self.ended_at_ms.min(old.ended_at_ms),
            exit_code,
            signal,
            reason: if old.reason == EndReason::Exited { self.reason } else { old.reason },
            log_tail: if self.log_tail.is_empty() { old.log_tail } else { self.log_tail },
            ..self
        }
    }

    /// How the last one ended; a file that makes no sense counts as none, for it is no more than a message.
    pub(crate) fn read(place: &Place) -> Option<Ended> {
        place::read_json(&place.ended()).ok().flatten()
    }

    fn write(&self, place: &Place) -> io::Result<()> {
        place::write_json(&place.ended(), self)
    }
}

/// Notes the end of a server that had been ready. What its main process leaves behind is no end yet.
pub(crate) fn note_end(place: &Place, generation: u64, ending: Option<&Ending>) {
    let record = Record::read(place).ok().flatten().filter(|record| record.generation == generation && record.ready_at > 0);
    if let Some(record) = record.filter(|_| !AliveLock::of(place).is_held()) {
        let _ = Ended::note(place, &record, EndReason::Exited, ending);
    }
}

/// The servers whose end this process watches, by place and generation.
static WATCHED: PerProcess<Mutex<Vec<(PathBuf, u64)>>> = PerProcess::new(Default::default);

fn watched() -> MutexGuard<'static, Vec<(PathBuf, u64)>> {
    WATCHED.get().lock().unwrap_or_else(PoisonError::into_inner)
}

/// This process will see how a server ends, and note it.
pub(crate) struct Watching(PathBuf, u64);

impl Watching {
    pub(crate) fn begin(place: &Place, generation: u64) -> Self {
        watched().push((place.dir().to_owned(), generation));
        Watching(place.dir().to_owned(), generation)
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        watched().retain(|(place, generation)| *place != self.0 || *generation != self.1);
    }
}

/// Waits, once a server has ended, until its parent in this very process has noted how: who removes the place next finds it at rest.
pub(crate) fn await_note(place: &Place, generation: u64) {
    let is_due = || watched().iter().any(|(dir, watched)| dir == place.dir() && *watched == generation);
    Patience::uncancelled().within(OWN_NOTE).outlast(AGAIN, is_due);
}
