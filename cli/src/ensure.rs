//! `server-init ensure`.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};
use spawnlock::{
    CheckSource, Kick, LockKind, OnLockUnavailable, OnMismatch, Reuse, Server, ServerSpec, State, StopSignal, Unresponsive, duration,
};

use crate::args::{Common, Ensure};
use crate::exit;
use crate::facts::{Fact, ServerFacts};
use crate::legacy::Legacy;
use crate::output::Output;
use crate::progress::Progress;
use crate::signals;
use crate::trouble::{Result, Trouble};

/// The page that is asked for when only a port is given.
const HEALTH: &str = "/health";
const HOST: &str = "localhost";

pub fn run(args: Ensure, common: &Common, output: &Output) -> Result<u8> {
    let progress = Progress::new(common);
    let (no_wait, print, name) = (args.no_wait, args.print.clone(), args.name.clone());
    let spec = spec(args, common, &progress)?.cancel(signals::cancel()).on_event(progress.listener());
    if no_wait {
        let kick = spec.kick();
        progress.clear();
        return report_kick(&kick?, &print, name.as_deref(), output);
    }
    let server = spec.ensure();
    progress.clear();
    report(&server?, &print, output)
}

/// A server that was got: `ok`, or what was asked for.
pub fn report(server: &Server, print: &[Fact], output: &Output) -> Result<u8> {
    match print {
        [] => output.result("ok", &ServerFacts::from(server))?,
        facts => output.facts(facts, server.name(), |fact| fact.of_server(server))?,
    }
    Ok(exit::OK)
}

/// A server that was not waited for.
#[derive(Serialize)]
struct Kicked<'a> {
    ok: bool,
    name: Option<&'a str>,
    state: &'static str,
    pid: Option<u32>,
    origin: Option<&'static str>,
}

fn report_kick(kick: &Kick, print: &[Fact], name: Option<&str>, output: &Output) -> Result<u8> {
    let (pid, origin) = match kick {
        Kick::Running(server) => return report(server, print, output),
        Kick::Started { pid } => (Some(*pid), Some(spawnlock::Origin::Started.as_str())),
        _ => (None, None),
    };
    let state = State::Starting.as_str();
    match print {
        [] => output.result("ok", &Kicked { ok: true, name, state, pid, origin })?,
        facts => output.facts(facts, name.unwrap_or("of this address"), |fact| match fact {
            Fact::Name => name.map(str::to_owned),
            Fact::State => Some(state.to_owned()),
            Fact::Pid => pid.map(|pid| pid.to_string()),
            Fact::Origin => origin.map(str::to_owned),
            _ => None,
        })?,
    }
    Ok(exit::OK)
}

/// The command line as a spec. Checks and defaults are the core's; here, text becomes values.
fn spec(args: Ensure, common: &Common, progress: &Progress) -> Result<ServerSpec> {
    let legacy = args.env_prefix.as_deref().map(|prefix| Legacy::read(prefix, progress)).transpose()?.unwrap_or_default();
    let mut spec = match args.name {
        Some(name) => ServerSpec::new(name),
        None => ServerSpec::unnamed(),
    };
    for check in checks(args.ready, args.host, args.port.or(legacy.port))? {
        spec = spec.ready(check);
    }
    for pair in &args.env {
        let (key, value) = key_and_value("--env", pair)?;
        spec = spec.env(key, value);
    }
    if !args.identity.is_empty() {
        spec = spec.identity(identity(&args.identity)?);
    }
    if let Some(kind) = &args.lock {
        spec = spec.lock(LockKind::parse(kind)?);
    }
    spec = with(spec, args.lock_file, ServerSpec::lock_file);
    if let Some(what) = &args.on_lock_unavailable {
        spec = spec.on_lock_unavailable(OnLockUnavailable::parse(what)?);
    }
    let timeout = time("--timeout", args.timeout)?.or(legacy.timeout);
    let umask = args.umask.as_deref().map(umask).transpose()?;
    spec = spec.command(args.argv).inherit_env(!args.clean_env);
    spec = with(spec, args.shell, ServerSpec::shell);
    spec = with(spec, args.cwd, ServerSpec::cwd);
    spec = with(spec, umask, ServerSpec::umask);
    spec = with(spec, timeout, ServerSpec::timeout);
    spec = with(spec, time("--probe-timeout", args.probe_timeout)?, ServerSpec::probe_timeout);
    spec = with(spec, args.log, ServerSpec::log);
    spec = with(spec, args.tail_lines, ServerSpec::tail_lines);
    spec = with(spec, time("--lock-patience", args.lock_patience)?, ServerSpec::lock_patience);
    spec = with(spec, time("--stop-timeout", args.stop_timeout)?, ServerSpec::stop_timeout);
    if let Some(signal) = &args.stop_signal {
        spec = spec.stop_signal(StopSignal::parse(signal)?);
    }
    if let Some(reuse) = &args.reuse {
        spec = spec.reuse(Reuse::parse(reuse)?);
    }
    if let Some(what) = &args.on_mismatch {
        spec = spec.on_mismatch(OnMismatch::parse(what)?);
    }
    if let Some(what) = &args.unresponsive {
        spec = spec.unresponsive(Unresponsive::parse(what)?);
    }
    spec = with(spec, args.version, ServerSpec::version);
    spec = with(spec, args.version_field, ServerSpec::version_field);
    Ok(with(spec, common.state_dir.clone(), ServerSpec::state_dir))
}

/// Sets an option that was given.
fn with<T>(spec: ServerSpec, value: Option<T>, set: impl FnOnce(ServerSpec, T) -> ServerSpec) -> ServerSpec {
    match value {
        Some(value) => set(spec, value),
        None => spec,
    }
}

/// A time with its unit.
pub fn time(flag: &str, text: Option<String>) -> Result<Option<Duration>> {
    Ok(text.map(|text| duration(flag, &text)).transpose()?)
}

/// What `--ready` says; without it, the usual health page at the port.
fn checks(ready: Vec<String>, host: Option<String>, port: Option<u16>) -> Result<Vec<CheckSource>> {
    match (host, port) {
        _ if !ready.is_empty() => ready.into_iter().map(check).collect(),
        (host, Some(port)) => Ok(vec![CheckSource::from(address(host.as_deref().unwrap_or(HOST), port))]),
        (Some(_), None) => Err(Trouble::usage("--host", "needs a --port as well")),
        (None, None) => Ok(Vec::new()),
    }
}

fn address(host: &str, port: u16) -> String {
    let bare_v6 = host.contains(':') && !host.starts_with('[');
    if bare_v6 { format!("http://[{host}]:{port}{HEALTH}") } else { format!("http://{host}:{port}{HEALTH}") }
}

fn check(text: String) -> Result<CheckSource> {
    if !text.trim_start().starts_with('{') {
        return Ok(CheckSource::from(text));
    }
    let object: Value =
        serde_json::from_str(&text).map_err(|problem| Trouble::usage("--ready", format_args!("is no JSON object: {problem}")))?;
    Ok(CheckSource::from(&object))
}

fn identity(pairs: &[String]) -> Result<Value> {
    let mut fields = Map::new();
    for pair in pairs {
        let (key, value) = key_and_value("--identity", pair)?;
        fields.insert(key.to_owned(), serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned())));
    }
    Ok(Value::Object(fields))
}

fn key_and_value<'a>(flag: &str, pair: &'a str) -> Result<(&'a str, &'a str)> {
    let parts = pair.split_once('=').filter(|(key, _)| !key.is_empty());
    parts.ok_or_else(|| Trouble::usage(flag, format_args!("is `{pair}`: write KEY=VALUE")))
}

fn umask(text: &str) -> Result<u32> {
    let digits = text.strip_prefix("0o").unwrap_or(text);
    u32::from_str_radix(digits, 8).map_err(|_| Trouble::usage("--umask", format_args!("is `{text}`: write octal digits, as in 022")))
}
