//! What a record keeps of how a server was declared, and the spec made from it again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::call::Because;
use crate::crash;
use crate::deadline;
use crate::ended::EndReason;
use crate::listen::Listening;
use crate::lock::LockKind;
use crate::place::Place;
use crate::plan::Plan;
use crate::policy::StopSignal;
use crate::port::Port;
use crate::probe::CheckSource;
use crate::record::{Declared, Record, Written};
use crate::scope::Scope;
use crate::spec::ServerSpec;
use crate::start::Start;
use crate::stop_when::StopWhen;

/// As many versions that a name was moved away from are remembered.
const OUTLIVED_MOST: usize = 16;

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
            stop_signal: spec.stop_signal.filter(|signal| *signal != StopSignal::Term).map(|signal| signal.as_str().to_owned()),
            version_field: spec.version_field.clone(),
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
    record.version = plan.policy.version.clone();
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

/// What a start takes over from the one before it.
pub(crate) fn inherit(record: &mut Record, place: &Place, before: Option<&Record>, because: Option<&Because>) {
    record.restarted_because = because.map(|because| because.why.clone());
    if because.is_some_and(|because| because.reason == EndReason::Restarted) {
        return;
    }
    record.crashes = before.map_or_else(Vec::new, |before| crash::crashes(place, before));
    let (Some(before), Some(because)) = (before, because) else { return };
    let left = before.outlived.iter().chain(&because.outlives).filter(|old| Some(*old) != record.version.as_ref()).cloned();
    record.outlived = left.collect();
    let surplus = record.outlived.len().saturating_sub(OUTLIVED_MOST);
    record.outlived.drain(..surplus);
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
        stop_signal: kept.stop_signal.and_then(|word| StopSignal::parse(&word).ok()),
        version: record.version.clone(),
        version_field: kept.version_field,
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

/// How a server that runs is to be ended, as it was declared.
impl Record {
    pub(crate) fn stop_signal(&self) -> StopSignal {
        let word = self.declared.as_ref().and_then(|declared| declared.stop_signal.as_deref());
        word.and_then(|word| StopSignal::parse(word).ok()).unwrap_or_default()
    }

    pub(crate) fn stop_timeout(&self) -> Option<Duration> {
        self.declared.as_ref().and_then(|declared| declared.stop_timeout_ms).map(Duration::from_millis)
    }
}
