//! `server-init status`.

use serde::Serialize;
use spawnlock::{Ended, ErrorCode, Holder, State, StateDir, Status, Verdict};

use crate::args::{self, Common};
use crate::exit;
use crate::facts::{ListFacts, StatusFacts, path, time};
use crate::output::{Output, say};
use crate::trouble::Result;

pub fn run(args: &args::Status, common: &Common, output: &Output) -> Result<u8> {
    let dir = StateDir::new(common.state_dir.as_deref())?;
    match &args.name {
        Some(name) => one(&dir.status(name)?, args, output),
        None => all(&dir.list()?, output),
    }
}

/// The status of one name; what runs no server has a code as well.
#[derive(Serialize)]
struct One<'a> {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<ErrorCode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(flatten)]
    status: StatusFacts,
}

fn one(status: &Status, args: &args::Status, output: &Output) -> Result<u8> {
    let running = status.state == State::Running;
    let message = (!running).then(|| format!("server \"{}\" is {}", status.name, status.state.as_str()));
    if args.print.is_empty() {
        let code = (!running).then_some(ErrorCode::NotRunning);
        output.result(block(status), &One { ok: running, code, message: message.as_deref(), status: StatusFacts::from(status) })?;
    } else if let Some(message) = &message {
        say(message);
    } else {
        output.facts(&args.print, &status.name, |fact| fact.of_status(status))?;
    }
    Ok(if running { exit::OK } else { exit::NOT_RUNNING })
}

fn all(known: &[Status], output: &Output) -> Result<u8> {
    let alive: Vec<Status> = known.iter().filter(|status| status.state != State::Stopped).cloned().collect();
    let running = alive.iter().any(|status| status.state == State::Running);
    let text = match alive.is_empty() {
        true => "no server is running".to_owned(),
        false => alive.iter().map(block).collect::<Vec<_>>().join("\n\n"),
    };
    output.result(text, &ListFacts::new(running, &alive))?;
    Ok(if running { exit::OK } else { exit::NOT_RUNNING })
}

/// One name in lines: what is not known has none.
fn block(status: &Status) -> String {
    let mut lines = vec![format!("{}: {}", status.name, state(status))];
    let mut add = |word: &str, value: Option<String>| {
        if let Some(value) = value {
            lines.push(format!("  {word:<9}{value}"));
        }
    };
    add("url", status.url.clone());
    add("pid", status.pid.map(|pid| pid.to_string()));
    add("started", status.started_at_ms.map(|ms| started(status, ms)));
    add("version", status.version.clone());
    add("because", status.restarted_because.clone());
    add("ended", status.ended.as_ref().map(ended));
    add("leases", Some(status.leases.iter().map(Holder::to_string).collect::<Vec<_>>().join("; ")).filter(|text| !text.is_empty()));
    add("log", status.log_file.as_deref().map(path));
    add("lock", status.holder.as_ref().map(|holder| format!("held by {holder}")));
    add("failure", status.last_failure.as_ref().map(|failure| format!("{} [{}]", failure.summary, failure.code)));
    lines.join("\n")
}

/// `running, ready`: what lives, and what its checks say.
pub fn state(status: &Status) -> String {
    match status.health {
        Some(Verdict::Ready) | None => status.state.as_str().to_owned(),
        Some(health) if health.as_str() == status.state.as_str() => health.as_str().to_owned(),
        Some(health) => format!("{}, {}", status.state.as_str(), health.as_str()),
    }
}

/// `exited with code 3 at … (start 2)`.
fn ended(ended: &Ended) -> String {
    let how = match (ended.exit_code, &ended.signal) {
        (Some(code), _) => format!(" with code {code}"),
        (None, Some(signal)) => format!(" by {signal}"),
        (None, None) => String::new(),
    };
    format!("{}{how} at {} (start {})", ended.reason.as_str(), time(ended.ended_at_ms), ended.generation)
}

fn started(status: &Status, ms: u64) -> String {
    let took = status.ready_ms.map(|ms| format!(", ready after {ms} ms")).unwrap_or_default();
    format!("{} (start {}{took})", time(ms), status.generation)
}
