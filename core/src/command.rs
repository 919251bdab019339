//! A command that is waited for: with a deadline, a cancellation and a process group of its own that never outlives it.
#![expect(clippy::disallowed_methods, reason = "a server is started in launch; what is only asked is run here")]

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::cancel::{Patience, Wake};
use crate::deadline::LONG_ENOUGH;
use crate::sys::{self, Ending, Interest, Signal};

/// How often the end of a command is looked for where the system does not tell of it.
const LOOK: Duration = Duration::from_millis(2);
/// As much of the end of what a command says as is kept.
const KEPT: usize = 4096;
/// As much of its last line as is shown.
const SHOWN: usize = 200;

/// What is to be run, and in what.
pub(crate) struct Errand<'a> {
    pub(crate) argv: &'a [String],
    pub(crate) cwd: Option<&'a Path>,
    /// All variables; the caller's own where nothing is said.
    pub(crate) env: Option<&'a [(OsString, OsString)]>,
}

/// How a command ended, and the last line it said.
#[derive(Debug)]
pub(crate) struct Ended {
    /// `None` when somebody else collected it, as a host does that ignores SIGCHLD.
    pub(crate) how: Option<Ending>,
    pub(crate) last_line: Option<String>,
}

/// Runs it to its end. When the patience ends first that is `TimedOut`; in any case nothing of its group is left.
pub(crate) fn run(errand: &Errand<'_>, patience: &Patience) -> io::Result<Ended> {
    let mut command = Command::new(&errand.argv[0]);
    command.args(&errand.argv[1..]).stdin(Stdio::null()).process_group(0);
    if let Some(env) = errand.env {
        command.env_clear().envs(env.iter().map(|(key, value)| (key, value)));
    }
    if let Some(cwd) = errand.cwd {
        command.current_dir(cwd);
    }
    let (hear, say) = io::pipe()?;
    command.stdout(say.try_clone()?).stderr(say);
    let child = command.spawn()?;
    // With it go our ends of the pipe.
    drop(command);
    let mut running = Running { end: sys::exit_watch(child.id()), child, said: Said::new(hear.into())? };
    let how = running.await_end(patience)?;
    running.end_group();
    running.said.hear();
    Ok(Ended { how, last_line: running.said.last_line() })
}

/// A command on its way; dropping it ends all of its group.
struct Running {
    child: Child,
    end: Option<OwnedFd>,
    said: Said,
}

impl Running {
    fn await_end(&mut self, patience: &Patience) -> io::Result<Option<Ending>> {
        loop {
            self.said.hear();
            if let Some(how) = sys::ended(self.child.id()) {
                return Ok(how);
            }
            let said = self.said.pipe.as_ref().map(|pipe| (pipe.as_fd(), Interest::Read));
            let end = self.end.as_ref().map(|end| (end.as_fd(), Interest::Read));
            let inputs: Vec<_> = said.into_iter().chain(end).collect();
            let wake = patience.wait(&inputs, if self.end.is_some() { LONG_ENOUGH } else { LOOK })?;
            // One that never stops talking wakes us before the time is over, again and again.
            if matches!(wake, Wake::Cancelled | Wake::Rung) || patience.deadline.expired() {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
    }

    /// Ends what it left behind. While it is not collected its group means it and nothing else.
    fn end_group(&self) {
        let _ = sys::signal_group(self.child.id(), Signal::Kill);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end_group();
        let _ = self.child.wait();
    }
}

/// What a command says, as far as it is kept.
struct Said {
    /// Until its end.
    pipe: Option<File>,
    end: Vec<u8>,
}

impl Said {
    fn new(pipe: OwnedFd) -> io::Result<Self> {
        sys::never_block(&pipe)?;
        Ok(Said { pipe: Some(pipe.into()), end: Vec::new() })
    }

    /// Takes what there is.
    fn hear(&mut self) {
        let mut buffer = [0u8; KEPT];
        // One that never stops talking is heard again after a look at the clock.
        for _ in 0..64 {
            let Some(pipe) = &mut self.pipe else { return };
            match pipe.read(&mut buffer) {
                Ok(0) => self.pipe = None,
                Ok(read) => {
                    self.end.extend_from_slice(&buffer[..read]);
                    self.end.drain(..self.end.len().saturating_sub(KEPT));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => self.pipe = None,
            }
        }
    }

    fn last_line(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.end);
        let line = text.lines().map(str::trim).rfind(|line| !line.is_empty())?;
        Some(line.chars().filter(|c| !c.is_control()).take(SHOWN).collect())
    }
}
