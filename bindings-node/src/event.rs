//! What happens during a call, as JavaScript sees it.

use napi_derive::napi;
use spawnlock::{Event, Holder};

/// One thing that happened during a call.
#[napi(object, object_from_js = false)]
pub struct ServerEvent {
    /// What kind of thing.
    #[napi(ts_type = "EventKind")]
    pub kind: String,
    /// The name of the server.
    pub name: String,
    /// One line for people.
    pub message: String,
    /// Milliseconds since the call began.
    pub elapsed_ms: f64,
    /// The server's process, where it is known.
    pub pid: Option<u32>,
    /// Who holds the spawn lock, for `waiting`.
    pub holder: Option<LockHolder>,
}

/// The process that holds a spawn lock.
#[napi(object, object_from_js = false)]
pub struct LockHolder {
    /// Its process id.
    pub pid: u32,
    /// What it was run as, short: `node server.js`.
    pub program: String,
    /// Since when it holds the lock.
    #[napi(ts_type = "Date")]
    pub since: f64,
    /// The machine it runs on.
    pub host: String,
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
        }
    }
}

impl From<Holder> for LockHolder {
    fn from(holder: Holder) -> Self {
        LockHolder { pid: holder.pid, program: holder.program, since: holder.since_ms as f64, host: holder.host }
    }
}
