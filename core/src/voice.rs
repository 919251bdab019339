//! What a server that starts has to say: its own word for what it is doing, else the last line of its log.

use std::path::{Path, PathBuf};

use crate::log;
use crate::notify::Notified;
use crate::place::Place;
use crate::record::Record;

/// A server that starts, to be listened to. Nothing is read before [`last`](Voice::last) asks.
#[derive(Clone, Debug)]
pub struct Voice {
    place: Place,
    generation: u64,
    log_file: PathBuf,
    offset: u64,
}

impl Voice {
    /// `None` for a server without a log.
    pub(crate) fn of(place: &Place, record: &Record) -> Option<Self> {
        let Record { generation, log_offset: offset, .. } = *record;
        Some(Voice { place: place.clone(), generation, log_file: record.log_file.clone()?, offset })
    }

    /// Where its output goes.
    pub fn log_file(&self) -> &Path {
        &self.log_file
    }

    /// What it said last in this start: its `STATUS`, else the last line it wrote; fit for a terminal. Reads a file or two.
    pub fn last(&self) -> Option<String> {
        let status = Notified::read(&self.place, self.generation).and_then(|said| said.status);
        status.or_else(|| log::last_line(&self.log_file, self.offset))
    }
}
