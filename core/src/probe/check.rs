//! What a check is, as text, as an object and as a function.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::Verdict;
use super::body::{Expectation, Json, StatusSet};
use crate::error::{Error, Result};
use crate::sys;

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
    source: Value,
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

/// Where a server answers: what makes two callers of one name agree or conflict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Tcp { scheme: &'static str, host: String, port: u16 },
    Unix(PathBuf),
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
            Value::String(text) => parse_text(text, value),
            Value::Object(fields) => parse_object(fields, value),
            _ => Err(wrong("must be a text, an object or a function")),
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

impl Endpoint {
    /// Whether a caller who means `other` means this server. The names and addresses of this machine are one.
    pub(crate) fn same_as(&self, other: &Endpoint) -> bool {
        match (self, other) {
            (Endpoint::Unix(one), Endpoint::Unix(two)) => one == two,
            (Endpoint::Tcp { host: one, port, .. }, Endpoint::Tcp { host: two, port: other, .. }) => {
                port == other && (one.eq_ignore_ascii_case(two) || (is_loopback(one) && is_loopback(two)))
            }
            _ => false,
        }
    }

    pub(crate) fn host(&self) -> Option<&str> {
        match self {
            Endpoint::Tcp { host, .. } => Some(host),
            Endpoint::Unix(_) => None,
        }
    }

    pub(crate) fn port(&self) -> Option<u16> {
        match self {
            Endpoint::Tcp { port, .. } => Some(*port),
            Endpoint::Unix(_) => None,
        }
    }

    /// The name of a server that was given none: `localhost_1987`.
    pub(crate) fn default_name(&self) -> String {
        match self {
            Endpoint::Tcp { host, port, .. } => format!("{host}_{port}"),
            Endpoint::Unix(path) => path.display().to_string(),
        }
    }

    /// Reads what [`Display`](fmt::Display) wrote.
    pub(crate) fn read(text: &str) -> Option<Endpoint> {
        if let Some(path) = text.strip_prefix("unix:") {
            return Some(Endpoint::Unix(path.into()));
        }
        let (scheme, rest) = text.split_once("://")?;
        let (host, port) = split_authority(rest).ok()?;
        Some(Endpoint::Tcp { scheme: if scheme == "http" { "http" } else { "tcp" }, host, port })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Tcp { scheme, host, port } => write!(f, "{scheme}://{}", authority(host, *port)),
            Endpoint::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Something a check can be made from; wrong input is told when the options are checked.
#[derive(Clone, Debug)]
pub struct CheckSource(std::result::Result<Check, String>);

impl CheckSource {
    pub(crate) fn read(&self) -> Result<Check> {
        self.0.clone().map_err(|summary| Error::new(crate::ErrorCode::Config, summary))
    }
}

impl From<Result<Check>> for CheckSource {
    fn from(check: Result<Check>) -> Self {
        CheckSource(check.map_err(|error| error.failure().summary.clone()))
    }
}

impl From<Check> for CheckSource {
    fn from(check: Check) -> Self {
        CheckSource(Ok(check))
    }
}

impl From<&str> for CheckSource {
    fn from(text: &str) -> Self {
        Check::parse(text).into()
    }
}

impl From<String> for CheckSource {
    fn from(text: String) -> Self {
        Check::parse(&text).into()
    }
}

impl From<&Value> for CheckSource {
    fn from(value: &Value) -> Self {
        Check::from_value(value).into()
    }
}

/// `identity`: the fields by which the answer is known as ours.
pub(crate) fn parse_identity(value: &Value) -> Result<Expectation> {
    Expectation::read(value).ok_or_else(|| Error::config("identity", "must be an object of fields and the values they must have"))
}

fn wrong(problem: impl fmt::Display) -> Error {
    Error::config("ready", problem)
}

fn parse_text(text: &str, source: &Value) -> Result<Check> {
    if let Some(rest) = text.strip_prefix("http://") {
        return parse_http(rest, text, source);
    }
    if let Some(rest) = text.strip_prefix("http+unix:") {
        return parse_http_unix(rest, text, source);
    }
    if let Some(rest) = text.strip_prefix("tcp:") {
        let (host, port) = split_authority(rest.trim_start_matches('/')).map_err(|problem| wrong(format!("is `{text}`: {problem}")))?;
        return Ok(Check::Tcp { host, port });
    }
    if let Some(rest) = text.strip_prefix("unix:") {
        return Ok(Check::Unix { path: socket_path(rest, text)? });
    }
    if text.starts_with("https://") {
        return Err(wrong(format!("is `{text}`: this build speaks no TLS; use `tcp:host:port`, or the plain page of the server")));
    }
    Err(wrong(format!("is `{text}`: write http://host:port/path, tcp:host:port, unix:/path or http+unix:/path:/page")))
}

fn parse_object(fields: &Map<String, Value>, source: &Value) -> Result<Check> {
    let known = ["http", "tcp", "unix", "status", "json"];
    if let Some(unknown) = fields.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(wrong(format!("has the unknown field `{unknown}`; known are {}", known.join(", "))));
    }
    let named =
        |key: &str| fields.get(key).map(|value| value.as_str().ok_or_else(|| wrong(format!("needs a text in `{key}`")))).transpose();
    let text = match (named("http")?, named("tcp")?, named("unix")?) {
        (Some(http), None, None) => http.to_owned(),
        (None, Some(tcp), None) => with_scheme("tcp:", tcp),
        (None, None, Some(unix)) => with_scheme("unix:", unix),
        _ => return Err(wrong("must have exactly one of `http`, `tcp` and `unix`")),
    };
    let mut check = parse_text(&text, source)?;
    let (status, json) = (fields.get("status"), fields.get("json"));
    match &mut check {
        Check::Http(check) => {
            check.status = status
                .map(|value| {
                    StatusSet::read(value).ok_or_else(|| wrong("needs in `status` a number, a range `\"200-299\"` or a list of these"))
                })
                .transpose()?;
            check.json = json
                .map_or(Some(Json::Auto), Json::read)
                .ok_or_else(|| wrong("needs in `json` \"auto\", false, or an object of fields and values"))?;
        }
        _ if status.or(json).is_some() => return Err(wrong("can have `status` and `json` only with `http`")),
        _ => {}
    }
    Ok(check)
}

fn with_scheme(scheme: &str, text: &str) -> String {
    if text.starts_with(scheme) { text.to_owned() } else { format!("{scheme}{text}") }
}

fn parse_http(rest: &str, text: &str, source: &Value) -> Result<Check> {
    let at = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at(at);
    if authority.contains('@') {
        return Err(wrong(format!("is `{text}`: a user name in the address is not supported")));
    }
    let (host, port) = match split_authority(authority) {
        Err(_) if !authority.is_empty() && !authority.contains(':') => (authority.to_owned(), 80),
        parts => parts.map_err(|problem| wrong(format!("is `{text}`: {problem}")))?,
    };
    let target = target.split('#').next().unwrap_or_default();
    let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
    http_check(host, port, target, None, text, source)
}

fn parse_http_unix(rest: &str, text: &str, source: &Value) -> Result<Check> {
    let Some((path, page)) = rest.rsplit_once(":/") else {
        return Err(wrong(format!("is `{text}`: write http+unix:/path/of/socket:/page")));
    };
    let socket = socket_path(path, text)?;
    http_check("localhost".to_owned(), 80, format!("/{page}"), Some(socket), text, source)
}

fn http_check(host: String, port: u16, target: String, socket: Option<PathBuf>, text: &str, source: &Value) -> Result<Check> {
    let address = format!("http://{}{target}", authority(&host, port));
    if let Err(problem) = address.parse::<ureq::http::Uri>() {
        return Err(wrong(format!("is `{text}`: {problem}")));
    }
    Ok(Check::Http(HttpCheck { host, port, target, socket, status: None, json: Json::Auto, source: source.clone() }))
}

fn socket_path(path: &str, text: &str) -> Result<PathBuf> {
    let path = PathBuf::from(path.strip_prefix("//").unwrap_or(path));
    if !path.is_absolute() {
        return Err(wrong(format!("is `{text}`: the path of a socket must be absolute")));
    }
    if !sys::unix_path_fits(&path) {
        return Err(wrong(format!("is `{text}`: a socket's path has at most 103 bytes, this one has {}", path.as_os_str().len())));
    }
    Ok(path)
}

/// `host:port`, `[v6]:port`.
fn split_authority(text: &str) -> std::result::Result<(String, u16), String> {
    let (host, port) = text.rsplit_once(':').ok_or("it has no port")?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let port = port.parse().ok().filter(|port| *port > 0).ok_or_else(|| format!("`{port}` is no port"))?;
    if host.is_empty() || host.contains(['/', '[', ']', ' ']) {
        return Err(format!("`{host}` is no host"));
    }
    Ok((host.to_owned(), port))
}

fn authority(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback() || address.is_unspecified())
}
