//! A line that the server writes to its log when it is ready.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use regex_lite::Regex;
use serde_json::Value;

use super::about::About;
use super::{Answer, Verdict};
use crate::cancel::Patience;
use crate::log;

/// As much as is read at once.
const CHUNK: usize = 64 * 1024;
/// As much of one line as is looked at.
const LINE_MOST: usize = 16 * 1024;
/// The group of a pattern that is the server's own word for its port.
const PORT: &str = "port";

/// A pattern for a line of the server's log. Clones share how far it was read.
#[derive(Clone, Debug)]
pub struct LogCheck {
    pub(super) pattern: Regex,
    reading: Arc<Mutex<Reading>>,
}

/// How far the log of one start was read.
#[derive(Debug, Default)]
struct Reading {
    /// Which log, and which start.
    of: Option<(PathBuf, u64, u64)>,
    at: u64,
    /// The beginning of a line whose end is not there yet.
    line: Vec<u8>,
    /// The line was found, with the port that it names.
    found: Option<Option<u16>>,
}

impl LogCheck {
    pub(super) fn new(pattern: Regex) -> Self {
        LogCheck { pattern, reading: Arc::default() }
    }

    /// Reads what is new in the log. A server that was vouched for by this very check is believed, whatever became of its log.
    pub(super) fn look(&self, about: &About, source: Option<&Value>, patience: &Patience) -> io::Result<Answer> {
        if !about.lives {
            return Ok(Answer::new(Verdict::Dead, "nothing of the server lives".into()));
        }
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((path, offset)) = &about.log else {
            return Ok(Answer::new(Verdict::Unhealthy, "it has no log".into()));
        };
        reading.begin(path, *offset, about.generation);
        let passed = about.has_passed(source);
        if reading.found.is_none() && !passed {
            reading.read_on(&self.pattern, patience)?;
        }
        Ok(match reading.found {
            Some(port) => Answer { port, ..Answer::new(Verdict::Ready, "found".into()) },
            None if passed => Answer::new(Verdict::Ready, "found when it was started".into()),
            None => Answer::new(Verdict::Starting, "no such line yet".into()),
        })
    }
}

impl Reading {
    fn begin(&mut self, path: &Path, offset: u64, generation: u64) {
        let this = (path.to_owned(), offset, generation);
        if self.of.as_ref() != Some(&this) {
            *self = Reading { of: Some(this), at: offset, ..Reading::default() };
        }
    }

    /// Reads until the line is found, the log ends, or the patience does: the next call goes on from there.
    fn read_on(&mut self, pattern: &Regex, patience: &Patience) -> io::Result<()> {
        let Some((path, ..)) = &self.of else { return Ok(()) };
        let mut file = File::open(path)?;
        if file.metadata()?.len() < self.at {
            // Somebody emptied it: what stands in it now was written since.
            (self.at, self.line) = (0, Vec::new());
        }
        file.seek(SeekFrom::Start(self.at))?;
        let mut chunk = vec![0u8; CHUNK];
        while self.found.is_none() {
            let read = file.read(&mut chunk)?;
            if read == 0 {
                return Ok(());
            }
            self.at += read as u64;
            self.take(&chunk[..read], pattern);
            if patience.deadline.expired() || patience.broken_off() {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "its log is too long to be read in time"));
            }
        }
        Ok(())
    }

    /// Looks at the lines that are whole by now.
    fn take(&mut self, mut new: &[u8], pattern: &Regex) {
        while let Some(end) = new.iter().position(|byte| *byte == b'\n') {
            self.keep(&new[..end]);
            new = &new[end + 1..];
            // Some print colours even into files.
            let line = log::uncoloured(String::from_utf8_lossy(&std::mem::take(&mut self.line)).trim_end_matches('\r'));
            if let Some(found) = pattern.captures(&line) {
                self.found = Some(found.name(PORT).and_then(|port| port.as_str().parse().ok()).filter(|port| *port > 0));
                return;
            }
        }
        self.keep(new);
    }

    fn keep(&mut self, part: &[u8]) {
        let room = LINE_MOST.saturating_sub(self.line.len());
        self.line.extend_from_slice(&part[..part.len().min(room)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_comes_in_pieces_and_colours_is_one_line() {
        let pattern = Regex::new(r"Local: +http://localhost:(?<port>\d+)/").unwrap();
        let mut reading = Reading::default();
        reading.take(b"\x1b[32mready\x1b[0m\n  Local:   http://local", &pattern);
        assert_eq!(reading.found, None);
        reading.take("host:\u{1b}[1m5173\u{1b}[22m/\r\nmore".as_bytes(), &pattern);
        assert_eq!(reading.found, Some(Some(5173)));
    }

    #[test]
    fn a_line_without_end_takes_no_more_than_its_room() {
        let mut reading = Reading::default();
        for _ in 0..10 {
            reading.take(&[b'x'; CHUNK], &Regex::new("y").unwrap());
        }
        assert_eq!(reading.line.len(), LINE_MOST);
    }
}
