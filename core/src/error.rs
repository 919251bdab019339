//! What went wrong: one table of codes, one struct that names the attempt, and the text a person reads.

use std::fmt;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::environment;

/// Result of every fallible call of this crate.
pub type Result<T> = std::result::Result<T, Error>;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $text:literal,)+) => {
        /// Why a call failed; the same list in every language.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[doc = $doc])+ #[serde(rename = $text)] $variant,)+
        }

        impl ErrorCode {
            /// Every code, in the order of the table.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$variant),+];

            /// The text that users match on, `ERR_SPAWNLOCK_…`.
            pub const fn as_str(self) -> &'static str {
                match self { $(ErrorCode::$variant => $text,)+ }
            }
        }
    };
}

codes! {
    /// An option or variable is wrong; the message names it. Fix the input.
    Config = "ERR_SPAWNLOCK_CONFIG",
    /// A live server of this name has another endpoint. Use another name, or stop that server.
    Conflict = "ERR_SPAWNLOCK_CONFLICT",
    /// The place on disk is not a private directory of ours. Repair it or choose another state directory.
    Place = "ERR_SPAWNLOCK_PLACE",
    /// Another process held the spawn lock until our deadline. Retry, or look at the holder the message names.
    LockTimeout = "ERR_SPAWNLOCK_LOCK_TIMEOUT",
    /// No lock can be had here and `on_lock_unavailable` is `fail`. Choose another state directory.
    LockUnavailable = "ERR_SPAWNLOCK_LOCK_UNAVAILABLE",
    /// The command could not be run. Fix the command; `errno` says why.
    Spawn = "ERR_SPAWNLOCK_SPAWN",
    /// The server ended before it was ready. Read the log lines in the message.
    Exited = "ERR_SPAWNLOCK_EXITED",
    /// The server was not ready in time and was stopped. Raise the timeout, or read the log.
    Timeout = "ERR_SPAWNLOCK_TIMEOUT",
    /// The server answers, but not as a healthy one. Look at the last probe.
    Unhealthy = "ERR_SPAWNLOCK_UNHEALTHY",
    /// Something holds the endpoint and does not answer. Stop it, then try again.
    Unresponsive = "ERR_SPAWNLOCK_UNRESPONSIVE",
    /// Something that is not this server answers on its endpoint. Free the endpoint or choose another.
    Foreign = "ERR_SPAWNLOCK_FOREIGN",
    /// An address on which the server is to listen is somebody else's. Free it or choose another; the hint says whose it is.
    PortInUse = "ERR_SPAWNLOCK_PORT_IN_USE",
    /// The server that runs is of another version, and may not be replaced. Ask for its version, or stop it.
    Version = "ERR_SPAWNLOCK_VERSION",
    /// The server died soon after "ready", several times in a minute. Read the log lines; `retry_after_ms` tells when the next
    /// start is allowed, and a restart by hand starts it at once.
    CrashLoop = "ERR_SPAWNLOCK_CRASH_LOOP",
    /// The server, or something it started, asked for this same server. Do not call `ensure` for one's own name.
    Recursive = "ERR_SPAWNLOCK_RECURSIVE",
    /// The system forbids us to reach the endpoint. Check the permissions of the socket.
    Denied = "ERR_SPAWNLOCK_DENIED",
    /// There is no such server running, and the call does not start one.
    NotRunning = "ERR_SPAWNLOCK_NOT_RUNNING",
    /// Another daemon serves this socket already. Exit with 0: all is well without us.
    Running = "ERR_SPAWNLOCK_RUNNING",
    /// The server could not be stopped, or may not be signalled by us. The message says which.
    Stop = "ERR_SPAWNLOCK_STOP",
    /// The caller cancelled the wait. Everything of this call is released.
    Cancelled = "ERR_SPAWNLOCK_CANCELLED",
    /// The native part is missing or broke. Reinstall, or report it.
    Native = "ERR_SPAWNLOCK_NATIVE",
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// All that is known about a failure. It is also what `failure.json` keeps, so that
/// every waiter gets the reason of the one that tried.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Failure {
    /// Which kind of failure it is.
    pub code: ErrorCode,
    /// One line: what was attempted, on what, for how long.
    pub summary: String,
    /// The name of the server, where one is concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The command as a person would type it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The working directory of the command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<PathBuf>,
    /// The last probe with its answer and the number of tries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<String>,
    /// What the server last said it was doing, by `STATUS=`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The log of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_file: Option<PathBuf>,
    /// The last lines the server wrote in this attempt, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log_tail: Vec<String>,
    /// What to look at or change next, where we know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The process concerned: the server, or the holder of the lock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// The code with which the server exited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The signal that ended the server, by name (`SIGKILL`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
    /// The error number of the system call that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errno: Option<i32>,
    /// In how many milliseconds the next start is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The text of the cause, for readers in other processes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

/// A failed call: a [code](ErrorCode), a text for people, and the facts behind it.
///
/// `Display` gives the whole text; the cause, where there is one, is in
/// [`source`](std::error::Error::source) and never repeated in the text.
pub struct Error {
    failure: Box<Failure>,
    source: Option<Cause>,
}

/// The cause of an [`Error`]: the system's own error, or the words another process left about it.
enum Cause {
    Io(io::Error),
    Told(Told),
}

#[derive(Debug)]
struct Told(String);

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Told {}

impl Error {
    /// An error with its code and the line that says what was attempted.
    pub(crate) fn new(code: ErrorCode, summary: impl Into<String>) -> Self {
        let failure = Failure {
            code,
            summary: summary.into(),
            name: None,
            command: None,
            cwd: None,
            probe: None,
            status: None,
            log_file: None,
            log_tail: Vec::new(),
            hint: None,
            pid: None,
            exit_code: None,
            signal: None,
            errno: None,
            retry_after_ms: None,
            cause: None,
        };
        Error { failure: Box::new(failure), source: None }
    }

    /// A wrong option: what it is called and what is wrong with it.
    pub(crate) fn config(option: &str, problem: impl fmt::Display) -> Self {
        Error::new(ErrorCode::Config, format!("option `{option}` {problem}"))
    }

    /// Says which system error caused this one.
    pub(crate) fn caused_by(mut self, cause: io::Error) -> Self {
        self.failure.errno = cause.raw_os_error();
        self.failure.cause = Some(cause.to_string());
        self.source = Some(Cause::Io(cause));
        self
    }

    /// Fills in facts.
    pub(crate) fn with(mut self, fill: impl FnOnce(&mut Failure)) -> Self {
        fill(&mut self.failure);
        self
    }

    /// Adds what to do next, unless something better is already said.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        self.with(|failure| {
            failure.hint.get_or_insert_with(|| hint.into());
        })
    }

    /// Which kind of failure it is.
    pub fn code(&self) -> ErrorCode {
        self.failure.code
    }

    /// The facts behind the text.
    pub fn failure(&self) -> &Failure {
        &self.failure
    }
}

impl From<Failure> for Error {
    /// A failure another process published, as an error of this one.
    fn from(failure: Failure) -> Self {
        let source = failure.cause.clone().map(|text| Cause::Told(Told(text)));
        Error { failure: Box::new(failure), source }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failure = &*self.failure;
        write!(f, "{} [{}]", failure.summary, failure.code)?;
        if let Some(command) = &failure.command {
            write!(f, "\n  command  {command}")?;
            if let Some(cwd) = &failure.cwd {
                write!(f, "   (in {})", environment::tilde(cwd))?;
            }
        }
        if let Some(probe) = &failure.probe {
            write!(f, "\n  probe    {probe}")?;
        }
        if let Some(status) = &failure.status {
            write!(f, "\n  status   {status}")?;
        }
        if let Some(log) = &failure.log_file {
            write!(f, "\n  log      {}", environment::tilde(log))?;
        }
        for line in &failure.log_tail {
            write!(f, "\n    | {line}")?;
        }
        if let Some(hint) = &failure.hint {
            write!(f, "\n  hint     {hint}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)?;
        match &self.failure.cause {
            Some(cause) => write!(f, "\n  cause    {cause}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.source {
            Some(Cause::Io(cause)) => Some(cause),
            Some(Cause::Told(cause)) => Some(cause),
            None => None,
        }
    }
}
