//! Looking at servers by name, and stopping them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cancel::Cancel;
use crate::error::{Error, Failure, Result};
use crate::event::{Event, Listener};
use crate::lock::Holder;
use crate::place;
use crate::probe::Verdict;

/// What a server is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// It lives and was ready.
    Running,
    /// It lives and was not ready yet.
    Starting,
    /// Nothing of it lives.
    Stopped,
}

impl State {
    /// Every state.
    pub const ALL: &'static [State] = &[State::Running, State::Starting, State::Stopped];

    /// The word for it, the same in every language.
    pub const fn as_str(self) -> &'static str {
        match self {
            State::Running => "running",
            State::Starting => "starting",
            State::Stopped => "stopped",
        }
    }
}

/// What is known about a name.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Status {
    /// The name.
    pub name: String,
    /// Whether something of it lives.
    pub state: State,
    /// What its checks say now; `None` when it is stopped or its checks cannot be asked from here.
    pub health: Option<Verdict>,
    /// Where it answers.
    pub url: Option<String>,
    /// Its main process, when it lives.
    pub pid: Option<u32>,
    /// Which start of its name the last one was; 0 before the first.
    pub generation: u64,
    /// When it was last started, in milliseconds since 1970.
    pub started_at_ms: Option<u64>,
    /// How long that start took to the first healthy answer, in milliseconds.
    pub ready_ms: Option<u64>,
    /// Where its output goes.
    pub log_file: Option<PathBuf>,
    /// The private directory of the name.
    pub place: PathBuf,
    /// Who holds the spawn lock now: somebody is starting or stopping it.
    pub holder: Option<Holder>,
    /// Why the last start failed, if the last one did.
    pub last_failure: Option<Failure>,
}

/// How to stop a server.
#[derive(Clone, Debug, Default)]
pub struct StopOptions {
    pub(crate) timeout: Option<Duration>,
    pub(crate) only_generation: Option<u64>,
    pub(crate) cancel: Cancel,
    pub(crate) listener: Listener,
}

impl StopOptions {
    /// The defaults: 10 s between SIGTERM and SIGKILL, whatever generation runs.
    pub fn new() -> Self {
        StopOptions::default()
    }

    /// How long the server may take to end after SIGTERM, before SIGKILL. Default: 10 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Stop only this start of the name; another one counts as not running.
    pub fn only_generation(mut self, generation: u64) -> Self {
        self.only_generation = Some(generation);
        self
    }

    /// Lets another thread end the wait.
    pub fn cancel(mut self, cancel: Cancel) -> Self {
        self.cancel = cancel;
        self
    }

    /// Tells what happens meanwhile.
    pub fn on_event(mut self, listen: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.listener = Listener::new(listen);
        self
    }
}

/// The directory that holds the places of all names.
#[derive(Clone, Debug)]
pub struct StateDir(PathBuf);

impl StateDir {
    /// The given directory, else `SPAWNLOCK_STATE_DIR`, else the platform's own.
    ///
    /// # Errors
    /// `PLACE` when there is no home directory.
    pub fn new(dir: Option<&Path>) -> Result<Self> {
        place::state_dir(dir).map(StateDir)
    }

    pub(crate) fn of_place(place: &Path) -> Self {
        StateDir(place.parent().unwrap_or(place).to_owned())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// What is known about a name; its checks are asked once when it lives.
    ///
    /// # Errors
    /// `CONFIG` for a name that is none, `PLACE` for a place that is not ours.
    pub fn status(&self, name: &str) -> Result<Status> {
        todo!("{name}")
    }

    /// Every name that was ever used here, in order.
    ///
    /// # Errors
    /// `PLACE` when the directory is not ours.
    pub fn list(&self) -> Result<Vec<Status>> {
        todo!()
    }

    /// Stops a server: SIGTERM to its group, a grace, SIGKILL. Returns when it is gone.
    ///
    /// # Errors
    /// `NOT_RUNNING` when nothing of ours runs under this name; `STOP` when it cannot be ended;
    /// `LOCK_TIMEOUT` when a start held the lock all the time; `CANCELLED`.
    pub fn stop(&self, name: &str, options: &StopOptions) -> Result<()> {
        let _ = (name, options);
        Err(Error::config("name", "todo"))
    }
}

/// What is known about a name in the default state directory.
///
/// # Errors
/// As [`StateDir::status`].
pub fn status(name: &str) -> Result<Status> {
    StateDir::new(None)?.status(name)
}

/// Every name in the default state directory.
///
/// # Errors
/// As [`StateDir::list`].
pub fn list() -> Result<Vec<Status>> {
    StateDir::new(None)?.list()
}

/// Stops a server of the default state directory.
///
/// # Errors
/// As [`StateDir::stop`].
pub fn stop(name: &str) -> Result<()> {
    StateDir::new(None)?.stop(name, &StopOptions::new())
}
