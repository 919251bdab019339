//! What a record keeps of how a server was declared, and the spec made from it again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::deadline;
use crate::listen::Listening;
use crate::lock::LockKind;
use crate::plan::Plan;
use crate::port::Port;
use crate::probe::CheckSource;
use crate::record::{Declared, Record, Written};
use crate::scope::Scope;
use crate::spec::ServerSpec;
use crate::start::Start;
use crate::stop_when::StopWhen;

impl Declared {
    /// What a spec says of the server. How long its caller waits for the lock is the caller's own affair.
    pub(crate) fn of(spec: &ServerSpec) -> Self {
        let ms = |time: Option<Duration>| time.map(|time| time.as_millis() as u64);
        Declared {
            shell: spec.shell.clone(),
            env: spec.env.iter().cloned().collect(),
            keep_out_env: spec.inherit_env == Some(false),
            umask: spec.umask,
            log: spec.log.as_deref().and_then(|log| std::path::absolute(log).ok()),
            tail_lines: spec.tail_lines,
            identity: spec.identity.clone(),
            checks_lost: false,
            timeout_ms: ms(spec.timeout),
            probe_timeout_ms: ms(spec.probe_timeout),
            stop_timeout_ms: ms(spec.stop_timeout),
            stop: Some(spec.stop_when()).filter(|when| *when == StopWhen::Last).map(|when| when.as_str().to_owned()),
            linger_ms: ms(spec.linger),
            lock: spec.lock.filter(|kind| *kind != LockKind::Auto).map(|kind| kind.as_str().to_owned()),
            lock_file: spec.lock_file.as_deref().and_then(|file| std::path::absolute(file).ok()),
            host: spec.host.clone(),
            port: spec.port.map(Port::to_text),
            listen: spec.listen.iter().filter_map(Listening::to_text).collect(),
            written: spec
                .port
                .map(|_| Written { command: spec.command.clone(), ready: spec.ready.iter().filter_map(CheckSource::written).collect() }),
        }
    }
}

/// The record of a start that is about to happen.
pub(crate) fn record_of(plan: &Plan, start: &Start, cwd: PathBuf, generation: u64) -> Record {
    let mut record = Record::starting(&plan.name, generation, deadline::unique());
    record.command = start.argv.clone();
    record.cwd = cwd;
    record.timeout_ms = plan.timeout.as_millis() as u64;
    note_address(&mut record, plan);
    let checks_lost = plan.declared.checks_lost || record.ready.len() < plan.probe.checks.len();
    record.declared = Some(Box::new(Declared { checks_lost, ..plan.declared.clone() }));
    record
}

/// Where the server answers, and how it is asked.
pub(crate) fn note_address(record: &mut Record, plan: &Plan) {
    record.port = plan.port;
    record.endpoint = plan.endpoint.as_ref().map(ToString::to_string);
    record.ready = plan.probe.checks.iter().filter_map(|check| check.to_value()).collect();
}

/// The spec that a record tells of. The directory is the one it ran in, whoever asks now.
pub(crate) fn spec_of(record: &Record, state_dir: &Path) -> ServerSpec {
    let kept = record.declared.as_deref().cloned().unwrap_or_default();
    let (command, ready) = match &kept.written {
        Some(written) => (&written.command, &written.ready),
        None => (&record.command, &record.ready),
    };
    ServerSpec {
        name: Some(record.name.clone()),
        command: if kept.shell.is_some() { Vec::new() } else { command.clone() },
        shell: kept.shell,
        cwd: Some(record.cwd.clone()).filter(|cwd| cwd.is_absolute()),
        env: kept.env.into_iter().collect(),
        inherit_env: Some(!kept.keep_out_env),
        umask: kept.umask,
        ready: ready.iter().map(CheckSource::from).collect(),
        identity: kept.identity,
        timeout: kept.timeout_ms.map(Duration::from_millis),
        probe_timeout: kept.probe_timeout_ms.map(Duration::from_millis),
        log: kept.log,
        tail_lines: kept.tail_lines,
        state_dir: Some(state_dir.to_owned()),
        stop_timeout: kept.stop_timeout_ms.map(Duration::from_millis),
        stop: kept.stop.and_then(|word| StopWhen::parse(&word).ok()),
        linger: kept.linger_ms.map(Duration::from_millis),
        lock: kept.lock.and_then(|word| LockKind::parse(&word).ok()),
        lock_file: kept.lock_file,
        from_record: true,
        // The record's name is the whole one.
        scope: Some(Scope::User),
        host: kept.host,
        port: kept.port.and_then(|port| Port::parse(&port).ok()),
        listen: kept.listen.into_iter().map(Listening::from).collect(),
        ..ServerSpec::default()
    }
}
