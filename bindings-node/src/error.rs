//! Failures on their way to JavaScript: thrown ones and delivered ones.

use std::fmt::Display;

use napi::{Env, Status};
use napi_derive::napi;
use spawnlock::ErrorCode;

/// Result of what runs on the thread of JavaScript.
pub(crate) type Result<T> = std::result::Result<T, Problem>;

/// Why a call cannot even begin.
pub(crate) enum Problem {
    /// The core says so.
    Core(spawnlock::Error),
    /// An option is not what JavaScript calls by that type.
    Option(String),
    /// The native part cannot do its work.
    Native(String),
    /// The host says so, or an exception of the caller's is on its way.
    Host(napi::Error),
}

/// `code` of a thrown error.
pub(crate) enum Code {
    Core(ErrorCode),
    Host(Status),
}

impl Problem {
    /// A wrong option: what it is called and what is wrong with it.
    pub(crate) fn option(name: &str, problem: impl Display) -> Self {
        Problem::Option(format!("option `{name}` {problem} [{}]", ErrorCode::Config))
    }

    /// No thread, or the like.
    pub(crate) fn native(problem: impl Display) -> Self {
        Problem::Native(Failure::native(problem).message)
    }
}

impl From<spawnlock::Error> for Problem {
    fn from(error: spawnlock::Error) -> Self {
        Problem::Core(error)
    }
}

impl From<napi::Error> for Problem {
    fn from(error: napi::Error) -> Self {
        Problem::Host(error)
    }
}

impl From<Problem> for napi::Error<Code> {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::Core(error) => napi::Error::new(Code::Core(error.code()), error.to_string()),
            Problem::Option(text) => napi::Error::new(Code::Core(ErrorCode::Config), text),
            Problem::Native(text) => napi::Error::new(Code::Core(ErrorCode::Native), text),
            Problem::Host(error) => napi::Error::new(Code::Host(error.status), error.reason.as_str()),
        }
    }
}

impl AsRef<str> for Code {
    fn as_ref(&self) -> &str {
        match self {
            Code::Core(code) => code.as_str(),
            Code::Host(status) => status.as_ref(),
        }
    }
}

impl From<Status> for Code {
    fn from(status: Status) -> Self {
        Code::Host(status)
    }
}

/// All that is known about a failure.
#[napi(object, object_from_js = false)]
#[derive(Clone)]
pub struct Failure {
    /// Which kind of failure it is; the same list in every language.
    #[napi(ts_type = "ErrorCode")]
    pub code: String,
    /// The whole text for people: what was attempted, the command, the last probe, the log's last lines, a hint.
    pub message: String,
    /// The text of the cause.
    pub cause: Option<String>,
    /// The code with which the server exited.
    pub exit_code: Option<i32>,
    /// The signal that ended the server, by name (`SIGKILL`).
    pub signal: Option<String>,
    /// The error number of the system call that failed, as in `os.constants.errno`.
    pub errno: Option<i32>,
    /// The process concerned: the server, or the holder of the lock.
    pub pid: Option<u32>,
    /// In how many milliseconds the next start is allowed, for `ERR_SPAWNLOCK_CRASH_LOOP`.
    pub retry_after_ms: Option<f64>,
    /// What to look at or change next, where it is known.
    pub hint: Option<String>,
    /// What the server last said it was doing, by `STATUS=`.
    pub status: Option<String>,
    /// The log of the server.
    pub log_file: Option<String>,
    /// The last lines the server wrote in this attempt, oldest first.
    pub log_tail: Option<Vec<String>>,
}

impl From<spawnlock::Error> for Failure {
    fn from(error: spawnlock::Error) -> Self {
        let message = error.to_string();
        let facts = error.failure().clone();
        Failure {
            code: facts.code.as_str().to_owned(),
            message,
            cause: facts.cause,
            exit_code: facts.exit_code,
            signal: facts.signal,
            errno: facts.errno,
            pid: facts.pid,
            retry_after_ms: facts.retry_after_ms.map(|ms| ms as f64),
            hint: facts.hint,
            status: facts.status,
            log_file: facts.log_file.map(|file| file.to_string_lossy().into_owned()),
            log_tail: Some(facts.log_tail).filter(|lines| !lines.is_empty()),
        }
    }
}

impl Failure {
    /// The native part broke.
    pub(crate) fn native(problem: impl Display) -> Self {
        let code = ErrorCode::Native.as_str();
        let message = format!("the native part of spawnlock broke: {problem} [{code}]");
        Failure {
            code: code.to_owned(),
            message,
            cause: None,
            exit_code: None,
            signal: None,
            errno: None,
            pid: None,
            retry_after_ms: None,
            hint: None,
            status: None,
            log_file: None,
            log_tail: None,
        }
    }
}

/// A failure, thrown with all its facts.
pub(crate) fn thrown(env: Env, error: spawnlock::Error) -> napi::Error<Code> {
    let thrown = env.throw(Failure::from(error));
    Problem::Host(thrown.map_or_else(|error| error, |()| napi::Error::from_status(Status::PendingException))).into()
}
