//! Stopping a server and starting it again, once for all who ask at the same moment.

use std::path::Path;
use std::time::Duration;

use crate::call::Because;
use crate::cancel::Cancel;
use crate::declared;
use crate::ended::EndReason;
use crate::ensure::Next;
use crate::environment;
use crate::error::{Error, ErrorCode, Result};
use crate::event::{Event, Listener};
use crate::flow::{Flow, to_be_replaced};
use crate::life::{Known, Seen};
use crate::names::StateDir;
use crate::place::Place;
use crate::plan::{self, Plan};
use crate::probe::Endpoint;
use crate::record::{FailedAttempt, Phase, Record};
use crate::server::{Origin, Server};
use crate::spec::ServerSpec;
use crate::stop::{not_ours, not_running};
use crate::turn::Turn;

/// Why a server was restarted that a person, or a program of theirs, restarted by its name.
const BY_HAND: &str = "by hand";

/// How to restart a server.
#[derive(Clone, Debug, Default)]
pub struct RestartOptions {
    pub(crate) timeout: Option<Duration>,
    pub(crate) stop_timeout: Option<Duration>,
    pub(crate) only_generation: Option<u64>,
    pub(crate) break_after: Option<Duration>,
    pub(crate) cancel: Cancel,
    pub(crate) listener: Listener,
}

impl RestartOptions {
    /// The defaults: a minute for the whole call, 10 s of it between SIGTERM and SIGKILL, whatever generation runs.
    pub fn new() -> Self {
        RestartOptions::default()
    }

    /// How long the whole call may take, the stop included. Default: `SPAWNLOCK_READY_TIMEOUT`, else 60 s, or what the
    /// server was declared with if that is longer.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// How long the server may take to end after SIGTERM, before SIGKILL. Default: what it was declared with, else 10 s.
    pub fn stop_timeout(mut self, timeout: Duration) -> Self {
        self.stop_timeout = Some(timeout);
        self
    }

    /// Restart only this start of the name. When a later one runs, that one is given; any other counts as not running.
    pub fn only_generation(mut self, generation: u64) -> Self {
        self.only_generation = Some(generation);
        self
    }

    /// Go on without the lock after having waited this long for it. Default: never.
    pub fn break_after(mut self, limit: Duration) -> Self {
        self.break_after = Some(limit);
        self
    }

    /// Lets another thread end the wait. A server that is starting by then is left to those who come after.
    pub fn cancel(mut self, cancel: Cancel) -> Self {
        self.cancel = cancel;
        self
    }

    /// Tells what happens meanwhile.
    pub fn on_event(mut self, listen: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.listener = Listener::new(listen);
        self
    }

    /// The server as its record tells of it, to be had in our way.
    fn spec(&self, record: &Record, state_dir: &Path) -> ServerSpec {
        let spec = declared::spec_of(record, state_dir);
        ServerSpec {
            // A server that was declared with more time than usual gets as much for its restart.
            timeout: self.timeout.or(spec.timeout.filter(|declared| *declared > plan::TIMEOUT)),
            stop_timeout: self.stop_timeout.or(spec.stop_timeout),
            lock_patience: self.break_after,
            cancel: Some(self.cancel.clone()),
            listener: self.listener.clone(),
            ..spec
        }
    }
}

impl StateDir {
    /// Stops a server and starts it again as it was declared, holding the spawn lock all the while; one that does not run is
    /// started. Of many who ask at the same moment one does it, and all get the same new server, or the same reason why not.
    ///
    /// # Errors
    /// `NOT_RUNNING` when nothing is known of the name; `STOP` when it cannot be stopped or could not be started again, and
    /// then it is left alone; `LOCK_TIMEOUT`; `RECURSIVE` from within the server; `CANCELLED`; else as
    /// [`ensure`](crate::ServerSpec::ensure).
    ///
    /// # Example
    /// ```no_run
    /// use spawnlock::{RestartOptions, StateDir};
    /// let server = StateDir::new(None)?.restart("api", &RestartOptions::new())?;
    /// println!("start {:?} of {}", server.generation(), server.name());
    /// # Ok::<(), spawnlock::Error>(())
    /// ```
    pub fn restart(&self, name: &str, options: &RestartOptions) -> Result<Server> {
        let (place, name) = &self.meant(name)?;
        let known = match Known::look(place, name) {
            Seen::Known(known) => known,
            Seen::Nothing => return Err(unknown(name)),
            Seen::Garbage(problem) => return Err(unknown(name).caused_by(problem)),
        };
        let replaces = options.only_generation.unwrap_or_else(|| to_be_replaced(place, Some(&known)));
        refuse_hopeless(&known.record)?;
        let mut flow = Flow::new(options.spec(&known.record, place.state_dir()))?;
        flow.replaces = Some(replaces);
        flow.call.because = Some(Because { reason: EndReason::Restarted, why: BY_HAND.to_owned(), outlives: None });
        Restart { flow, place, options }.run()
    }
}

/// One call of `restart`.
struct Restart<'a> {
    flow: Flow,
    place: &'a Place,
    options: &'a RestartOptions,
}

impl Restart<'_> {
    fn run(mut self) -> Result<Server> {
        loop {
            let lock = match self.flow.take_turn()? {
                Turn::Ours(lock) => lock,
                Turn::Joined(record) => return Ok(self.joined(&record)),
                Turn::Found(server) => return Ok(server),
            };
            match self.replace()? {
                Next::Found(Some(record), _) => return Ok(self.joined(&record)),
                Next::Found(None, _) => return Err(not_ours(&self.flow.call.plan.name)),
                Next::Wait => {
                    drop(lock);
                    self.flow.wait_outside()?;
                }
                next => {
                    if let Some(server) = self.flow.act(next)? {
                        return Ok(server);
                    }
                }
            }
        }
    }

    /// Under the lock: ends what runs, unless that is a successor already, and says what is to be done.
    fn replace(&mut self) -> Result<Next> {
        let known = self.flow.known().ok_or_else(|| unknown(&self.flow.call.plan.name))?;
        let is_successor = known.lives() && self.flow.awaits(&known.record);
        if is_successor && known.record.state == Phase::Ready {
            return Ok(Next::Found(Some(known.record), Origin::Joined));
        }
        refuse_hopeless(&known.record)?;
        self.follow(&known.record)?;
        let generation = known.record.generation;
        if !is_successor {
            self.refuse_other(&known)?;
            self.end(known).inspect_err(|error| self.publish(generation, error))?;
        }
        self.flow.weigh().inspect_err(|error| self.publish(generation, error))
    }

    /// Plans by what the record says now: others may have declared the server anew while we waited.
    fn follow(&mut self, record: &Record) -> Result<()> {
        let fresh = self.options.spec(record, self.place.state_dir()).plan()?;
        let plan = &mut self.flow.call.plan;
        // The call began when it began, and how a server is restarted changes nothing of what was declared.
        let (patience, timeout) = (plan.patience.clone(), plan.timeout);
        let declared = record.declared.as_deref().cloned().unwrap_or_default();
        *plan = Plan { patience, timeout, declared, ..fresh };
        Ok(())
    }

    /// With a generation given, only that one is ours to replace. A later start whose starter died before anything lived counts as none.
    fn refuse_other(&self, known: &Known) -> Result<()> {
        let record = &known.record;
        let stillborn = record.state == Phase::Starting && !known.lives();
        match self.options.only_generation {
            Some(asked) if asked != record.generation && !(asked < record.generation && stillborn) => {
                Err(not_running(&record.name).hint(format!("start {asked} was asked for, and the last one is start {}", record.generation)))
            }
            _ => Ok(()),
        }
    }

    /// Ends what lives of it, and writes that down, so that whoever comes after a restart that dies halfway starts it.
    fn end(&mut self, known: Known) -> Result<()> {
        self.warn_of_lost(&known.record);
        if !known.lives() {
            return Ok(());
        }
        self.flow.end_for(&known.record, EndReason::Restarted, "to start it again", || false).map(drop)
    }

    fn warn_of_lost(&self, record: &Record) {
        match &record.declared {
            None => self.flow.call.warn("an earlier version started this server: only its command, directory and checks are known".into()),
            Some(declared) if declared.checks_lost => {
                self.flow.call.warn("some checks of this server are functions, which no record can keep: the others decide".into());
            }
            Some(_) => {}
        }
    }

    /// Tells those who wait for this restart why it came to no start. Each finds out for itself what only concerns this call.
    fn publish(&self, generation: u64, error: &Error) {
        if self.flow.is_everybodys(error) && error.code() != ErrorCode::Recursive {
            let _ = FailedAttempt::publish_restart(&self.flow.call.plan.place, generation, error);
        }
    }

    /// A successor may have another address than the one it succeeds.
    fn joined(&mut self, record: &Record) -> Server {
        if let Some(endpoint) = record.endpoint.as_deref().and_then(Endpoint::read) {
            self.flow.call.plan.endpoint = Some(endpoint);
        }
        self.flow.server(Some(record), Origin::Joined)
    }
}

impl Flow {
    /// Whether a record is of a start that this call waits for.
    pub(crate) fn awaits(&self, record: &Record) -> bool {
        self.replaces.is_none_or(|old| record.generation > old)
    }

    /// Whether a failure is of what this call waits for. A restart does not care why others could not use the old server,
    /// and others do not care why it could not be stopped.
    pub(crate) fn awaits_failure(&self, failed: &FailedAttempt) -> bool {
        match self.replaces {
            Some(old) => failed.of_restart || failed.generation > old,
            None => failed.failure.code != ErrorCode::Stop,
        }
    }

    /// What makes this call go on without the lock, in words.
    pub(crate) fn patience_word(&self) -> &'static str {
        match &self.call.because {
            Some(because) if because.reason == EndReason::Restarted => "break after",
            _ => "lock patience",
        }
    }
}

/// What could not be started again is not stopped.
fn refuse_hopeless(record: &Record) -> Result<()> {
    if environment::disabled()? {
        return Err(Error::config(environment::DISABLE, "is set: nothing is started, so nothing is restarted either"));
    }
    let why = match record {
        record if record.command.is_empty() => "its record tells no command",
        record if record.ready.is_empty() => "its checks are functions, which no record can keep",
        _ => return Ok(()),
    };
    let summary = format!("server \"{}\" is not stopped, because it could not be started again: {why}", record.name);
    Err(Error::new(ErrorCode::Stop, summary).hint("stop it, and start it where it is declared"))
}

fn unknown(name: &str) -> Error {
    not_running(name).hint("only what was started here before can be restarted: start it with `ensure`")
}

/// Restarts a server of the default state directory.
///
/// # Errors
/// As [`StateDir::restart`].
pub fn restart(name: &str) -> Result<Server> {
    StateDir::new(None)?.restart(name, &RestartOptions::new())
}
