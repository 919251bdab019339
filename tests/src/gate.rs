//! A file at which processes wait, so that they all begin at the same moment.

use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};

/// However the kernel tells it, the gate is looked at this often.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 250_000_000 };
/// And this often where the kernel tells nothing: a user may have 128 watches at once, and a storm has more.
const POLL: Timespec = Timespec { tv_sec: 0, tv_nsec: 1_000_000 };

/// The file in which everybody who waits at a gate leaves a line.
pub fn waiting_file(gate: &Path) -> PathBuf {
    let mut name = gate.as_os_str().to_owned();
    name.push(".waiting");
    name.into()
}

/// Says that this process waits, and returns when the gate is there.
///
/// # Errors
/// The system's own.
pub fn wait_at(gate: &Path) -> io::Result<()> {
    let watch = watch_for(gate).ok();
    let mut waiting = OpenOptions::new().append(true).create(true).open(waiting_file(gate))?;
    waiting.write_all(format!("{}\n", std::process::id()).as_bytes())?;
    drop(waiting);
    while !gate.exists() {
        let Some(watch) = &watch else {
            poll(&mut [], Some(&POLL))?;
            continue;
        };
        poll(&mut [PollFd::new(watch, PollFlags::IN)], Some(&LOOK))?;
        let mut told = [0; 4096];
        while matches!(rustix::io::read(watch, &mut told), Ok(read) if read > 0) {}
    }
    Ok(())
}

/// What a program was told, once the gate it was told of is open; else what it exits with.
///
/// # Errors
/// The exit code of one that was asked for its help, or was told wrongly.
pub fn entered<T>(
    program: &str,
    help: &str,
    told: Result<Option<T>, impl Display>,
    gate: impl FnOnce(&T) -> Option<&Path>,
) -> Result<T, ExitCode> {
    let options = match told {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{help}");
            return Err(ExitCode::SUCCESS);
        }
        Err(problem) => {
            eprintln!("{program}: {problem}; see --help");
            return Err(ExitCode::from(2));
        }
    };
    if let Some(file) = gate(&options)
        && let Err(problem) = wait_at(file)
    {
        eprintln!("{program}: no gate at {}: {problem}", file.display());
        return Err(ExitCode::from(2));
    }
    Ok(options)
}

fn watch_for(gate: &Path) -> io::Result<OwnedFd> {
    let watch = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
    let dir = gate.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    inotify::add_watch(&watch, dir, WatchFlags::CREATE | WatchFlags::MOVED_TO)?;
    Ok(watch)
}

/// Opens the gate.
///
/// # Errors
/// The system's own.
pub fn open(gate: &Path) -> io::Result<()> {
    File::create(gate).map(drop)
}

/// How many wait at it.
pub fn waiting_at(gate: &Path) -> usize {
    std::fs::read_to_string(waiting_file(gate)).map_or(0, |lines| lines.lines().count())
}
