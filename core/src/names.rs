//! Looking at servers by name.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cancel::{Cancel, Patience};
use crate::config;
use crate::deadline::Deadline;
use crate::ended::Ended;
use crate::environment;
use crate::error::{Error, ErrorCode, Failure, Result};
use crate::history::{self, Step};
use crate::holder::Holder;
use crate::life::Known;
use crate::lock::{LockKind, SpawnLock, lease_holders};
use crate::place::{self, Place};
use crate::plan;
use crate::probe::{About, Check, Probe, Verdict};
use crate::record::{FailedAttempt, Phase, Record};
use crate::scope;
use crate::words::words;

/// How long `status` waits for a health answer.
const STATUS_PROBE: Duration = Duration::from_secs(1);

words! {
    /// What a server is doing.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum State {
        /// It lives and was ready.
        Running = "running",
        /// It lives and was not ready yet.
        Starting = "starting",
        /// It lives and is being stopped.
        Stopping = "stopping",
        /// Nothing of it lives.
        Stopped = "stopped",
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
    /// How far the last start has come, as its record says: starting, ready, stopping or stopped.
    pub phase: Option<&'static str>,
    /// Who holds a lease on it.
    pub leases: Vec<Holder>,
    /// Which version it was started as.
    pub version: Option<String>,
    /// Why this start took the place of the one before it, where it did: `by hand`, `version 1 → 2`, `unresponsive`, `reuse never`.
    pub restarted_because: Option<String>,
    /// How a server of this name ended last.
    pub ended: Option<Ended>,
    /// Why the last start failed, if the last one did.
    pub last_failure: Option<Failure>,
}

/// The directory that holds the places of all names.
#[derive(Clone, Debug)]
pub struct StateDir {
    path: PathBuf,
    /// Whether a caller or a variable says where it is: what a project declares counts less.
    is_said: bool,
    cancel: Cancel,
}

impl StateDir {
    /// The given directory, else `SPAWNLOCK_STATE_DIR`, else the platform's own.
    ///
    /// # Errors
    /// `PLACE` when there is no home directory.
    pub fn new(dir: Option<&Path>) -> Result<Self> {
        let said = dir.map(Path::to_owned).or_else(environment::state_dir);
        Ok(StateDir { path: place::state_dir(said.as_deref())?, is_said: said.is_some(), cancel: Cancel::never() })
    }

    pub(crate) fn of_place(place: &Path) -> Self {
        StateDir { path: place.parent().unwrap_or(place).to_owned(), is_said: true, cancel: Cancel::never() }
    }

    /// Lets another thread end the health questions of `status` and `list`.
    pub fn cancel(mut self, cancel: Cancel) -> Self {
        self.cancel = cancel;
        self
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The place that is meant by a name, and its whole name: where the project declares that it is kept, else here; of this very name
    /// where something is known of it, else of that name in the caller's project.
    pub(crate) fn meant(&self, name: &str) -> Result<(Place, String)> {
        plan::checked_name(name)?;
        let declared = if self.is_said { None } else { config::kept(name) };
        let (dir, name) = declared.unwrap_or_else(|| (None, name.to_owned()));
        let dir = dir.unwrap_or_else(|| self.path.clone());
        let name = scope::known_name(&dir, &name)?;
        Ok((Place::of(&dir, &name)?, name))
    }

    /// What is known about a name, or of that name in the caller's project; its checks are asked once when it lives.
    ///
    /// # Errors
    /// `CONFIG` for a name that is none, `PLACE` for a place that is not ours, `CANCELLED`.
    pub fn status(&self, name: &str) -> Result<Status> {
        let (place, name) = self.meant(name)?;
        status_of(&place, &name, &self.cancel)
    }

    /// All places: those here, and where nobody says which directory is meant, those where the project declares that servers are kept.
    pub(crate) fn places(&self) -> Result<Vec<Place>> {
        let mut dirs = if self.is_said { Vec::new() } else { config::kept_in() };
        dirs.push(self.path.clone());
        dirs.sort();
        dirs.dedup();
        Ok(dirs.iter().map(|dir| place::all_in(dir)).collect::<Result<Vec<_>>>()?.concat())
    }

    /// The places with a name, in the order of the names.
    fn named_places(&self) -> Result<Vec<(String, Place)>> {
        let named = |place: Place| Record::read(&place).ok().flatten().map(|record| (record.name, place));
        let mut all: Vec<(String, Place)> = self.places()?.into_iter().filter_map(named).collect();
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(all)
    }

    /// Every name that was ever used here, or where the project declares that servers are kept, in order, without a look at what runs.
    ///
    /// # Errors
    /// `PLACE` when a directory is not ours.
    pub fn names(&self) -> Result<Vec<String>> {
        Ok(self.named_places()?.into_iter().map(|(name, _)| name).collect())
    }

    /// What happened to a name, oldest first: who asked, who started, how long it took, and why it ended. As far back as it was
    /// written down, which is a few hundred starts.
    ///
    /// # Errors
    /// `CONFIG` for a name that is none, `PLACE` for a place that is not ours or cannot be read.
    pub fn history(&self, name: &str) -> Result<Vec<Step>> {
        let (place, _) = self.meant(name)?;
        let unreadable = |cause| Error::new(ErrorCode::Place, format!("cannot read {}", place.history().display())).caused_by(cause);
        history::read(&place).map_err(unreadable)
    }

    /// Every name that was ever used here, or where the project declares that servers are kept, in order.
    ///
    /// # Errors
    /// `PLACE` when a directory is not ours, `CANCELLED`.
    pub fn list(&self) -> Result<Vec<Status>> {
        self.named_places()?.iter().map(|(name, place)| status_of(place, name, &self.cancel)).collect()
    }
}

fn status_of(place: &Place, name: &str, cancel: &Cancel) -> Result<Status> {
    let known = Known::look(place, name).known().map(|known| known.with_pid(place));
    let alive = known.as_ref().filter(|known| known.lives());
    let record = known.as_ref().map(|known| &known.record);
    let failed = FailedAttempt::read(place).filter(|failed| record.is_none_or(|record| failed.failed_at >= record.ready_at));
    let holder = SpawnLock::holder_of(place.spawn_lock(), LockKind::Auto).ok().flatten();
    let status = Status {
        name: name.to_owned(),
        state: match alive.map(|known| known.record.state) {
            // Who has the lock while nothing lives is about to start it.
            None if holder.is_some() => State::Starting,
            None => State::Stopped,
            Some(Phase::Starting) => State::Starting,
            Some(Phase::Stopping) => State::Stopping,
            Some(Phase::Ready | Phase::Stopped) => State::Running,
        },
        health: alive.and_then(|known| health(&known.record, place, cancel)),
        url: record.and_then(|record| record.endpoint.clone()),
        pid: alive.and_then(|known| known.record.pid),
        generation: record.map_or(0, |record| record.generation),
        started_at_ms: record.map(|record| record.started_at),
        ready_ms: record.and_then(|record| record.ready_ms),
        log_file: record.and_then(|record| record.log_file.clone()),
        place: place.dir().to_owned(),
        holder,
        phase: record.map(|record| record.state.as_str()),
        leases: lease_holders(place),
        version: record.and_then(|record| record.version.clone()),
        restarted_because: record.and_then(|record| record.restarted_because.clone()),
        ended: Ended::read(place),
        last_failure: failed.map(|failed| failed.failure),
    };
    if cancel.is_cancelled() {
        return Err(Error::new(ErrorCode::Cancelled, format!("asking for server \"{name}\" was cancelled")));
    }
    Ok(status)
}

/// Asks the checks that were written down, once.
fn health(record: &Record, place: &Place, cancel: &Cancel) -> Option<Verdict> {
    let checks: Vec<Check> = record.ready.iter().filter_map(|value| Check::from_value(value).ok()).collect();
    if checks.is_empty() {
        return None;
    }
    let probe = Probe { checks, identity: None, version_field: None, timeout: STATUS_PROBE };
    let patience = Patience::new(Deadline::after(STATUS_PROBE), cancel.clone());
    probe.ask(|| About::of(record, true, place), &patience).ok().map(|answer| answer.verdict)
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
