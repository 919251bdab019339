//! Why a subcommand has no result.

use std::fmt;
use std::io;

use spawnlock::{Error, ErrorCode, Failure, Spelling};

use crate::{exit, signals};

/// What a subcommand comes to: an exit code, or trouble.
pub type Result<T> = std::result::Result<T, Trouble>;

/// Why a subcommand has no result.
pub enum Trouble {
    /// A flag or a variable is wrong; the text names it.
    Usage(String),
    /// The core says no.
    Core(Error),
    /// The server is fine, but it has no such fact to print.
    Unknown(String),
    /// The command that was to use the server cannot be run.
    CannotRun(String, io::Error),
    /// The result cannot be written.
    Output(io::Error),
}

impl Trouble {
    /// A wrong flag or variable, and what is wrong with it.
    pub fn usage(option: &str, problem: impl fmt::Display) -> Self {
        Trouble::Usage(format!("option `{option}` {problem}"))
    }

    pub fn exit_code(&self) -> u8 {
        match self {
            Trouble::Usage(_) => exit::USAGE,
            Trouble::Core(error) => exit::code(error, signals::received()),
            Trouble::CannotRun(_, cause) => exit::cannot_run(cause),
            Trouble::Unknown(_) | Trouble::Output(_) => exit::FAILED,
        }
    }

    /// The code that JSON carries; what the core does not know of has none of its own.
    pub fn code(&self) -> ErrorCode {
        match self {
            Trouble::Core(error) => error.code(),
            Trouble::Usage(_) | Trouble::Unknown(_) => ErrorCode::Config,
            Trouble::CannotRun(..) => ErrorCode::Spawn,
            Trouble::Output(_) => ErrorCode::Native,
        }
    }

    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Trouble::Core(error) => Some(error.failure()),
            Trouble::Usage(_) | Trouble::Unknown(_) | Trouble::CannotRun(..) | Trouble::Output(_) => None,
        }
    }

    /// What this error was caused by.
    pub fn cause(&self) -> Option<String> {
        match self {
            Trouble::Core(error) => std::error::Error::source(error).map(ToString::to_string),
            Trouble::CannotRun(_, cause) | Trouble::Output(cause) => Some(cause.to_string()),
            Trouble::Usage(_) | Trouble::Unknown(_) => None,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Usage(text) => write!(f, "{text} [{}]", self.code()),
            Trouble::Unknown(text) => f.write_str(text),
            Trouble::Core(error) => f.write_str(&error.text(Spelling::Flag)),
            Trouble::CannotRun(command, _) => write!(f, "cannot run \"{command}\" [{}]", self.code()),
            Trouble::Output(_) => f.write_str("cannot write the result to stdout"),
        }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Trouble::Core(error)
    }
}
