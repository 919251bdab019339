//! What a caller gets back.

use std::collections::HashMap;
use std::path::Path;

use napi::bindgen_prelude::{External, Unknown};
use napi_derive::napi;
use spawnlock::Cancel;

use crate::error::Code;
use crate::job::{Job, Outcome};
use crate::read::whole;

/// A running, healthy server. It goes on when the process ends that asked for it.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct Server {
    /// Its name.
    pub name: String,
    /// Where it answers: `http://localhost:1987`, `tcp://localhost:5432`, `unix:/path`.
    pub url: Option<String>,
    /// The host of its address.
    pub host: Option<String>,
    /// The port of its address.
    pub port: Option<u16>,
    /// Its main process; null for a foreign one.
    pub pid: Option<u32>,
    /// How this call came by it: it `started` it, `joined` another's start, `reused` one that ran, or found a
    /// `foreign` one, which is healthy but not in our records and never stopped by us.
    #[napi(ts_type = "Origin")]
    pub origin: String,
    /// Which start of its name it is, from 1; null for a foreign one.
    pub generation: Option<f64>,
    /// Which version it was started as, or says that it is; null when nobody said.
    pub version: Option<String>,
    /// When it was started.
    #[napi(ts_type = "Date")]
    pub started_at: Option<f64>,
    /// Milliseconds from its start to its first healthy answer.
    pub ready_ms: Option<f64>,
    /// Where its output goes.
    pub log_file: Option<String>,
    /// The private directory of its name.
    pub place: String,
    /// What programs that use it are told, as variables: `SPAWNLOCK_API_URL` and `SPAWNLOCK_API_PORT`, as far as they are known.
    #[napi(ts_type = "() => Record<string, string>")]
    pub variables: External<spawnlock::Server>,
    /// The last lines it wrote, oldest first.
    #[napi(ts_type = "(lines: number) => Promise<string[]>")]
    pub tail: External<spawnlock::Server>,
    /// Stops it, unless another generation runs by now.
    #[napi(ts_type = "() => Promise<void>")]
    pub stop: External<spawnlock::Server>,
    /// Stops it and starts it again as it was declared. When a later generation runs by now, that one is given.
    #[napi(ts_type = "() => Promise<Server>")]
    pub restart: External<spawnlock::Server>,
    /// Says that this call uses it no more; of a server that is stopped with its last user, the last word stops it. Nothing
    /// for any other server, and nothing the second time.
    #[napi(ts_type = "() => void")]
    pub release: External<spawnlock::Server>,
}

/// Lets go of the server behind a `Server`, and gives what ends when it is gone, if it may go.
#[napi(skip_typescript)]
pub fn leave_this(server: &External<spawnlock::Server>) -> Option<External<Job>> {
    if !server.step_out() {
        return None;
    }
    let (server, cancel) = (spawnlock::Server::clone(server), Cancel::new());
    Some(Job::new(cancel.clone(), move |_| server.see_it_end(&cancel).map(|()| Outcome::D(()))))
}

/// Lets go of the server behind a `Server`.
#[napi(skip_typescript)]
pub fn release_this(server: &External<spawnlock::Server>) {
    let theirs = spawnlock::Server::clone(server);
    // Where nobody watches over the server, who lets go may have to end it: the event loop goes on meanwhile, unless there is no thread.
    if std::thread::Builder::new().name("spawnlock".to_owned()).spawn(move || theirs.release()).is_err() {
        server.release();
    }
}

/// What programs that use the server behind a `Server` are told.
#[napi(skip_typescript)]
pub fn variables_of_this(server: &External<spawnlock::Server>) -> HashMap<String, String> {
    server.variables().into_iter().collect()
}

/// The last lines of the server behind a `Server`.
#[napi(skip_typescript)]
pub fn tail_of_this(server: &External<spawnlock::Server>, lines: Unknown) -> napi::Result<External<Job>, Code> {
    let lines = whole("lines", lines)?;
    let server = spawnlock::Server::clone(server);
    Ok(Job::new(Cancel::new(), move |_| Ok(Outcome::F(server.tail(lines as usize)))))
}

/// Stops the server behind a `Server`.
#[napi(skip_typescript)]
pub fn stop_this(server: &External<spawnlock::Server>) -> External<Job> {
    let server = spawnlock::Server::clone(server);
    Job::new(Cancel::new(), move |_| server.stop().map(|()| Outcome::D(())))
}

/// Restarts the server behind a `Server`.
#[napi(skip_typescript)]
pub fn restart_this(server: &External<spawnlock::Server>) -> External<Job> {
    let server = spawnlock::Server::clone(server);
    Job::new(Cancel::new(), move |_| server.restart().map(|server| Outcome::A(server.into())))
}

impl From<spawnlock::Server> for Server {
    fn from(server: spawnlock::Server) -> Self {
        Server {
            name: server.name().to_owned(),
            url: server.url().map(str::to_owned),
            host: server.host().map(str::to_owned),
            port: server.port(),
            pid: server.pid(),
            origin: server.origin().as_str().to_owned(),
            generation: server.generation().map(|generation| generation as f64),
            version: server.version().map(str::to_owned),
            started_at: server.started_at_ms().map(|ms| ms as f64),
            ready_ms: server.ready_ms().map(|ms| ms as f64),
            log_file: server.log_file().map(path_text),
            place: path_text(server.place()),
            variables: External::new(server.clone()),
            tail: External::new(server.clone()),
            stop: External::new(server.clone()),
            restart: External::new(server.clone()),
            release: External::new(server),
        }
    }
}

/// A path as JavaScript has it.
pub(crate) fn path_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
