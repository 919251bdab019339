//! GET of a health page.

use std::io::{self, Read};

use serde_json::Value;
use ureq::config::Config;
use ureq::http::Response;
use ureq::{Agent, Body};

use super::body::{Expectation, Reply, judge, text_at};
use super::check::HttpCheck;
use super::transport::{Connected, Resolved, io_error};
use super::{Answer, connect};
use crate::cancel::Patience;

/// As much of a body as is looked at.
const BODY_MOST: usize = 64 * 1024;
/// As much of a body without a stated length as is read to see that it ends.
const DRAIN_MOST: u64 = 1024 * 1024;
/// As many bytes of headers as a server may send.
pub(super) const HEADERS_MOST: usize = 32 * 1024;

/// Asks once. An `Err` is a failed connection, or `InvalidData` for an answer that is no HTTP.
pub(super) fn get(check: &HttpCheck, identity: Option<&Expectation>, version: Option<&str>, patience: &Patience) -> io::Result<Answer> {
    let stream = match &check.socket {
        Some(path) => connect::unix(path, patience)?,
        None => connect::tcp(&check.host, check.port, patience)?,
    };
    let agent = Agent::with_parts(config(), Connected::new(stream), Resolved);
    let request = agent.get(check.url()).header("accept-encoding", "identity").header("connection", "close");
    let response = request.call().map_err(io_error)?;
    let reply = read(response)?;
    let version = version.and_then(|field| text_at(reply.json.as_ref()?, field));
    Ok(Answer { version, ..judge(&reply, check.status.as_ref(), &check.json, identity) })
}

/// No proxy, no redirect, no error for a code: an answer is judged as it came from this very server.
fn config() -> Config {
    Agent::config_builder()
        .proxy(None)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .max_response_header_size(HEADERS_MOST)
        .user_agent(concat!("spawnlock/", env!("CARGO_PKG_VERSION")))
        .build()
}

fn read(response: Response<Body>) -> io::Result<Reply> {
    let code = response.status().as_u16();
    if response.headers().get("content-encoding").is_some_and(|coding| coding != "identity") {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("HTTP {code}, with a compressed body that was not asked for")));
    }
    let body = response.into_body();
    if body.content_length().is_some_and(|length| length > BODY_MOST as u64) {
        return Ok(Reply { code, json: None });
    }
    let mut reader = body.into_reader();
    let mut start = Vec::new();
    let looked_at = (&mut reader).take(BODY_MOST as u64 + 1).read_to_end(&mut start);
    looked_at.map_err(from_body)?;
    if start.len() <= BODY_MOST {
        return Ok(Reply { code, json: serde_json::from_slice::<Value>(&start).ok() });
    }
    match io::copy(&mut reader.take(DRAIN_MOST), &mut io::sink()).map_err(from_body)? {
        DRAIN_MOST => Err(io::Error::new(io::ErrorKind::InvalidData, format!("HTTP {code}, with a body that does not end"))),
        _ => Ok(Reply { code, json: None }),
    }
}

/// ureq wraps its own errors while a body is read; the system's is inside.
fn from_body(error: io::Error) -> io::Error {
    match error.downcast::<ureq::Error>() {
        Ok(error) => io_error(error),
        Err(error) => error,
    }
}
