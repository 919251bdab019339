//! The checks of a server that somebody else runs.

use super::check::{Check, HttpCheck, problem};
use super::endpoint::split_authority;
use crate::error::{Error, Result};

/// The ports of services that are usually named without one.
const PORTS: &[(&str, u16)] = &[
    ("http", 80),
    ("ws", 80),
    ("https", 443),
    ("wss", 443),
    ("mysql", 3306),
    ("postgres", 5432),
    ("postgresql", 5432),
    ("amqp", 5672),
    ("redis", 6379),
    ("mongodb", 27017),
];

impl Check {
    /// The same checks for the server at `url`, which a variable names: the declared pages there, where it is the address of
    /// a server over HTTP without a page; else the page itself, or whether a connection is accepted.
    pub(crate) fn elsewhere(checks: Vec<Check>, variable: &str, url: &str) -> Result<Vec<Check>> {
        let text = match url.split_once("://") {
            Some((scheme, rest)) if scheme != "http" && !scheme.contains("unix") && !scheme.contains("tcp") => {
                connection(scheme, rest, variable, url)?
            }
            _ => url.to_owned(),
        };
        let at = Check::parse(&text).map_err(|error| Error::config(variable, problem(&error)))?;
        let pages: Vec<Check> = match &at {
            Check::Http(at) if at.target == "/" && at.socket.is_none() => checks.into_iter().filter_map(|check| moved(check, at)).collect(),
            _ => Vec::new(),
        };
        Ok(if pages.is_empty() { vec![at] } else { pages })
    }
}

/// A page of ours, at the other address.
fn moved(check: Check, at: &HttpCheck) -> Option<Check> {
    match check {
        Check::Http(check) => Some(Check::Http(HttpCheck { host: at.host.clone(), port: at.port, socket: None, ..check })),
        _ => None,
    }
}

/// The check that an address of another kind accepts connections.
fn connection(scheme: &str, rest: &str, variable: &str, url: &str) -> Result<String> {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if split_authority(host).is_ok() {
        return Ok(format!("tcp:{host}"));
    }
    match PORTS.iter().find(|(known, _)| *known == scheme) {
        Some((_, port)) if !host.is_empty() => Ok(format!("tcp:{host}:{port}")),
        _ => Err(Error::config(variable, format_args!("is `{url}`, which has no port"))),
    }
}

#[cfg(test)]
mod tests {
    use super::Check;

    #[test]
    fn the_declared_page_is_asked_at_the_other_address() {
        let moved = |checks: &[&str], url| {
            let checks = checks.iter().map(|check| Check::parse(check).unwrap()).collect();
            Check::elsewhere(checks, "SPAWNLOCK_API_URL", url).unwrap().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        let health = "http://localhost:1987/health";
        assert_eq!(moved(&[health, "tcp:localhost:1987"], "http://ci:80"), "GET http://ci:80/health");
        assert_eq!(moved(&[health], "http://ci:80/up"), "GET http://ci:80/up");
        assert_eq!(moved(&[], "http://ci:80"), "GET http://ci:80/");
        assert_eq!(moved(&["tcp:localhost:5432"], "postgres://me:secret@db/data"), "tcp:db:5432");
        assert_eq!(moved(&[health], "https://example.org/x"), "tcp:example.org:443");
        assert!(Check::elsewhere(Vec::new(), "SPAWNLOCK_API_URL", "ftp://host/x").is_err());
    }
}
