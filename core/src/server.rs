//! What a caller gets back.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::cancel::{Cancel, Patience};
use crate::deadline::{Deadline, LONG_ENOUGH};
use crate::environment;
use crate::error::{Error, ErrorCode, Result};
use crate::log;
use crate::names::StateDir;
use crate::restart::RestartOptions;
use crate::stop::{StopOptions, not_ours};
use crate::user::User;
use crate::words::words;

words! {
    /// How a call came by its server.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum Origin {
        /// This call started it.
        Started = "started",
        /// Another was starting it, and this call waited.
        Joined = "joined",
        /// It ran already.
        Reused = "reused",
        /// It is healthy, but not in our records: somebody started it without us. It is never stopped by us.
        Foreign = "foreign",
    }
}

/// A running, healthy server.
///
/// Dropping it does nothing: the server goes on for everybody else. One that is stopped with its last user is in use until
/// [`release`](Server::release) or the end of the process.
#[derive(Clone, Debug)]
pub struct Server {
    pub(crate) name: String,
    pub(crate) url: Option<String>,
    pub(crate) host: Option<String>,
    pub(crate) port: Option<u16>,
    pub(crate) pid: Option<u32>,
    pub(crate) origin: Origin,
    pub(crate) generation: Option<u64>,
    pub(crate) version: Option<String>,
    pub(crate) started_at_ms: Option<u64>,
    pub(crate) ready_ms: Option<u64>,
    pub(crate) log_file: Option<PathBuf>,
    pub(crate) log_offset: u64,
    pub(crate) place: PathBuf,
    pub(crate) stop_timeout: Duration,
    pub(crate) user: Option<Arc<User>>,
}

impl Server {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it answers: `http://localhost:1987`, `tcp://localhost:5432`, `unix:/path`; `None` when only a function knows.
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// The host of its address.
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// The port of its address.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Its main process; `None` for a foreign one.
    pub fn pid(&self) -> Option<u32> {
        self.pid
    }

    /// How this call came by it.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Which start of its name it is, from 1; `None` for a foreign one.
    pub fn generation(&self) -> Option<u64> {
        self.generation
    }

    /// Which version it was started as, or says that it is; `None` when nobody said.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// When it was started, in milliseconds since 1970.
    pub fn started_at_ms(&self) -> Option<u64> {
        self.started_at_ms
    }

    /// How long it took from its start to its first healthy answer, in milliseconds.
    pub fn ready_ms(&self) -> Option<u64> {
        self.ready_ms
    }

    /// Where its output goes.
    pub fn log_file(&self) -> Option<&Path> {
        self.log_file.as_deref()
    }

    /// The private directory of its name.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// What programs that use it are told, as variables: `SPAWNLOCK_API_URL` and `SPAWNLOCK_API_PORT`, as far as they are known.
    ///
    /// Calls for its name in such a program find the server there, and start none.
    pub fn variables(&self) -> Vec<(String, String)> {
        let url = self.url.as_ref().map(|url| (environment::url_variable(&self.name), url.clone()));
        let port = self.port.map(|port| (environment::port_variable(&self.name), port.to_string()));
        url.into_iter().chain(port).collect()
    }

    /// Says that this call uses it no more; the last user's word stops it. Nothing where the server is not stopped with its last user,
    /// and nothing the second time or in a forked child. Whoever dies without a word is counted no more either.
    pub fn release(&self) {
        if let Some(user) = &self.user {
            user.release();
        }
    }

    /// Says the same, and returns when the server is gone, if we were the last to use it and it does not linger.
    ///
    /// # Errors
    /// `CANCELLED`; the server goes all the same.
    pub fn leave(&self, cancel: &Cancel) -> Result<()> {
        if self.step_out() { self.see_it_end(cancel) } else { Ok(()) }
    }

    /// The part of [`leave`](Server::leave) that waits for nothing, for hosts whose thread must not wait; `true` asks for the other part.
    #[doc(hidden)]
    pub fn step_out(&self) -> bool {
        self.user.as_ref().is_some_and(|user| user.step_out())
    }

    /// The part that waits.
    ///
    /// # Errors
    /// As [`leave`](Server::leave).
    #[doc(hidden)]
    pub fn see_it_end(&self, cancel: &Cancel) -> Result<()> {
        if let Some(user) = &self.user {
            user.see_it_end(&Patience::new(Deadline::after(LONG_ENOUGH), cancel.clone()));
        }
        if cancel.is_cancelled() {
            return Err(Error::new(ErrorCode::Cancelled, format!("waiting for the end of server \"{}\" was cancelled", self.name)));
        }
        Ok(())
    }

    /// The last lines it wrote, oldest first; none where its log is not known.
    pub fn tail(&self, lines: usize) -> Vec<String> {
        self.log_file.as_deref().map_or_else(Vec::new, |path| log::tail(path, self.log_offset, lines))
    }

    /// The lines it wrote since it was started, as far as a quarter of a mebibyte goes back.
    pub fn logs(&self) -> Vec<String> {
        self.tail(usize::MAX)
    }

    /// Stops it, unless another generation runs by now.
    ///
    /// # Errors
    /// `NOT_RUNNING` when it, or this generation of it, is gone already; `STOP` when it cannot be stopped or is foreign.
    pub fn stop(&self) -> Result<()> {
        self.stop_with(StopOptions::new())
    }

    /// The same, with options; the spec's stop timeout and this generation hold unless they say otherwise.
    ///
    /// # Errors
    /// As [`stop`](Server::stop), and `CANCELLED`.
    pub fn stop_with(&self, mut options: StopOptions) -> Result<()> {
        let Some(generation) = self.generation else {
            return Err(not_ours(&self.name));
        };
        options.stop_timeout.get_or_insert(self.stop_timeout);
        options.only_generation.get_or_insert(generation);
        StateDir::of_place(&self.place).stop(&self.name, &options)
    }

    /// Stops it and starts it again as it was declared. When a later generation runs by now, that one is given.
    ///
    /// # Errors
    /// `STOP` when it cannot be stopped, is foreign, or could not be started again; else as
    /// [`StateDir::restart`].
    pub fn restart(&self) -> Result<Server> {
        self.restart_with(RestartOptions::new())
    }

    /// The same, with options; the spec's stop timeout and this generation hold unless they say otherwise.
    ///
    /// # Errors
    /// As [`restart`](Server::restart), and `CANCELLED`.
    pub fn restart_with(&self, mut options: RestartOptions) -> Result<Server> {
        let Some(generation) = self.generation else {
            return Err(not_ours(&self.name));
        };
        options.stop_timeout.get_or_insert(self.stop_timeout);
        options.only_generation.get_or_insert(generation);
        StateDir::of_place(&self.place).restart(&self.name, &options)
    }
}

/// A server for a scope: derefs to [`Server`]. Its drop is the end of this use of it, and returns when the server is gone if it was the last.
#[derive(Debug)]
pub struct ScopedServer(Server);

impl ScopedServer {
    pub(crate) fn new(server: Server) -> Self {
        ScopedServer(server)
    }
}

impl std::ops::Deref for ScopedServer {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.0
    }
}

impl Drop for ScopedServer {
    fn drop(&mut self) {
        let _ = self.0.leave(&Cancel::never());
    }
}
