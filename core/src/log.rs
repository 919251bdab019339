//! The server's log: appended, with a marker where each start begins, rotated before a start.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::deadline;
use crate::sys::{self, Lookup};

/// A log of ours that has grown to this size is put aside before the next start.
const ROTATE_AT: u64 = 10 * 1024 * 1024;
/// As much of the end of a log as is looked at for its last lines.
const TAIL_MOST: u64 = 256 * 1024;
/// The same for those who want one line.
const GLANCE: u64 = 2048;
/// As much of one line as is shown.
const LINE_MOST: usize = 500;

/// A log that is open for one start.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) path: PathBuf,
    /// Where the lines of this start begin.
    pub(crate) offset: u64,
    pub(crate) file: File,
}

impl Log {
    /// Opens the log for a start. Only `ours` is rotated; a file the user named is the user's.
    pub(crate) fn begin(path: &Path, ours: bool, marker: &str) -> io::Result<Self> {
        if ours && fs::metadata(path).is_ok_and(|meta| meta.len() >= ROTATE_AT) {
            fs::rename(path, old(path))?;
        }
        let mut file = if ours { sys::open_private(path, Lookup::Append)? } else { sys::open_log(path)? };
        // A log on a full disk is no reason not to start.
        let _ = writeln!(file, "--- spawnlock {} {marker}", deadline::now_text());
        let offset = file.seek(SeekFrom::End(0))?;
        Ok(Log { path: path.to_owned(), offset, file })
    }
}

/// Puts what a log of ours has grown to aside while the server goes on writing. What it writes in between is lost.
pub(crate) fn trim(path: &Path) {
    if !fs::metadata(path).is_ok_and(|meta| meta.len() >= 2 * ROTATE_AT) {
        return;
    }
    if fs::copy(path, old(path)).is_ok() {
        let _ = File::options().write(true).open(path).and_then(|log| log.set_len(0));
    }
}

fn old(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".1");
    path.with_file_name(name)
}

/// The lines of all starts that are kept, the older file's first.
pub(crate) fn tail_of_all(path: &Path, lines: usize) -> Vec<String> {
    let now = tail(path, 0, lines);
    let before = if now.len() < lines { tail(&old(path), 0, lines - now.len()) } else { Vec::new() };
    before.into_iter().chain(now).collect()
}

/// The last lines written since `offset`, oldest first, fit for a terminal.
pub(crate) fn tail(path: &Path, offset: u64, lines: usize) -> Vec<String> {
    let text = read_end(path, offset, TAIL_MOST).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let all: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    all[all.len().saturating_sub(lines)..].iter().map(|line| printable(line)).collect()
}

/// The last line written since `offset`, for those who look often: only a little of the end is read.
pub(crate) fn last_line(path: &Path, offset: u64) -> Option<String> {
    let text = read_end(path, offset, GLANCE).ok()?;
    let text = String::from_utf8_lossy(&text);
    text.lines().rev().map(|line| printable(&uncoloured(line))).find(|line| !line.trim().is_empty())
}

fn read_end(path: &Path, offset: u64, most: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let end = file.metadata()?.len();
    // One that was trimmed meanwhile begins with lines of this start.
    let offset = if offset > end { 0 } else { offset };
    file.seek(SeekFrom::Start(offset.max(end.saturating_sub(most))))?;
    let mut text = Vec::new();
    file.take(most).read_to_end(&mut text)?;
    Ok(text)
}

/// A line without the colours and movements that it orders of a terminal: an escape, a bracket, and all up to a final byte.
pub(crate) fn uncoloured(line: &str) -> String {
    let mut parts = line.split("\u{1b}[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| ('@'..='~').contains(&c)).map_or(part.len(), |end| end + 1);
        plain.push_str(&part[end..]);
    }
    plain
}

pub(crate) fn printable(line: &str) -> String {
    line.chars().filter(|c| *c == '\t' || !c.is_control()).take(LINE_MOST).collect()
}
