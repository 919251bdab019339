//! `history.jsonl`: what happened to a name, a line a step, for people. Nothing decides by it, and a step that cannot be written is no error.

use std::io::{self, Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::deadline;
use crate::error::{Error, ErrorCode};
use crate::holder::Holder;
use crate::place::{self, Place};
use crate::record::{Phase, Record};
use crate::sys::{self, Ending, Lookup};
use crate::words::words;

/// A history that has grown to this size loses its older half.
const MOST: u64 = 256 * 1024;

/// It ended and nobody of ours was there to see it.
const FOUND_GONE: &str = "found gone";

words! {
    /// The kinds of [`Step`].
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    #[non_exhaustive]
    pub enum StepKind {
        /// Somebody asked for the server, and it was to be started.
        Asked = "asked",
        /// Its command was run.
        Started = "started",
        /// The one who started it is gone, and another waits for it.
        Adopted = "adopted",
        /// It was ready.
        Ready = "ready",
        /// It never was.
        Failed = "failed",
        /// Somebody began to stop it.
        Stopping = "stopping",
        /// It was gone.
        Ended = "ended",
        /// Something else, from a later version.
        #[serde(other)]
        Other = "other",
    }
}

/// One step in the life of a name.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Step {
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// What kind of step.
    pub step: StepKind,
    /// Which start of the name it belongs to.
    pub generation: u64,
    /// The process that did it.
    #[serde(default)]
    pub by: u32,
    /// What that was run as, short.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub program: String,
    /// The server's process, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// How long a start took, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms: Option<u64>,
    /// Why a start failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<ErrorCode>,
    /// The command, the reason, or how it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl Step {
    fn new(step: StepKind, generation: u64) -> Self {
        let us = Holder::this_process();
        Step { at: deadline::now_ms(), step, generation, by: us.pid, program: us.program, pid: None, ms: None, code: None, text: None }
    }

    fn of(step: StepKind, record: &Record) -> Self {
        Step { pid: record.pid, ..Step::new(step, record.generation) }
    }

    /// The end of a start may be told by several: its parent knows how, who stopped it only that, and who comes next only that it is gone.
    fn tells_more_than(&self, other: &Step) -> bool {
        let rank = |step: &Step| match step.text.as_deref() {
            Some(FOUND_GONE) => 0,
            None => 1,
            Some(_) => 2,
        };
        self.generation == other.generation && rank(self) > rank(other)
    }

    fn saying(self, text: impl Into<String>) -> Self {
        Step { text: Some(text.into()), ..self }
    }
}

/// Somebody wants it started. What the records take for running, and is gone, has ended unseen by then.
pub(crate) fn asked(place: &Place, generation: u64, before: Option<&Record>) {
    if let Some(before) = before.filter(|before| before.state == Phase::Ready) {
        append(place, &Step::of(StepKind::Ended, before).saying(FOUND_GONE));
    }
    append(place, &Step::new(StepKind::Asked, generation));
}

pub(crate) fn started(place: &Place, record: &Record, command: &str) {
    append(place, &Step::of(StepKind::Started, record).saying(command));
}

pub(crate) fn adopted(place: &Place, record: &Record) {
    append(place, &Step::of(StepKind::Adopted, record));
}

pub(crate) fn ready(place: &Place, record: &Record) {
    append(place, &Step { ms: record.ready_ms, ..Step::of(StepKind::Ready, record) });
}

pub(crate) fn failed(place: &Place, generation: u64, error: &Error) {
    append(place, &Step { code: Some(error.code()), ..Step::new(StepKind::Failed, generation).saying(&error.failure().summary) });
}

pub(crate) fn stopping(place: &Place, generation: u64, why: &str) {
    append(place, &Step::new(StepKind::Stopping, generation).saying(why));
}

/// It is gone; who knows how it ended says so.
pub(crate) fn ended(place: &Place, generation: u64, ending: Option<&Ending>) {
    let step = Step::new(StepKind::Ended, generation);
    append(
        place,
        &match ending {
            Some(Ending::Code(code)) => step.saying(format!("exited with code {code}")),
            Some(Ending::Signal(signal)) => step.saying(format!("ended by {signal}")),
            None => step,
        },
    );
}

/// Every step that is still known, oldest first; a line that makes no sense is left out.
pub(crate) fn read(place: &Place) -> io::Result<Vec<Step>> {
    let text = match text_of(&place.history()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text?,
    };
    let mut steps: Vec<Step> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let ends: Vec<Step> = steps.iter().filter(|step| step.step == StepKind::Ended).cloned().collect();
    steps.retain(|step| step.step != StepKind::Ended || !ends.iter().any(|other| other.tells_more_than(step)));
    Ok(steps)
}

fn append(place: &Place, step: &Step) {
    let _ = try_append(&place.history(), step);
}

/// By one write, so that the lines of two who write at once stay whole.
fn try_append(path: &Path, step: &Step) -> io::Result<()> {
    let mut line = serde_json::to_vec(step)?;
    line.push(b'\n');
    let mut file = sys::open_private(path, Lookup::Append)?;
    if sys::facts_of(&file)?.size >= MOST {
        shorten(path)?;
        file = sys::open_private(path, Lookup::Append)?;
    }
    file.write_all(&line)
}

/// What somebody else appends meanwhile is lost: it is for people, and rare.
fn shorten(path: &Path) -> io::Result<()> {
    let text = text_of(path)?;
    let half = text.len() / 2;
    let kept = text.as_bytes().iter().skip(half).position(|byte| *byte == b'\n').map_or("", |end| &text[half + end + 1..]);
    place::replace(path, kept.as_bytes())
}

fn text_of(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    sys::open_private(path, Lookup::Existing)?.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
