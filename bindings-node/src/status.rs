//! What is known about a name, as JavaScript sees it.

use napi_derive::napi;

use crate::error::Failure;
use crate::event::LockHolder;
use crate::server::path_text;

/// What is known about a name.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct ServerStatus {
    /// The name.
    pub name: String,
    /// Whether something of it lives.
    #[napi(ts_type = "State")]
    pub state: String,
    /// What its checks say now; null when it is stopped or its checks cannot be asked from here.
    #[napi(ts_type = "Verdict")]
    pub health: Option<String>,
    /// Where it answers.
    pub url: Option<String>,
    /// Its main process, when it lives.
    pub pid: Option<u32>,
    /// Which start of its name the last one was; 0 before the first.
    pub generation: f64,
    /// When it was last started.
    #[napi(ts_type = "Date")]
    pub started_at: Option<f64>,
    /// Milliseconds from that start to the first healthy answer.
    pub ready_ms: Option<f64>,
    /// Where its output goes.
    pub log_file: Option<String>,
    /// The private directory of the name.
    pub place: String,
    /// Who holds the spawn lock now: somebody is starting or stopping it.
    pub holder: Option<LockHolder>,
    /// How far the last start has come, as its record says.
    #[napi(ts_type = "'starting' | 'ready' | 'stopping' | 'stopped'")]
    pub phase: Option<String>,
    /// Who holds a lease on it.
    pub leases: Vec<LockHolder>,
    /// Which version it was started as.
    pub version: Option<String>,
    /// Why this start took the place of the one before it, where it did: `by hand`, `version 1 → 2`, `unresponsive`, `reuse never`.
    pub restarted_because: Option<String>,
    /// How a server of this name ended last.
    pub ended: Option<Ended>,
    /// Why the last start failed, if the last one did.
    pub last_failure: Option<Failure>,
}

/// How a server that had been ready ended.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct Ended {
    /// Which start of its name it was.
    pub generation: f64,
    /// When it ended, or was found dead.
    #[napi(ts_type = "Date")]
    pub ended_at: f64,
    /// The code with which it exited, where somebody saw it.
    pub exit_code: Option<i32>,
    /// The signal that ended it, by name, where somebody saw it.
    pub signal: Option<String>,
    /// Why it ended.
    #[napi(ts_type = "EndReason")]
    pub reason: String,
    /// The last lines it wrote, oldest first.
    pub log_tail: Vec<String>,
}

impl From<spawnlock::Ended> for Ended {
    fn from(ended: spawnlock::Ended) -> Self {
        let spawnlock::Ended { generation, ended_at_ms, exit_code, signal, reason, log_tail, .. } = ended;
        Ended {
            generation: generation as f64,
            ended_at: ended_at_ms as f64,
            exit_code,
            signal,
            reason: reason.as_str().to_owned(),
            log_tail,
        }
    }
}

impl From<spawnlock::Status> for ServerStatus {
    fn from(status: spawnlock::Status) -> Self {
        ServerStatus {
            name: status.name,
            state: status.state.as_str().to_owned(),
            health: status.health.map(|verdict| verdict.as_str().to_owned()),
            url: status.url,
            pid: status.pid,
            generation: status.generation as f64,
            started_at: status.started_at_ms.map(|ms| ms as f64),
            ready_ms: status.ready_ms.map(|ms| ms as f64),
            log_file: status.log_file.as_deref().map(path_text),
            place: path_text(&status.place),
            holder: status.holder.map(LockHolder::from),
            phase: status.phase.map(str::to_owned),
            leases: status.leases.into_iter().map(LockHolder::from).collect(),
            version: status.version,
            restarted_because: status.restarted_because,
            ended: status.ended.map(Ended::from),
            last_failure: status.last_failure.map(|failure| Failure::from(spawnlock::Error::from(failure))),
        }
    }
}
