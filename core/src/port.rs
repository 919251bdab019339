//! The port of a server, and what its words stand for.

use std::path::Path;

use serde_json::Value;

use crate::error::{Error, Result};
use crate::probe::{CheckSource, filled as filled_fields, url_host};
use crate::spec::ServerSpec;

/// The host where none is declared.
pub(crate) const HOST: &str = "localhost";
/// The check where only a port is declared.
const HEALTH_PAGE: &str = "http://{host}:{port}/health";
/// The word for a port that is chosen when the server is started.
const AUTO: &str = "auto";

/// Which port a server gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Port {
    /// This one.
    Number(u16),
    /// A free one, chosen by whoever starts it; the one of the last start where that is free.
    Auto,
}

impl Port {
    /// Reads `auto` or a number.
    ///
    /// # Errors
    /// `CONFIG` for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            AUTO => Ok(Port::Auto),
            number => number.parse().ok().filter(|number| *number > 0).map(Port::Number).ok_or_else(|| wrong(format_args!("`{text}`"))),
        }
    }

    /// Reads a number or the text of one, or `"auto"`.
    ///
    /// # Errors
    /// `CONFIG` for anything else.
    pub fn from_value(value: &Value) -> Result<Self> {
        match value {
            Value::String(text) => Port::parse(text),
            // A number of a language that knows no whole ones.
            Value::Number(number) => Port::parse(&number.as_f64().unwrap_or_default().to_string()),
            other => Err(wrong(other)),
        }
    }

    /// The word for it, which [`parse`](Port::parse) reads.
    pub(crate) fn to_text(self) -> String {
        match self {
            Port::Number(number) => number.to_string(),
            Port::Auto => AUTO.to_owned(),
        }
    }

    /// The number, when it is known before a start.
    pub(crate) fn number(self) -> Option<u16> {
        match self {
            Port::Number(number) => Some(number),
            Port::Auto => None,
        }
    }
}

impl From<u16> for Port {
    fn from(number: u16) -> Self {
        Port::Number(number)
    }
}

fn wrong(what: impl std::fmt::Display) -> Error {
    Error::config("port", format!("is {what}: write a number from 1 to 65535, or `{AUTO}`"))
}

/// What `{port}` and `{host}` stand for.
struct Meaning<'a> {
    port: u16,
    host: &'a str,
}

impl Meaning<'_> {
    fn text(&self, text: &str) -> String {
        text.replace("{port}", &self.port.to_string()).replace("{host}", self.host)
    }

    /// The same in an address, where a host of version 6 stands in brackets.
    fn in_address(&self, text: &str) -> String {
        text.replace("{port}", &self.port.to_string()).replace("{host}", &url_host(self.host))
    }

    fn path(&self, path: &Path) -> std::path::PathBuf {
        path.to_str().map_or_else(|| path.to_owned(), |text| self.text(text).into())
    }
}

impl ServerSpec {
    /// The check that is meant where none is given.
    pub(crate) fn with_usual_check(mut self) -> Self {
        if self.ready.is_empty() && self.port.is_some() {
            self.ready.push(CheckSource::from(HEALTH_PAGE));
        }
        self
    }

    /// The host that is declared, else the usual one.
    pub(crate) fn host_or_usual(&self) -> &str {
        self.host.as_deref().unwrap_or(HOST)
    }

    /// The same spec, with `{port}` and `{host}` replaced wherever they may stand.
    pub(crate) fn filled(&self, port: u16) -> Self {
        let meaning = Meaning { port, host: self.host_or_usual() };
        ServerSpec {
            command: self.command.iter().map(|word| meaning.text(word)).collect(),
            shell: self.shell.as_deref().map(|line| meaning.text(line)),
            cwd: self.cwd.as_deref().map(|dir| meaning.path(dir)),
            env: self.env.iter().map(|(key, value)| (key.clone(), meaning.text(value))).collect(),
            ready: self.ready.iter().map(|check| check.filled(&|text| meaning.in_address(text))).collect(),
            identity: self.identity.clone().map(|fields| filled_fields(&fields, &|text| meaning.text(text))),
            listen: self.listen.iter().map(|listening| listening.filled(&|text| meaning.in_address(text))).collect(),
            log: self.log.as_deref().map(|log| meaning.path(log)),
            ..self.clone()
        }
    }
}
