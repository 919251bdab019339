//! What a failed call says: the attempt, the object, the figures, the last lines of the log, and a hint where we know one.

use std::path::Path;
use std::time::Duration;

use crate::deadline::{self, readable};
use crate::error::{Error, ErrorCode};
use crate::holder::{Holder, who};
use crate::log;
use crate::notify::Notified;
use crate::plan::Plan;
use crate::policy::Reuse;
use crate::probe::{Answer, Verdict};
use crate::record::Record;
use crate::start::Start;
use crate::sys::{self, Ending};

/// Makes the errors of one call.
pub(crate) struct Reporter<'a> {
    pub(crate) plan: &'a Plan,
    /// The last answer and the number of questions so far.
    pub(crate) last: Option<&'a Answer>,
    pub(crate) tries: u32,
}

impl Reporter<'_> {
    fn error(&self, code: ErrorCode, summary: String) -> Error {
        let probe = self.last.map(|answer| match self.tries {
            1 => answer.text.clone(),
            tries => format!("{}, {tries} tries", answer.text),
        });
        Error::new(code, summary).with(|failure| {
            failure.name = Some(self.plan.name.clone());
            failure.probe = probe;
        })
    }

    fn server(&self) -> String {
        format!("server \"{}\"", self.plan.name)
    }

    /// Adds the command and what the server wrote in this start.
    fn about_start(&self, error: Error, record: &Record) -> Error {
        let Some(start) = &self.plan.start else { return error };
        let lines = record.log_file.as_deref().map_or_else(Vec::new, |path| log::tail(path, record.log_offset, start.tail_lines));
        let port_taken = lines.iter().any(|line| is_port_taken(line));
        let error = error.with(|failure| {
            failure.command = Some(start.readable());
            failure.cwd = Some(record.cwd.clone());
            failure.log_file = record.log_file.clone();
            failure.log_tail = lines;
            failure.status = Notified::read(&self.plan.place, record.generation).and_then(|said| said.status);
        });
        match self.port_owner().filter(|_| port_taken) {
            Some(owner) => error.hint(owner),
            None => error,
        }
    }

    pub(crate) fn cancelled(&self) -> Error {
        self.error(ErrorCode::Cancelled, format!("waiting for {} was cancelled", self.server()))
    }

    pub(crate) fn denied(&self) -> Error {
        self.error(ErrorCode::Denied, format!("the system forbids us to reach {}", self.server()))
            .hint("check who owns the endpoint and who may use it")
    }

    pub(crate) fn recursive(&self) -> Error {
        self.error(ErrorCode::Recursive, format!("{} asked for itself while it is not ready", self.server()))
            .hint("the call comes from inside the server, or from a check of it; it would wait for itself")
    }

    pub(crate) fn not_running(&self) -> Error {
        if let Some((variable, url)) = &self.plan.elsewhere {
            return self
                .error(ErrorCode::NotRunning, format!("{} is not running at {url}", self.server()))
                .hint(format!("{variable} says that somebody else runs it there: nothing is started"));
        }
        let hint = if self.plan.start.is_none() {
            "no command is given, or SPAWNLOCK_DISABLE is set: nothing is started"
        } else {
            "start it first"
        };
        self.error(ErrorCode::NotRunning, format!("{} is not running", self.server())).hint(hint)
    }

    pub(crate) fn conflict(&self, record: &Record) -> Error {
        let theirs = record.endpoint.as_deref().unwrap_or("an unknown endpoint");
        let ours = self.plan.endpoint.as_ref().map_or_else(|| "no address".to_owned(), ToString::to_string);
        self.error(ErrorCode::Conflict, format!("{} runs at {theirs}, and this call asks for it at {ours}", self.server()))
            .with(|failure| failure.pid = record.pid)
            .hint("use another name for the other endpoint, or stop the running one first")
    }

    pub(crate) fn lock_timeout(&self, holder: Option<Holder>) -> Error {
        let who = who(holder.as_ref());
        let pid = holder.map(|holder| holder.pid);
        self.error(
            ErrorCode::LockTimeout,
            format!("{} was not to be had in {}: {who} holds the spawn lock", self.server(), readable(self.plan.timeout)),
        )
        .with(|failure| failure.pid = pid)
        .hint("wait longer with a longer timeout, or look at what that process waits for")
    }

    pub(crate) fn being_stopped(&self, holder: Option<Holder>) -> Error {
        let who = who(holder.as_ref());
        self.error(ErrorCode::LockTimeout, format!("{} is being stopped by {who}, and a kick does not wait for that", self.server()))
            .with(|failure| failure.pid = holder.map(|holder| holder.pid))
            .hint("ask for it in a way that waits, or kick it again when it is gone")
    }

    pub(crate) fn no_place(&self, cause: std::io::Error) -> Error {
        self.error(ErrorCode::Place, format!("cannot use the directory {} for {}", self.plan.place.dir().display(), self.server()))
            .caused_by(cause)
    }

    pub(crate) fn no_desk(&self, cause: std::io::Error) -> Error {
        let place = self.plan.place.dir().display();
        self.error(ErrorCode::Place, format!("{} cannot be heard: no socket can be made in {place}", self.server())).caused_by(cause)
    }

    pub(crate) fn lock_unavailable(&self, cause: std::io::Error) -> Error {
        let place = self.plan.place.dir().display();
        self.error(ErrorCode::LockUnavailable, format!("no lock can be had in {place}"))
            .caused_by(cause)
            .hint("set SPAWNLOCK_STATE_DIR to a local directory that can be written")
    }

    /// An address that was to be listened on cannot be had.
    pub(crate) fn address(&self, at: &str, cause: std::io::Error) -> Error {
        let taken = cause.kind() == std::io::ErrorKind::AddrInUse;
        if !taken {
            return Error::config(
                if self.plan.listen.is_empty() { "host" } else { "listen" },
                format!("asks for {at}, which cannot be listened on"),
            )
            .caused_by(cause);
        }
        let error = self.error(ErrorCode::PortInUse, format!("{at}, which {} is to listen on, is in use", self.server())).caused_by(cause);
        let error = error.with(|failure| failure.probe = None);
        match at.rsplit(':').next().and_then(|port| port.parse().ok()) {
            Some(port) => match owner_of(port) {
                Some(owner) => error.hint(owner),
                None => error.hint("another process has it: free it, or choose another"),
            },
            None => error.hint("a socket of that name is there that we did not make: remove it if nobody uses it"),
        }
    }

    /// Something is there that is not ours, or does not answer.
    pub(crate) fn occupied(&self, answer: &Answer, ours: Option<&Record>, waited: Duration) -> Error {
        let waited = readable(waited);
        let error = match (ours, answer.verdict) {
            (_, _) if answer.stranger => {
                self.error(ErrorCode::Foreign, format!("something else answers in the place of {}", self.server()))
            }
            (Some(_), Verdict::Unhealthy) => {
                self.error(ErrorCode::Unhealthy, format!("{} runs, but has answered for {waited} that it is not well", self.server()))
            }
            (None, Verdict::Unhealthy) => self.error(
                ErrorCode::Foreign,
                format!("something that we did not start answers in the place of {}, and not as a healthy server", self.server()),
            ),
            (Some(_), _) => self.error(ErrorCode::Unresponsive, format!("{} lives, but has not answered for {waited}", self.server())),
            (None, _) => self.error(
                ErrorCode::Unresponsive,
                format!("something that we did not start holds the endpoint of {}, and has not answered for {waited}", self.server()),
            ),
        };
        let error = error.with(|failure| failure.errno = answer.errno);
        let error = match ours {
            Some(record) => self.about_start(error, record).with(|failure| failure.pid = record.pid),
            None => error,
        };
        match (self.port_owner(), ours) {
            (Some(owner), _) => error.hint(owner),
            (None, Some(_)) => error.hint(format!("stop it (server-init stop {}) and try again", self.plan.name)),
            (None, None) => error,
        }
    }

    /// What answers was not started here, or not by us.
    pub(crate) fn not_owned(&self, reuse: Reuse) -> Error {
        let summary = format!("something that we did not start serves in the place of {}, and reuse is {}", self.server(), reuse.as_str());
        let error = self.error(ErrorCode::Foreign, summary);
        match self.port_owner() {
            Some(owner) => error.hint(owner),
            None => error.hint("stop it where it was started, or use another address"),
        }
    }

    /// It is of another version, and stays.
    pub(crate) fn version(&self, wanted: &str, running: Option<&str>, pid: Option<u32>) -> Error {
        let running = running.map_or_else(|| "an unknown version".to_owned(), |running| format!("version {running}"));
        self.error(ErrorCode::Version, format!("{} runs in {running}, and version {wanted} was asked for", self.server()))
            .with(|failure| failure.pid = pid)
    }

    /// It died soon after every "ready".
    pub(crate) fn crash_loop(&self, record: &Record, crashes: &[u64], next_ms: u64) -> Error {
        let wait = next_ms.saturating_sub(deadline::now_ms());
        let first = crashes.first().copied().unwrap_or_default();
        let span = crashes.last().copied().unwrap_or_default().saturating_sub(first);
        let (times, span) = (crashes.len(), readable(Duration::from_millis(span)));
        let summary = format!("{} died soon after it was ready, {times} times in {span}: not starting it again yet", self.server());
        let error = self.about_start(self.error(ErrorCode::CrashLoop, summary), record);
        let error = error.with(|failure| failure.retry_after_ms = Some(wait));
        let (wait, then) = (readable(Duration::from_millis(wait)), deadline::text_of(next_ms));
        error.with(|failure| {
            let name = &self.plan.name;
            failure.hint = Some(format!("the next start is allowed in {wait}, at {then}; `server-init restart {name}` starts it at once"));
        })
    }

    /// Ready was not reached in time.
    pub(crate) fn timeout(&self, record: &Record, waited: Duration, ends: bool) -> Error {
        let then = if ends { "so it is stopped" } else { "and is left to those who still wait" };
        let error = self.error(ErrorCode::Timeout, format!("{} was not ready after {}, {then}", self.server(), readable(waited)));
        let error = self.about_start(error, record).with(|failure| failure.pid = record.pid);
        match self.last.map(|answer| answer.verdict) {
            Some(Verdict::Dead) => {
                error.hint("nothing answers at that address: does the command listen there, and is the timeout long enough?")
            }
            _ => error,
        }
    }

    /// Nothing of ours and nobody's lock, and still the deadline passed.
    pub(crate) fn never_ready(&self) -> Error {
        let error = self.error(ErrorCode::Timeout, format!("{} was not ready after {}", self.server(), readable(self.plan.timeout)));
        match self.port_owner() {
            Some(owner) => error.hint(owner),
            None => error,
        }
    }

    pub(crate) fn spawn(&self, start: &Start, record: &Record, cause: std::io::Error, hint: Option<String>) -> Error {
        let error = self.error(ErrorCode::Spawn, format!("cannot run \"{}\" for {}", start.argv[0], self.server()));
        let error = self.about_start(error, record).caused_by(cause).with(|failure| failure.probe = None);
        match hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }

    pub(crate) fn no_log(&self, path: &Path, cause: std::io::Error) -> Error {
        self.error(ErrorCode::Config, format!("option `log` is {}, which cannot be written", path.display())).caused_by(cause)
    }

    /// It ended before it was ready.
    pub(crate) fn exited(&self, record: &Record, ending: Option<&Ending>, after: Duration) -> Error {
        let how = match ending {
            Some(Ending::Code(code)) => format!("exited with code {code}"),
            Some(Ending::Signal(signal)) => format!("was ended by {signal}"),
            None => "ended".to_owned(),
        };
        let summary = format!("{} {how} after {}, before it was ready", self.server(), readable(after));
        let error = self.about_start(self.error(ErrorCode::Exited, summary), record).with(|failure| {
            failure.pid = record.pid;
            match ending {
                Some(Ending::Code(code)) => failure.exit_code = Some(*code),
                Some(Ending::Signal(signal)) => failure.signal = Some(signal.clone()),
                None => {}
            }
        });
        match ending {
            Some(Ending::Code(0)) => error
                .hint("if it leaves a server in the background, run that in the foreground, or let it keep the descriptors it is given"),
            _ => error,
        }
    }

    /// Who has the port at which the server is asked.
    fn port_owner(&self) -> Option<String> {
        owner_of(self.plan.endpoint.as_ref()?.loopback_port()?)
    }
}

/// `port 1987 belongs to pid 4242 (nginx)`.
fn owner_of(port: u16) -> Option<String> {
    let owner = sys::listener_on(port)?;
    let user = match owner.uid == sys::user_id() {
        true => String::new(),
        false => format!(" of user {}", sys::user_name(owner.uid).unwrap_or_else(|| owner.uid.to_string())),
    };
    let who = match owner.pid {
        Some(pid) => format!("pid {pid}{}", sys::program_of(pid).map(|program| format!(" ({program})")).unwrap_or_default()),
        None => "a process that we may not look at".to_owned(),
    };
    Some(format!("port {port} belongs to {who}{user}"))
}

/// Whether a server ended because somebody came before it to its port.
pub(crate) fn lost_its_port(error: &Error) -> bool {
    error.code() == ErrorCode::Exited && error.failure().log_tail.iter().any(|line| is_port_taken(line))
}

/// Whether a line of a log says that the port is taken, as the usual run-times put it.
fn is_port_taken(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    line.contains("eaddrinuse") || line.contains("address already in use") || line.contains("address in use")
}
