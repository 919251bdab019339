//! What a server wrote, by its name: the last lines, and those to come.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cancel::{Cancel, Patience, Wake};
use crate::deadline::{Deadline, LONG_ENOUGH};
use crate::error::{Error, ErrorCode, Result};
use crate::life::Known;
use crate::log;
use crate::names::StateDir;
use crate::place::Place;
use crate::stop::not_running;
use crate::sys::{self, Wanted, Watch};

/// As many lines as are told unless asked otherwise.
const LINES: usize = 40;
/// How often a log is looked at that the kernel watches for us: it may be put aside, and a watch stays with the old file.
const WATCHED: Duration = Duration::from_millis(500);
/// How often one is looked at where there is no watch.
const UNWATCHED: Duration = Duration::from_millis(100);
/// As much of a line as is waited for before it is told without its end.
const LINE_MOST: usize = 64 * 1024;

/// Which lines of a log are wanted.
#[derive(Clone, Debug, Default)]
pub struct LogOptions {
    lines: Option<usize>,
    all_starts: bool,
    cancel: Cancel,
}

impl LogOptions {
    /// The defaults: the last 40 lines of the last start.
    pub fn new() -> Self {
        LogOptions::default()
    }

    /// How many of the last lines. Default: 40.
    pub fn lines(mut self, lines: usize) -> Self {
        self.lines = Some(lines);
        self
    }

    /// Whether the lines of earlier starts count, too, with the markers between them. Default: no.
    pub fn all_starts(mut self, all: bool) -> Self {
        self.all_starts = all;
        self
    }

    /// Ends [`follow`](StateDir::follow), from any thread.
    pub fn cancel(mut self, cancel: Cancel) -> Self {
        self.cancel = cancel;
        self
    }
}

impl StateDir {
    /// The last lines a server wrote, oldest first, whether it runs or not.
    ///
    /// # Errors
    /// `NOT_RUNNING` when nothing is known of the name; `CONFIG`; `PLACE`.
    pub fn logs(&self, name: &str, options: &LogOptions) -> Result<Vec<String>> {
        let (place, name) = self.meant(name)?;
        Ok(Source::of(&place, &name)?.tail(options))
    }

    /// The same, and then each line as it is written, through rotations and restarts, until it is cancelled or `tell` says `false`.
    ///
    /// # Errors
    /// As [`logs`](StateDir::logs), and `CANCELLED`.
    pub fn follow(&self, name: &str, options: &LogOptions, mut tell: impl FnMut(&str) -> bool) -> Result<()> {
        let (place, name) = &self.meant(name)?;
        let source = Source::of(place, name)?;
        let mut reader = Following::at_end_of(&source.path);
        if !source.tail(options).iter().all(|line| tell(line)) {
            return Ok(());
        }
        let patience = Patience::new(Deadline::after(LONG_ENOUGH), options.cancel.clone());
        loop {
            let watch = reader.watch(place);
            while !reader.is_outdated(place, name) {
                if !reader.read(&mut |line| tell(line)) {
                    return Ok(());
                }
                if await_more(&patience, watch.as_ref()) {
                    return Err(Error::new(ErrorCode::Cancelled, format!("following the log of \"{name}\" was cancelled")));
                }
            }
            if !reader.read(&mut |line| tell(line)) {
                return Ok(());
            }
            reader.reopen(place, name);
        }
    }
}

/// `true` when the caller cancelled.
fn await_more(patience: &Patience, watch: Option<&Watch>) -> bool {
    let inputs: Vec<_> = watch.and_then(Watch::input).into_iter().collect();
    let woken = patience.wait(&inputs, if watch.is_some() { WATCHED } else { UNWATCHED });
    watch.map(Watch::heard);
    matches!(woken, Ok(Wake::Cancelled)) || (woken.is_err() && patience.cancel.is_cancelled())
}

/// Where a server's lines are.
struct Source {
    path: PathBuf,
    offset: u64,
}

impl Source {
    fn of(place: &Place, name: &str) -> Result<Self> {
        let record = Known::look(place, name).known().map(|known| known.record);
        match record {
            Some(record) => Ok(Source { path: record.log_file.unwrap_or_else(|| place.log()), offset: record.log_offset }),
            None if place.log().exists() => Ok(Source { path: place.log(), offset: 0 }),
            None => Err(not_running(name).hint("only what was started here has a log")),
        }
    }

    fn tail(&self, options: &LogOptions) -> Vec<String> {
        let lines = options.lines.unwrap_or(LINES);
        if options.all_starts { log::tail_of_all(&self.path, lines) } else { log::tail(&self.path, self.offset, lines) }
    }
}

/// A log that is read as it grows.
struct Following {
    path: PathBuf,
    file: Option<File>,
    /// What was read of a line that has not ended.
    rest: Vec<u8>,
}

impl Following {
    fn at_end_of(path: &Path) -> Self {
        let mut file = File::open(path).ok();
        let _ = file.as_mut().map(|file| file.seek(SeekFrom::End(0)));
        Following { path: path.to_owned(), file, rest: Vec::new() }
    }

    fn watch(&self, place: &Place) -> Option<Watch> {
        let wanted = [Wanted::Written(&self.path), Wanted::Published(place.dir())];
        self.file.as_ref().and_then(|_| Watch::on(&wanted).ok())
    }

    /// Tells what has been written; `false` when the listener has heard enough.
    fn read(&mut self, tell: &mut impl FnMut(&str) -> bool) -> bool {
        let Some(file) = &mut self.file else { return true };
        let mut chunk = [0; 8192];
        while let Ok(read @ 1..) = sys::again(|| file.read(&mut chunk)) {
            self.rest.extend_from_slice(&chunk[..read]);
            while let Some(line) = next_line(&mut self.rest) {
                if !tell(&line) {
                    return false;
                }
            }
        }
        true
    }

    /// Whether the lines to come are elsewhere: the log was put aside or cut, or a later start writes to another.
    fn is_outdated(&mut self, place: &Place, name: &str) -> bool {
        let moved = Source::of(place, name).is_ok_and(|source| source.path != self.path);
        let Some(file) = &mut self.file else { return moved || self.path.exists() };
        let replaced = match (sys::facts_of(file), sys::facts_at(&self.path)) {
            (Ok(ours), Ok(there)) => ours.id != there.id,
            _ => false,
        };
        let mut cut = || -> io::Result<bool> { Ok(file.stream_position()? > file.metadata()?.len()) };
        moved || replaced || cut().unwrap_or(false)
    }

    fn reopen(&mut self, place: &Place, name: &str) {
        let path = Source::of(place, name).map_or_else(|_| self.path.clone(), |source| source.path);
        *self = Following { file: File::open(&path).ok(), path, rest: Vec::new() };
    }
}

/// The first whole line, fit for a terminal.
fn next_line(rest: &mut Vec<u8>) -> Option<String> {
    let end = rest.iter().position(|byte| *byte == b'\n').map(|at| at + 1).or_else(|| (rest.len() > LINE_MOST).then_some(rest.len()))?;
    let line: Vec<u8> = rest.drain(..end).collect();
    Some(log::printable(String::from_utf8_lossy(&line).trim_end()))
}
