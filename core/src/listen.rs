//! The addresses on which a server's starter listens in its stead.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::{Error, Result};
use crate::probe::{Check, Endpoint, endpoint_of, socket_path};

/// One address to listen on, as it was written, with the name by which the server knows it.
#[derive(Clone, Debug)]
pub struct Listening(std::result::Result<Written, String>);

#[derive(Clone, Debug)]
struct Written {
    name: Option<String>,
    address: String,
}

/// One address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listen {
    /// What it is called in `LISTEN_FDNAMES`.
    pub(crate) name: String,
    pub(crate) at: At,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum At {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl Listening {
    /// An address with a name of its own, for `LISTEN_FDNAMES`. Without, it is called `tcp` or `unix`.
    pub fn named(name: impl Into<String>, address: impl Into<String>) -> Self {
        Listening(Ok(Written { name: Some(name.into()), address: address.into() }))
    }

    /// Reads an address, a list of them, or an object of names and addresses, which come in the order of their names.
    pub fn from_value(value: &Value) -> Vec<Self> {
        match value {
            Value::Array(items) => items.iter().flat_map(Listening::from_value).collect(),
            Value::Object(fields) => fields
                .iter()
                .map(|(name, address)| match address {
                    Value::String(address) => Listening::named(name, address),
                    other => Listening(Err(format!("is {other} for `{name}`: {HOW}"))),
                })
                .collect(),
            Value::String(text) => vec![Listening::from(text.as_str())],
            other => vec![Listening(Err(format!("is {other}: {HOW}")))],
        }
    }

    pub(crate) fn filled(&self, fill: &dyn Fn(&str) -> String) -> Self {
        Listening(self.0.clone().map(|written| Written { address: fill(&written.address), ..written }))
    }

    /// What can be written into a record and be read again.
    pub(crate) fn to_text(&self) -> Option<String> {
        let Written { name, address } = self.0.as_ref().ok()?;
        Some(name.as_ref().map_or_else(|| address.clone(), |name| format!("{name}={address}")))
    }

    /// Whether it asks for the port that is chosen at the start.
    pub(crate) fn asks_for_chosen(&self) -> bool {
        self.0.as_ref().is_ok_and(|written| is_chosen(&written.address) || written.address.contains("{port}"))
    }

    /// The address; `chosen` is the port of the server, when that is chosen at the start, and `host` the one it is reached at.
    pub(crate) fn read(&self, chosen: Option<u16>, host: &str) -> Result<Listen> {
        let Written { name, address } = self.0.as_ref().map_err(|problem| Error::config("listen", problem))?;
        let (usual, at) = match (address.strip_prefix("tcp:"), address.strip_prefix("unix:")) {
            (Some(rest), _) => ("tcp", At::Tcp(tcp(rest.trim_start_matches('/'), address, chosen, host)?)),
            (None, Some(_)) => ("unix", At::Unix(socket_path(address)?)),
            (None, None) => return Err(wrong(address, HOW)),
        };
        let name = name.clone().unwrap_or_else(|| usual.to_owned());
        if name.is_empty() || name.len() > 255 || name.contains([':', '=']) || name.chars().any(char::is_control) {
            return Err(Error::config("listen", format!("has the name `{}`, in which stands `:`, `=` or nothing", name.escape_debug())));
        }
        Ok(Listen { name, at })
    }
}

const HOW: &str = "write tcp:port, tcp:host:port or unix:/path";

impl From<&str> for Listening {
    /// `tcp:port`, `tcp:host:port` or `unix:/path`, with `NAME=` before it where it has one.
    fn from(text: &str) -> Self {
        match text.split_once('=').filter(|(name, _)| !name.contains([':', '/'])) {
            Some((name, address)) => Listening::named(name, address),
            None => Listening(Ok(Written { name: None, address: text.to_owned() })),
        }
    }
}

impl From<String> for Listening {
    fn from(text: String) -> Self {
        Listening::from(text.as_str())
    }
}

impl Listen {
    fn endpoint(&self) -> Endpoint {
        match &self.at {
            At::Tcp(address) => endpoint_of("tcp", &address.ip().to_string(), address.port()),
            At::Unix(path) => Endpoint::Unix(path.clone()),
        }
    }

    /// Whether a mere connection would be taken for this server's word: the kernel accepts it before there is a server.
    pub(crate) fn fools(&self, check: &Check) -> bool {
        matches!(check, Check::Tcp { .. } | Check::Unix { .. }) && check.endpoint().is_some_and(|asked| asked.same_as(&self.endpoint()))
    }

    /// Whether it listens where this endpoint is.
    pub(crate) fn is_at(&self, endpoint: &Endpoint) -> bool {
        self.endpoint().same_as(endpoint)
    }

    pub(crate) fn socket_file(&self) -> Option<&Path> {
        match &self.at {
            At::Unix(path) => Some(path),
            At::Tcp(_) => None,
        }
    }
}

impl std::fmt::Display for Listen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.at {
            At::Tcp(address) => write!(f, "tcp:{address}"),
            At::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

fn is_chosen(address: &str) -> bool {
    address.starts_with("tcp:") && address.rsplit(':').next().is_some_and(|port| matches!(port, "0" | "auto"))
}

fn tcp(rest: &str, whole: &str, chosen: Option<u16>, host: &str) -> Result<SocketAddr> {
    let (host, port) = rest.rsplit_once(':').unwrap_or((host, rest));
    let port = match (is_chosen(whole), chosen) {
        (true, Some(port)) => port,
        (true, None) => return Err(wrong(whole, "say port `auto` as well, so that the others find the port that is chosen")),
        (false, _) => port.parse().ok().filter(|port| *port > 0).ok_or_else(|| wrong(whole, format_args!("`{port}` is no port")))?,
    };
    let host = host.trim_matches(['[', ']']);
    let ip = if host.eq_ignore_ascii_case("localhost") { Ok(IpAddr::V4(Ipv4Addr::LOCALHOST)) } else { host.parse() };
    ip.map(|ip| SocketAddr::new(ip, port)).map_err(|_| wrong(whole, "the host must be an IP address or localhost"))
}

fn wrong(address: &str, problem: impl std::fmt::Display) -> Error {
    Error::config("listen", format!("is `{address}`: {problem}"))
}
