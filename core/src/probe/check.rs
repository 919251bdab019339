//! What a check is, as text, as an object and as a function.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

use super::Verdict;
use super::body::{Json, StatusSet};
use super::endpoint::{Endpoint, authority};
use super::parse;
use crate::error::{Error, ErrorCode, Result};

/// One health check. Made from text with [`Check::parse`], from an object with [`Check::from_value`],
/// or from a function with [`Check::function`].
///
/// As text: `http://host:port/path`, `tcp:host:port`, `unix:/path`, `http+unix:/path:/health`.
///
/// As an object: the same text under `http`, `tcp` or `unix`; with `http` also
/// `status` (`200`, `"200-299"`, or a list of these) and
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
    /// A function says so.
    Function(FunctionCheck),
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

/// A function that tells whether the server is there. It runs on the thread that waits.
#[derive(Clone)]
pub struct FunctionCheck(Arc<dyn Fn() -> (Verdict, String) + Send + Sync>);

impl FunctionCheck {
    pub(super) fn call(&self) -> (Verdict, String) {
        (self.0)()
    }
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
        Check::Function(FunctionCheck(Arc::new(check)))
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
            Check::Function(_) => None,
        }
    }

    /// The check as it can be written into a record; a function cannot.
    pub(crate) fn to_value(&self) -> Option<Value> {
        match self {
            Check::Http(check) => Some(check.source.clone()),
            Check::Tcp { .. } | Check::Unix { .. } => Some(Value::String(self.to_string())),
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
        match &self.0 {
            Source::Check(check) => check.clone().map_err(|summary| Error::new(ErrorCode::Config, summary)),
            Source::Written(value) => Check::from_value(value),
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
        CheckSource(Source::Check(check.map_err(|error| error.failure().summary.clone())))
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
