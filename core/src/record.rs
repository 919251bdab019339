//! `server.json`: who runs, since when, where, and in which state. And `failure.json`: why the last start failed.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Failure};
use crate::place::{self, Place};
use crate::stop_when::StopWhen;
use crate::sys::{self, FileId};

/// The version of the on-disk form.
const FORMAT: u32 = 1;

/// How far a server has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Phase {
    Starting,
    Ready,
    /// Somebody is ending it: it may answer still, and nobody is given it.
    Stopping,
    Stopped,
}

impl Phase {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Phase::Starting => "starting",
            Phase::Ready => "ready",
            Phase::Stopping => "stopping",
            Phase::Stopped => "stopped",
        }
    }
}

/// What `server.json` says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record {
    pub(crate) format: u32,
    pub(crate) name: String,
    pub(crate) state: Phase,
    /// Counts the starts of the name: 1, 2, 3 ….
    pub(crate) generation: u64,
    /// Names this one start.
    pub(crate) attempt: String,
    /// Where the server answers: `http://127.0.0.1:1987`, `tcp://host:port`, `unix:/path`.
    #[serde(default)]
    pub(crate) endpoint: Option<String>,
    /// Its port, however it came by it.
    #[serde(default)]
    pub(crate) port: Option<u16>,
    /// The files of the Unix sockets that were bound for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) sockets: Vec<SocketFile>,
    #[serde(default)]
    pub(crate) pid: Option<u32>,
    /// The start time of that process, in the system's own unit.
    #[serde(default)]
    pub(crate) start_time: Option<u64>,
    #[serde(default)]
    pub(crate) boot_id: Option<String>,
    #[serde(default)]
    pub(crate) pid_namespace: Option<String>,
    #[serde(default)]
    pub(crate) host: Option<String>,
    /// What proves that the server lives: its lock, or, when it closed that, only its pid and start time.
    #[serde(default)]
    pub(crate) alive: Alive,
    #[serde(default)]
    pub(crate) command: Vec<String>,
    #[serde(default)]
    pub(crate) cwd: PathBuf,
    /// The checks, as far as they can be written down.
    #[serde(default)]
    pub(crate) ready: Vec<Value>,
    #[serde(default)]
    pub(crate) started_at: u64,
    /// How long its starter meant to wait for it, in milliseconds.
    #[serde(default)]
    pub(crate) timeout_ms: u64,
    /// Milliseconds from the start to the first healthy answer.
    #[serde(default)]
    pub(crate) ready_ms: Option<u64>,
    /// When it became ready; zero before.
    #[serde(default)]
    pub(crate) ready_at: u64,
    #[serde(default)]
    pub(crate) log_file: Option<PathBuf>,
    /// Where the lines of this start begin in the log.
    #[serde(default)]
    pub(crate) log_offset: u64,
    /// Which version of the server it was started as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    /// The versions that this name was moved away from, the latest last: none of them takes the server back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) outlived: Vec<String>,
    /// When the starts before it crashed, in milliseconds since 1970: those of a minute.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) crashes: Vec<u64>,
    /// Why it took the place of the start before it, where it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) restarted_because: Option<String>,
    /// How it was declared; not known of servers that an earlier version started.
    #[serde(default)]
    pub(crate) declared: Option<Box<Declared>>,
}

/// What was declared of a server besides its command, its directory and its checks: enough to start it again.
/// What was not declared is left out, so that a default stays one.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Declared {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) shell: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) keep_out_env: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) umask: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) log: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tail_lines: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) identity: Option<Value>,
    /// Some of its checks are functions, which no file can keep.
    pub(crate) checks_lost: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) timeout_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) probe_timeout_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stop_timeout_ms: Option<u64>,
    /// It is to be stopped with its last user, and goes on without one for so long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stop: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) linger_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stop_signal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version_field: Option<String>,
    /// The kind of the spawn lock, by its word, and the lock that is held as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lock: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lock_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) host: Option<String>,
    /// `auto` or a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) port: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) listen: Vec<String>,
    /// The command, the directory and the checks as they were written, where a port may stand in them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) written: Option<Written>,
}

/// What has words in it that stand for a port.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Written {
    pub(crate) command: Vec<String>,
    pub(crate) ready: Vec<Value>,
}

/// A file that was made by binding a socket, known again by its device and inode.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SocketFile {
    pub(crate) path: PathBuf,
    pub(crate) id: FileId,
}

/// What proves that a server lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Alive {
    #[default]
    Lock,
    Pid,
}

impl Record {
    /// A record of a start that is about to happen, on this machine and in this boot.
    pub(crate) fn starting(name: &str, generation: u64, attempt: String) -> Self {
        Record {
            format: FORMAT,
            name: name.to_owned(),
            state: Phase::Starting,
            generation,
            attempt,
            endpoint: None,
            port: None,
            sockets: Vec::new(),
            pid: None,
            start_time: None,
            boot_id: sys::boot_id(),
            pid_namespace: sys::pid_namespace(),
            host: Some(sys::host_name()),
            alive: Alive::Lock,
            command: Vec::new(),
            cwd: PathBuf::new(),
            ready: Vec::new(),
            started_at: crate::deadline::now_ms(),
            timeout_ms: 0,
            ready_ms: None,
            ready_at: 0,
            log_file: None,
            log_offset: 0,
            version: None,
            outlived: Vec::new(),
            crashes: Vec::new(),
            restarted_because: None,
            declared: None,
        }
    }

    pub(crate) fn read(place: &Place) -> io::Result<Option<Record>> {
        match place::read_json::<Record>(&place.record())? {
            Some(record) if record.format > FORMAT => {
                Err(io::Error::new(io::ErrorKind::InvalidData, format!("format {} is newer than ours, {FORMAT}", record.format)))
            }
            record => Ok(record),
        }
    }

    pub(crate) fn write(&self, place: &Place) -> io::Result<()> {
        place::write_json(&place.record(), self)
    }

    /// Notes the server's main process.
    pub(crate) fn set_process(&mut self, pid: u32) {
        self.pid = Some(pid);
        self.start_time = sys::process(pid).map(|process| process.start_time);
    }

    /// The main process, when the number still means that very process: same boot, same pid namespace, same start time, not a zombie.
    pub(crate) fn living_process(&self) -> Option<u32> {
        let (pid, start_time) = (self.pid?, self.start_time?);
        let here = self.boot_id == sys::boot_id() && self.pid_namespace == sys::pid_namespace();
        let same = sys::process(pid).is_some_and(|process| process.start_time == start_time && !process.zombie);
        (here && same).then_some(pid)
    }

    /// The same record with another state.
    pub(crate) fn in_state(&self, state: Phase) -> Self {
        Record { state, ..self.clone() }
    }

    /// Whether it is to be stopped with its last user.
    pub(crate) fn ends_with_last(&self) -> bool {
        self.declared.as_ref().is_some_and(|declared| declared.stop.as_deref() == Some(StopWhen::Last.as_str()))
    }

    /// Whether the pid in it is one of our own pid namespace.
    pub(crate) fn in_our_namespace(&self) -> bool {
        self.pid_namespace.is_none() || self.pid_namespace == sys::pid_namespace()
    }
}

/// What `failure.json` says: which attempt failed, and all that is known about it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FailedAttempt {
    pub(crate) format: u32,
    pub(crate) attempt: String,
    #[serde(default)]
    pub(crate) generation: u64,
    #[serde(default)]
    pub(crate) failed_at: u64,
    /// It came of a restart before anything was started.
    #[serde(default)]
    pub(crate) of_restart: bool,
    pub(crate) failure: Failure,
}

impl FailedAttempt {
    /// Publishes why an attempt failed, so that whoever waits for it fails with the same reason.
    pub(crate) fn publish(place: &Place, attempt: &str, generation: u64, error: &Error) -> io::Result<()> {
        FailedAttempt::new(attempt.to_owned(), generation, error).write(place)
    }

    /// The same for a restart that came to no start: it is the reason of those who wait for that restart.
    pub(crate) fn publish_restart(place: &Place, generation: u64, error: &Error) -> io::Result<()> {
        let failed = FailedAttempt::new(crate::deadline::unique(), generation, error);
        FailedAttempt { of_restart: true, ..failed }.write(place)
    }

    fn new(attempt: String, generation: u64, error: &Error) -> Self {
        let failed_at = crate::deadline::now_ms();
        FailedAttempt { format: FORMAT, attempt, generation, failed_at, of_restart: false, failure: error.failure().clone() }
    }

    fn write(&self, place: &Place) -> io::Result<()> {
        place::write_json(&place.failure(), self)
    }

    /// The last failure; one that cannot be read counts as none, for it is no more than a message.
    pub(crate) fn read(place: &Place) -> Option<FailedAttempt> {
        place::read_json(&place.failure()).ok().flatten()
    }
}
