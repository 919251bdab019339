//! What happens during a call, as JavaScript sees it.

use napi_derive::napi;
use spawnlock::{Event, Holder};

/// One thing that happened during a call.
#[napi(object, object_from_js = false)]
pub struct ServerEvent {
    /// What kind of thing.
    #[napi(ts_type = "EventKind")]
    pub kind: String,
    /// The name of the server, or the path of the lock.
    pub name: String,
    /// One line for people.
    pub message: String,
    /// Milliseconds since the call began.
    pub elapsed_ms: f64,
    /// The server's process, where it is known.
    pub pid: Option<u32>,
    /// Who holds the lock, for `waiting`; from whom it was taken, for `warning`.
    pub holder: Option<LockHolder>,
    /// Where the server's output goes, for `starting` and `adopting`.
    pub log_file: Option<String>,
}

/// The process that holds a lock, as it wrote itself down; its pid is 0 when it did not.
#[napi(object, object_from_js = false)]
pub struct LockHolder {
    /// Its process id.
    pub pid: u32,
    /// What it was run as, short: `node server.js`.
    pub program: String,
    /// Since when it holds the lock; 1970 when it did not say.
    #[napi(ts_type = "Date")]
    pub since: f64,
    /// The machine it runs on.
    pub host: String,
    /// Tells this holding from every other.
    pub token: String,
}

impl From<&Event> for ServerEvent {
    fn from(event: &Event) -> Self {
        ServerEvent {
            kind: event.kind.as_str().to_owned(),
            name: event.name.clone(),
            message: event.message.clone(),
            elapsed_ms: event.elapsed.as_millis() as f64,
            pid: event.pid,
            holder: event.holder.clone().map(LockHolder::from),
            log_file: event.voice.as_ref().map(|voice| voice.log_file().display().to_string()),
        }
    }
}

impl From<Holder> for LockHolder {
    fn from(holder: Holder) -> Self {
        let Holder { pid, program, since_ms, host, token, .. } = holder;
        LockHolder { pid, program, since: since_ms as f64, host, token }
    }
}
