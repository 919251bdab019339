//! What a check is, as text, as an object and as a function.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

use super::Verdict;
use super::body::{Json, StatusSet};
use super::endpoint::{Endpoint, authority};
use super::later::Reply;
use super::log::LogCheck;
use super::parse;
use crate::error::{Error, Result};

/// What the option is called in which a server's checks are given.
pub(super) const OPTION: &str = "ready";

/// One health check. Made from text with [`Check::parse`], from an object with [`Check::from_value`],
/// or from a function with [`Check::function`].
///
/// As text: `http://host:port/path`, `tcp:host:port`, `unix:/path`, `http+unix:/path:/health`, `exec:command line`,
/// `log:pattern`, `file:/path`, `notify`. The resource words of wait-on (`http-get://…`, `socket:/path`) mean the same.
///
/// As an object: the same text under `http`, `tcp`, `unix`, `exec`, `log` or `file`; with `exec` also a list of words, which no
/// shell reads; with `http` also `status` (`200`, `"200-299"`, or a list of these) and
/// `json` (`"auto"`, `false`, or an object of fields, dotted where nested, and the values they must have).
///
/// # Example
/// ```
/// use spawnlock::Check;
/// let check = Check::parse("http://localhost:1987/health")?;
/// assert_eq!(check.to_string(), "GET http://localhost:1987/health");
/// assert!(Check::parse("localhost").is_err());
/// # Ok::<(), spawnlock::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Check {
    /// GET a page.
    Http(HttpCheck),
    /// A TCP connection is accepted.
    #[non_exhaustive]
    Tcp {
        /// A name or an address; `localhost` means both families.
        host: String,
        /// The port.
        port: u16,
    },
    /// A connection to a Unix socket is accepted.
    #[non_exhaustive]
    Unix {
        /// Where the socket is.
        path: PathBuf,
    },
    /// A command exits with 0.
    Exec(ExecCheck),
    /// A line of the server's log, of this start, matches; a group of the name `port` is the server's word for its port.
    Log(LogCheck),
    /// A file exists; where a server is meant, one that is not older than its start.
    #[non_exhaustive]
    File {
        /// The file; a relative one is looked for where the server runs.
        path: PathBuf,
    },
    /// The server has sent `READY=1` to its `NOTIFY_SOCKET`.
    Notify,
    /// A function says so.
    Function(FunctionCheck),
}

/// A command whose exit code is the answer: a line for a shell, or words that no shell reads.
#[derive(Clone, Debug)]
pub struct ExecCheck {
    pub(super) words: ExecWords,
}

#[derive(Clone, Debug)]
pub(super) enum ExecWords {
    Line(String),
    Argv(Vec<String>),
}

impl ExecCheck {
    pub(super) fn argv(&self) -> Vec<String> {
        match &self.words {
            ExecWords::Line(line) => vec!["/bin/sh".to_owned(), "-c".to_owned(), line.clone()],
            ExecWords::Argv(argv) => argv.clone(),
        }
    }

    pub(super) fn is_shell_line(&self) -> bool {
        matches!(self.words, ExecWords::Line(_))
    }

    /// What must be there for it to run.
    pub(super) fn program(&self) -> &str {
        match &self.words {
            ExecWords::Line(line) => line,
            ExecWords::Argv(argv) => &argv[0],
        }
    }
}

impl fmt::Display for ExecCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.words {
            ExecWords::Line(line) => write!(f, "exec {line}"),
            ExecWords::Argv(argv) => write!(f, "exec {}", argv.join(" ")),
        }
    }
}

/// GET of one page, over TCP or a Unix socket.
#[derive(Clone, Debug)]
pub struct HttpCheck {
    pub(super) host: String,
    pub(super) port: u16,
    /// Path and query.
    pub(super) target: String,
    pub(super) socket: Option<PathBuf>,
    pub(super) status: Option<StatusSet>,
    pub(super) json: Json,
    pub(super) source: Value,
}

impl HttpCheck {
    pub(super) fn url(&self) -> String {
        format!("http://{}{}", authority(&self.host, self.port), self.target)
    }
}

/// A function that tells whether the server is there, at once on the thread that waits, or later from another.
#[derive(Clone)]
pub struct FunctionCheck(pub(super) Function);

#[derive(Clone)]
pub(super) enum Function {
    AtOnce(Arc<dyn Fn() -> (Verdict, String) + Send + Sync>),
    Later(Arc<dyn Fn(Reply) + Send + Sync>),
}

impl fmt::Debug for FunctionCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FunctionCheck")
    }
}

impl Check {
    /// A check that is a function: it gives a verdict and a few words about it.
    /// [`Verdict::Dead`] is the only one that allows a start.
    pub fn function(check: impl Fn() -> (Verdict, String) + Send + Sync + 'static) -> Self {
        Check::Function(FunctionCheck(Function::AtOnce(Arc::new(check))))
    }

    /// A check that is a function which only asks: the answer is left in the [`Reply`], on any thread. One that does not come
    /// within the time of a probe is [`Verdict::Busy`].
    pub fn asked(ask: impl Fn(Reply) + Send + Sync + 'static) -> Self {
        Check::Function(FunctionCheck(Function::Later(Arc::new(ask))))
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// `CONFIG` that names `ready` and says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self> {
        Check::from_value(&Value::String(text.to_owned()))
    }

    /// Reads the text or the object form.
    ///
    /// # Errors
    /// `CONFIG` that names `ready` and says what is wrong.
    pub fn from_value(value: &Value) -> Result<Self> {
        match value {
            Value::String(text) => parse::text(text, value),
            Value::Object(fields) => parse::object(fields, value),
            _ => Err(parse::wrong("must be a text, an object or a function")),
        }
    }

    pub(crate) fn endpoint(&self) -> Option<Endpoint> {
        match self {
            Check::Http(HttpCheck { socket: Some(path), .. }) | Check::Unix { path } => Some(Endpoint::Unix(path.clone())),
            Check::Http(HttpCheck { host, port, .. }) => Some(Endpoint::Tcp { scheme: "http", host: host.clone(), port: *port }),
            Check::Tcp { host, port } => Some(Endpoint::Tcp { scheme: "tcp", host: host.clone(), port: *port }),
            Check::Exec(_) | Check::Log(_) | Check::File { .. } | Check::Notify | Check::Function(_) => None,
        }
    }

    /// Whether it looks at what a server of ours left behind.
    pub(super) fn is_about_ours(&self) -> bool {
        matches!(self, Check::Log(_) | Check::File { .. } | Check::Notify)
    }

    /// Whether it is a command, which runs where the server does.
    pub(super) fn runs_there(&self) -> bool {
        matches!(self, Check::Exec(_))
    }

    /// Whether somebody else gives the answer, in his own time.
    pub(crate) fn answers_later(&self) -> bool {
        matches!(self, Check::Function(FunctionCheck(Function::Later(_))))
    }

    /// The check as it can be written into a record; a function cannot.
    pub(crate) fn to_value(&self) -> Option<Value> {
        match self {
            Check::Http(check) => Some(check.source.clone()),
            Check::Exec(ExecCheck { words: ExecWords::Argv(argv) }) => Some(serde_json::json!({ "exec": argv })),
            Check::Exec(ExecCheck { words: ExecWords::Line(line) }) => Some(Value::String(format!("exec:{line}"))),
            Check::Tcp { .. } | Check::Unix { .. } | Check::Log(_) | Check::File { .. } | Check::Notify => {
                Some(Value::String(self.to_string()))
            }
            Check::Function(_) => None,
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Check::Http(HttpCheck { socket: Some(socket), target, .. }) => write!(f, "GET http+unix:{}:{target}", socket.display()),
            Check::Http(check) => write!(f, "GET {}", check.url()),
            Check::Tcp { host, port } => write!(f, "tcp:{}", authority(host, *port)),
            Check::Unix { path } => write!(f, "unix:{}", path.display()),
            Check::Exec(check) => check.fmt(f),
            Check::Log(check) => write!(f, "log:{}", check.pattern),
            Check::File { path } => write!(f, "file:{}", path.display()),
            Check::Notify => f.write_str("notify"),
            Check::Function(_) => f.write_str("function"),
        }
    }
}

/// Something a check can be made from; wrong input is told when the options are checked.
#[derive(Clone, Debug)]
pub struct CheckSource(Source);

#[derive(Clone, Debug)]
enum Source {
    Check(std::result::Result<Check, String>),
    /// Text or an object, in which words may stand for what is known later.
    Written(Value),
}

impl CheckSource {
    /// The check as a file would say it; of a function, that it is one.
    pub(crate) fn to_value(&self) -> Option<Value> {
        match &self.0 {
            Source::Written(value) => Some(value.clone()),
            Source::Check(check) => check.as_ref().ok().map(|check| check.to_value().unwrap_or_else(|| Value::from(check.to_string()))),
        }
    }

    pub(crate) fn read(&self) -> Result<Check> {
        self.read_as(OPTION)
    }

    /// The check, for a call in which the option has another name.
    pub(crate) fn read_as(&self, option: &str) -> Result<Check> {
        match &self.0 {
            Source::Check(check) => check.clone().map_err(|problem| Error::config(option, problem)),
            Source::Written(value) => Check::from_value(value).map_err(|error| Error::config(option, problem(&error))),
        }
    }

    /// The same with every text in it replaced.
    pub(crate) fn filled(&self, fill: &dyn Fn(&str) -> String) -> Self {
        match &self.0 {
            Source::Written(value) => CheckSource(Source::Written(filled(value, fill))),
            Source::Check(_) => self.clone(),
        }
    }

    /// What it was written as; a function was not.
    pub(crate) fn written(&self) -> Option<Value> {
        match &self.0 {
            Source::Written(value) => Some(value.clone()),
            Source::Check(check) => check.as_ref().ok().and_then(Check::to_value),
        }
    }
}

/// What is wrong, without the name of the option.
pub(super) fn problem(error: &Error) -> String {
    error.failure().summary.replacen(&format!("option `{OPTION}` "), "", 1)
}

/// The value with every text in it replaced.
pub(crate) fn filled(value: &Value, fill: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(fill(text)),
        Value::Array(items) => items.iter().map(|item| filled(item, fill)).collect(),
        Value::Object(fields) => fields.iter().map(|(key, item)| (key.clone(), filled(item, fill))).collect(),
        other => other.clone(),
    }
}

impl From<Result<Check>> for CheckSource {
    fn from(check: Result<Check>) -> Self {
        CheckSource(Source::Check(check.map_err(|error| problem(&error))))
    }
}

impl From<Check> for CheckSource {
    fn from(check: Check) -> Self {
        CheckSource(Source::Check(Ok(check)))
    }
}

impl From<&str> for CheckSource {
    fn from(text: &str) -> Self {
        CheckSource(Source::Written(Value::String(text.to_owned())))
    }
}

impl From<String> for CheckSource {
    fn from(text: String) -> Self {
        CheckSource(Source::Written(Value::String(text)))
    }
}

impl From<&Value> for CheckSource {
    fn from(value: &Value) -> Self {
        CheckSource(Source::Written(value.clone()))
    }
}
