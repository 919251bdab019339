//! `server-init ensure`.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};
use spawnlock::{
    CheckSource, Kick, LockKind, OnLockUnavailable, OnMismatch, Origin, Port, Reuse, Scope, Server, ServerSpec, State, StopSignal,
    StopWhen, Unresponsive, duration,
};

use crate::args::{Common, Ensure};
use crate::dry_run::DryRun;
use crate::exit;
use crate::facts::{Fact, ServerFacts};
use crate::legacy::Legacy;
use crate::output::Output;
use crate::progress::Progress;
use crate::signals;
use crate::trouble::{Result, Trouble};

pub fn run(args: Ensure, common: &Common, output: &Output) -> Result<u8> {
    let progress = Progress::new(common);
    let dry_run = args.dry_run.then(|| DryRun::of(&args));
    let (no_wait, print) = (args.no_wait, args.print.clone());
    let spec = spec(args, common, &progress)?.cancel(signals::cancel()).on_event(progress.listener());
    if let Some(dry_run) = dry_run {
        return dry_run.report(&spec, output);
    }
    if no_wait {
        let kick = spec.kick();
        progress.clear();
        return report_kick(kick?, &print, output);
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
    name: &'a str,
    state: &'static str,
    origin: Option<&'static str>,
}

fn report_kick(kick: Kick, print: &[Fact], output: &Output) -> Result<u8> {
    let (name, origin) = match kick {
        Kick::Running(server) => return report(&server, print, output),
        Kick::Failed(error) => return Err(error.into()),
        Kick::Started { name } => (name, Some(Origin::Started.as_str())),
        Kick::Starting { name } => (name, None),
        _ => return Ok(exit::OK),
    };
    let state = State::Starting.as_str();
    match print {
        [] => output.result("ok", &Kicked { ok: true, name: &name, state, origin })?,
        facts => output.facts(facts, &name, |fact| match fact {
            Fact::Name => Some(name.clone()),
            Fact::State => Some(state.to_owned()),
            Fact::Origin => origin.map(str::to_owned),
            _ => None,
        })?,
    }
    Ok(exit::OK)
}

/// The command line as a spec. Checks and defaults are the core's; here, text becomes values.
pub fn spec(args: Ensure, common: &Common, progress: &Progress) -> Result<ServerSpec> {
    let legacy = args.env_prefix.as_deref().map(|prefix| Legacy::read(prefix, progress)).transpose()?.unwrap_or_default();
    let mut spec = match args.name {
        Some(name) => ServerSpec::new(name),
        None => ServerSpec::unnamed(),
    };
    // The port of a hand-written script is what it asks, so it stands for a check.
    let legacy_port = legacy.port.filter(|_| args.ready.is_empty()).map(Port::Number);
    for text in args.ready {
        spec = spec.ready(check("--ready", text)?);
    }
    let port = args.port.as_deref().map(Port::parse).transpose()?;
    spec = with(spec, port.or(legacy_port), ServerSpec::port);
    spec = with(spec, args.host, ServerSpec::host);
    for address in args.listen {
        spec = spec.listen(address);
    }
    if let Some(scope) = &args.scope {
        spec = spec.scope(Scope::parse(scope)?);
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
    spec = spec.command(args.argv);
    spec = with(spec, args.clean_env.then_some(false), ServerSpec::inherit_env);
    spec = with(spec, args.config, ServerSpec::config);
    spec = with(spec, args.shell, ServerSpec::shell);
    spec = with(spec, args.cwd, ServerSpec::cwd);
    spec = with(spec, umask, ServerSpec::umask);
    spec = with(spec, timeout, ServerSpec::timeout);
    spec = with(spec, time("--probe-timeout", args.probe_timeout)?, ServerSpec::probe_timeout);
    spec = with(spec, args.log, ServerSpec::log);
    spec = with(spec, args.tail_lines, ServerSpec::tail_lines);
    spec = with(spec, time("--lock-patience", args.lock_patience)?, ServerSpec::lock_patience);
    spec = with(spec, time("--stop-timeout", args.stop_timeout)?, ServerSpec::stop_timeout);
    if let Some(when) = &args.stop {
        spec = spec.stop(StopWhen::parse(when)?);
    }
    spec = with(spec, time("--linger", args.linger)?, ServerSpec::linger);
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

/// A check as it is written: text, or a JSON object.
pub fn check(option: &str, text: String) -> Result<CheckSource> {
    if !text.trim_start().starts_with('{') {
        return Ok(CheckSource::from(text));
    }
    let object: Value =
        serde_json::from_str(&text).map_err(|problem| Trouble::usage(option, format_args!("is no JSON object: {problem}")))?;
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
