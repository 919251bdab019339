//! What a server that starts has to say: its own word for what it is doing, else the last line of its log.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::log;
use crate::place::{self, Place};
use crate::record::Record;

/// A server that starts, to be listened to. Nothing is read before [`last`](Voice::last) asks.
#[derive(Clone, Debug)]
pub struct Voice {
    log_file: PathBuf,
    offset: u64,
    notices: PathBuf,
    generation: u64,
}

/// As much of what a server has told of itself as is of interest here.
#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    generation: u64,
    #[serde(default)]
    status: Option<String>,
}

impl Voice {
    /// `None` for a server without a log.
    pub(crate) fn of(place: &Place, record: &Record) -> Option<Self> {
        let (offset, generation) = (record.log_offset, record.generation);
        Some(Voice { log_file: record.log_file.clone()?, offset, notices: place.notices(), generation })
    }

    /// Where its output goes.
    pub fn log_file(&self) -> &Path {
        &self.log_file
    }

    /// What it said last in this start: its `STATUS`, else the last line it wrote; fit for a terminal. Reads a file or two.
    pub fn last(&self) -> Option<String> {
        self.status().or_else(|| log::last_line(&self.log_file, self.offset))
    }

    fn status(&self) -> Option<String> {
        let told: Told = place::read_json(&self.notices).ok().flatten()?;
        told.status.filter(|status| told.generation == self.generation && !status.is_empty()).map(|status| log::printable(&status))
    }
}
