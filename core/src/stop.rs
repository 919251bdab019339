//! Stopping a server by its name.

use std::time::Duration;

use crate::cancel::{Cancel, Patience};
use crate::deadline::{Deadline, LONG_ENOUGH, readable};
use crate::end;
use crate::ended::{self, EndReason};
use crate::error::{Error, ErrorCode, Result};
use crate::event::{Event, EventKind, Listener};
use crate::holder::{Holder, waiting_line, who};
use crate::life::Known;
use crate::lock::{Acquired, LockKind, StartGuard, StartLock};
use crate::names::StateDir;
use crate::place::{Place, Stamp};
use crate::plan;
use crate::user;

/// How long a stop waits for a start that is under way.
const LOCK_TIMEOUT: Duration = Duration::from_secs(60);

/// How to stop a server.
#[derive(Clone, Debug, Default)]
pub struct StopOptions {
    pub(crate) stop_timeout: Option<Duration>,
    pub(crate) only_generation: Option<u64>,
    pub(crate) cancel: Cancel,
    pub(crate) listener: Listener,
}

impl StopOptions {
    /// The defaults: the declared stop timeout, else 10 s, between the stop signal and SIGKILL, whatever generation runs.
    pub fn new() -> Self {
        StopOptions::default()
    }

    /// How long the server may take to end after the stop signal, before SIGKILL. Default: what it was declared with, else 10 s.
    pub fn stop_timeout(mut self, timeout: Duration) -> Self {
        self.stop_timeout = Some(timeout);
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

impl StateDir {
    /// Stops a server: its stop signal (SIGTERM) to its group, a grace, SIGKILL. Returns when it is gone.
    ///
    /// # Errors
    /// `NOT_RUNNING` when nothing of ours runs under this name; `STOP` when it cannot be ended;
    /// `LOCK_TIMEOUT` when a start held the lock all the time; `CANCELLED`.
    pub fn stop(&self, name: &str, options: &StopOptions) -> Result<()> {
        let (place, name) = &self.meant(name)?;
        let wanted =
            |known: &Known| known.lives() && options.only_generation.is_none_or(|generation| generation == known.record.generation);
        if Stamp::of(&place.spawn_lock()).is_missing() && living(place, name).is_none() {
            return Err(not_running(name));
        }
        let patience = Patience::new(Deadline::after(LOCK_TIMEOUT), options.cancel.clone());
        let _lock = lock_for_stop(place, name, &patience, &options.listener)?;
        let known = living(place, name).filter(wanted).ok_or_else(|| not_running(name))?;
        let message = format!("stopping server \"{name}\"");
        let event = Event::new(EventKind::Stopping, name, message, patience.deadline.elapsed());
        options.listener.tell(&Event { pid: known.record.pid, ..event });
        let grace = plan::stop_timeout(options.stop_timeout.or_else(|| known.record.stop_timeout()))?;
        end::end_server(place, &known.record, EndReason::Stopped, grace, &patience.afresh(LONG_ENOUGH), || false)?;
        ended::await_note(place, known.record.generation);
        user::await_minder(place);
        Ok(())
    }
}

/// A stop and a start never overlap. Where no lock can be had the stop goes on without.
fn lock_for_stop(place: &Place, name: &str, patience: &Patience, listener: &Listener) -> Result<Option<StartGuard>> {
    let tell = |holder: Option<Holder>| {
        let message = waiting_line(&format!("spawn lock of \"{name}\""), holder.as_ref());
        listener.tell(&Event { holder, ..Event::new(EventKind::Waiting, name, message, patience.deadline.elapsed()) });
    };
    let lock = StartLock::of(place, LockKind::Auto, None);
    match lock.acquire(patience, tell, || None::<()>) {
        Acquired::Held(lock) | Acquired::Broken(lock, _) => Ok(Some(lock)),
        Acquired::Unavailable(_) | Acquired::Told(()) => Ok(None),
        Acquired::Cancelled => Err(Error::new(ErrorCode::Cancelled, format!("stopping server \"{name}\" was cancelled"))),
        Acquired::Elapsed => {
            let holder = lock.holder();
            let who = who(holder.as_ref());
            let summary = format!("server \"{name}\" could not be stopped: {who} has held the spawn lock for {}", readable(LOCK_TIMEOUT));
            Err(Error::new(ErrorCode::LockTimeout, summary).with(|failure| failure.pid = holder.map(|holder| holder.pid)))
        }
    }
}

fn living(place: &Place, name: &str) -> Option<Known> {
    Known::living(place, name).map(|known| known.with_pid(place))
}

pub(crate) fn not_running(name: &str) -> Error {
    Error::new(ErrorCode::NotRunning, format!("server \"{name}\" is not running, as far as our records go"))
        .with(|failure| failure.name = Some(name.to_owned()))
}

/// What somebody else started is not ours to stop, by whatever name.
pub(crate) fn not_ours(name: &str) -> Error {
    Error::new(ErrorCode::Stop, format!("server \"{name}\" was started by somebody else and is not ours to stop"))
        .with(|failure| failure.name = Some(name.to_owned()))
        .hint("stop it where it was started")
}

/// Stops a server of the default state directory.
///
/// # Errors
/// As [`StateDir::stop`].
pub fn stop(name: &str) -> Result<()> {
    StateDir::new(None)?.stop(name, &StopOptions::new())
}
