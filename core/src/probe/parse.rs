//! The text and the object form of a check.

use std::fmt;
use std::path::PathBuf;

use regex_lite::Regex;
use serde_json::{Map, Value};

use super::body::{Expectation, Json, StatusSet};
use super::check::{Check, ExecCheck, ExecWords, HttpCheck, OPTION, problem};
use super::endpoint::{authority, split_authority};
use super::log::LogCheck;
use crate::error::{Error, Result};
use crate::sys;

/// `identity`: the fields by which the answer is known as ours.
pub(crate) fn identity(value: &Value) -> Result<Expectation> {
    Expectation::read(value).ok_or_else(|| Error::config("identity", "must be an object of fields and the values they must have"))
}

pub(super) fn wrong(problem: impl fmt::Display) -> Error {
    Error::config(OPTION, problem)
}

pub(super) fn text(text: &str, source: &Value) -> Result<Check> {
    if let Some(rest) = text.strip_prefix("http://unix:").or_else(|| text.strip_prefix("http-get://unix:")) {
        return http_unix(rest, text, source);
    }
    if let Some(rest) = text.strip_prefix("http://").or_else(|| text.strip_prefix("http-get://")) {
        return http(rest, text, source);
    }
    if let Some(rest) = text.strip_prefix("http+unix:") {
        return http_unix(rest, text, source);
    }
    if let Some(rest) = text.strip_prefix("tcp:") {
        let rest = rest.trim_start_matches('/');
        let authority = if rest.parse::<u16>().is_ok() { format!("localhost:{rest}") } else { rest.to_owned() };
        let (host, port) = split_authority(&authority).map_err(|problem| wrong(format!("is `{text}`: {problem}")))?;
        return Ok(Check::Tcp { host, port });
    }
    if let Some(rest) = text.strip_prefix("unix:").or_else(|| text.strip_prefix("socket:")) {
        return Ok(Check::Unix { path: socket_path(rest, text)? });
    }
    if let Some(check) = of_the_machine(text) {
        return check;
    }
    if text.starts_with("https://") || text.starts_with("https-get://") {
        return Err(wrong(format!("is `{text}`: this build speaks no TLS; use `tcp:host:port`, or the plain page of the server")));
    }
    Err(wrong(format!(
        "is `{text}`: write http://host:port/path, tcp:host:port, unix:/path, http+unix:/path:/page, exec:command, log:pattern, file:/path or notify"
    )))
}

/// The forms that have no address: `None` for any other.
fn of_the_machine(text: &str) -> Option<Result<Check>> {
    if text == "notify" {
        return Some(Ok(Check::Notify));
    }
    let (scheme, rest) = text.split_once(':')?;
    match scheme {
        "exec" => Some(exec(ExecWords::Line(rest.trim().to_owned()), text)),
        "log" => Some(log(rest)),
        "file" => Some(file(rest, text)),
        _ => None,
    }
}

fn exec(words: ExecWords, text: &str) -> Result<Check> {
    let (first, zero) = match &words {
        ExecWords::Line(line) => (Some(line), line.contains('\0')),
        ExecWords::Argv(argv) => (argv.first(), argv.iter().any(|word| word.contains('\0'))),
    };
    if first.is_none_or(String::is_empty) {
        return Err(wrong(format!("is `{text}`: it names no command")));
    }
    if zero {
        return Err(wrong("has a zero byte in the command of `exec`"));
    }
    Ok(Check::Exec(ExecCheck { words }))
}

fn log(pattern: &str) -> Result<Check> {
    if pattern.is_empty() {
        return Err(wrong("is `log:`: it has no pattern, and would match any line"));
    }
    match Regex::new(pattern) {
        Ok(pattern) => Ok(Check::Log(LogCheck::new(pattern))),
        Err(problem) => Err(wrong(format!("is `log:{pattern}`: {problem}"))),
    }
}

fn file(path: &str, text: &str) -> Result<Check> {
    let path = written_path(path);
    if path.is_empty() || path.contains('\0') {
        return Err(wrong(format!("is `{text}`: it names no file")));
    }
    Ok(Check::File { path: path.into() })
}

pub(super) fn object(fields: &Map<String, Value>, source: &Value) -> Result<Check> {
    let known = ["http", "tcp", "unix", "exec", "log", "file", "status", "json"];
    if let Some(unknown) = fields.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(wrong(format!("has the unknown field `{unknown}`; known are {}", known.join(", "))));
    }
    let named =
        |key: &str| fields.get(key).map(|value| value.as_str().ok_or_else(|| wrong(format!("needs a text in `{key}`")))).transpose();
    let kinds = ["http", "tcp", "unix", "exec", "log", "file"];
    let mut check = match kinds.into_iter().filter(|kind| fields.contains_key(*kind)).collect::<Vec<_>>()[..] {
        ["exec"] if fields["exec"].is_array() => exec(ExecWords::Argv(words_of(&fields["exec"])?), "exec")?,
        ["http"] => text(named("http")?.unwrap_or_default(), source)?,
        // A pattern may begin with any word.
        ["log"] => log(named("log")?.unwrap_or_default())?,
        [kind] => text(&with_scheme(&format!("{kind}:"), named(kind)?.unwrap_or_default()), source)?,
        _ => return Err(wrong("must have exactly one of `http`, `tcp`, `unix`, `exec`, `log` and `file`")),
    };
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

fn words_of(list: &Value) -> Result<Vec<String>> {
    let words = list.as_array().into_iter().flatten().map(|word| word.as_str().map(str::to_owned));
    words.collect::<Option<_>>().ok_or_else(|| wrong("needs in `exec` a text, or a list of texts"))
}

fn with_scheme(scheme: &str, text: &str) -> String {
    if text.starts_with(scheme) { text.to_owned() } else { format!("{scheme}{text}") }
}

fn http(rest: &str, text: &str, source: &Value) -> Result<Check> {
    let at = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at(at);
    if authority.contains('@') {
        return Err(wrong(format!("is `{text}`: a user name in the address is not supported")));
    }
    let (host, port) = match split_authority(authority) {
        Err(_) if authority.ends_with(']') || (!authority.is_empty() && !authority.contains(':')) => {
            (authority.trim_matches(['[', ']']).to_owned(), 80)
        }
        parts => parts.map_err(|problem| wrong(format!("is `{text}`: {problem}")))?,
    };
    let target = target.split('#').next().unwrap_or_default();
    let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
    http_check(host, port, target, None, text, source)
}

fn http_unix(rest: &str, text: &str, source: &Value) -> Result<Check> {
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

/// The path in `unix:/path`, where `listen` says so.
pub(crate) fn listened_path(text: &str) -> Result<PathBuf> {
    let problem = match self::text(text, &Value::Null) {
        Ok(Check::Unix { path }) => return Ok(path),
        Ok(_) => "is no path of a socket".to_owned(),
        Err(error) => problem(&error),
    };
    Err(Error::config("listen", problem))
}

/// The path in `word:path`, or in `word://path`. Of the slashes that begin it one is left: with two it would be another path once it was
/// written down and read again.
fn written_path(text: &str) -> &str {
    let path = text.strip_prefix("//").unwrap_or(text);
    let slashes = path.len() - path.trim_start_matches('/').len();
    &path[slashes.saturating_sub(1)..]
}

fn socket_path(path: &str, text: &str) -> Result<PathBuf> {
    let path = PathBuf::from(written_path(path));
    if !path.is_absolute() {
        return Err(wrong(format!("is `{text}`: the path of a socket must be absolute")));
    }
    if !sys::unix_path_fits(&path) {
        return Err(wrong(format!("is `{text}`: a socket's path has at most 103 bytes, this one has {}", path.as_os_str().len())));
    }
    Ok(path)
}
