//! What is known of the server that is asked for: for checks that look at what it left, and not at what it answers.

use std::ffi::OsString;
use std::path::PathBuf;

use serde_json::Value;

use crate::notify::Notified;
use crate::place::Place;
use crate::record::{Phase, Record};

/// What a caller knows of a server; nothing, where none is meant.
#[derive(Clone, Debug, Default)]
pub(crate) struct About {
    /// Something of it lives.
    pub(crate) lives: bool,
    pub(crate) generation: u64,
    /// When it was started, in milliseconds since 1970.
    pub(crate) started_at: u64,
    /// Its log, and where the lines of this start begin in it.
    pub(crate) log: Option<(PathBuf, u64)>,
    /// The checks it passed, once its starter has vouched for it.
    pub(crate) passed: Vec<Value>,
    pub(crate) notified: Option<Notified>,
    /// Where it runs, for commands that ask about it.
    pub(crate) cwd: Option<PathBuf>,
    /// What such commands get as their variables; the caller's own where nothing is said.
    pub(crate) env: Option<Vec<(OsString, OsString)>>,
}

impl About {
    pub(crate) fn of(record: &Record, lives: bool, place: &Place) -> Self {
        About {
            lives,
            generation: record.generation,
            started_at: record.started_at,
            log: record.log_file.clone().map(|path| (path, record.log_offset)),
            passed: if record.state == Phase::Ready { record.ready.clone() } else { Vec::new() },
            notified: Notified::read(place, record.generation),
            cwd: Some(record.cwd.clone()).filter(|cwd| cwd.is_absolute()),
            env: None,
        }
    }

    /// Whether the server that lives has passed this very check when it was started.
    pub(super) fn has_passed(&self, check: Option<&Value>) -> bool {
        self.lives && check.is_some_and(|check| self.passed.contains(check))
    }
}
