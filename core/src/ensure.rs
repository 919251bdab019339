//! The flow: the one place that branches.

use std::time::Duration;

use crate::attempt::{self, Attempt};
use crate::call::Call;
use crate::deadline::{self, Deadline};
use crate::end::Ours;
use crate::environment;
use crate::error::{ErrorCode, Result};
use crate::inside::Inside;
use crate::life::{Known, Seen};
use crate::lock::{self, SpawnLock};
use crate::place::Stamp;
use crate::plan::Start;
use crate::probe::{Endpoint, Verdict};
use crate::record::{FailedAttempt, Phase, Record};
use crate::server::{Origin, Server};
use crate::spec::ServerSpec;
use crate::sys;
use crate::turn::Turn;

/// Under the lock the server gets at least this long to answer.
const SECOND_LOOK: Duration = Duration::from_millis(200);
/// A server that answers wrongly is not asked more often than this.
const AGAIN: Duration = Duration::from_millis(20);

/// What a start that is not waited for came to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Kick {
    /// It runs already, and is healthy.
    Running(Server),
    /// Somebody else is starting it, or it is not ready yet.
    Starting,
    /// This call started it; it is not ready yet.
    Started {
        /// Its main process.
        pid: u32,
    },
}

impl ServerSpec {
    /// Gets the server: starts it if nobody has, waits until it is ready.
    ///
    /// # Errors
    /// Any [`ErrorCode`] but `STOP` and `NATIVE`; the text says what was attempted and what to look at.
    ///
    /// # Platform behavior
    /// Waiters are woken by the kernel on Linux and look every 1 to 50 ms elsewhere.
    pub fn ensure(self) -> Result<Server> {
        let mut flow = Flow::new(self)?;
        loop {
            if let Some(server) = flow.look()? {
                return Ok(server);
            }
            let lock = match flow.take_turn()? {
                Turn::Ours(lock) => lock,
                Turn::Joined(record) => return flow.joined(&record),
                Turn::Found(server) => return Ok(server),
            };
            match flow.decide()? {
                Next::Found(record, origin) => return Ok(flow.server(record.as_ref(), origin)),
                Next::Start(before) => return flow.start(before.as_ref()),
                Next::Adopt(record) => return flow.adopt(record),
                Next::Wait => {
                    drop(lock);
                    flow.wait_outside()?;
                }
            }
        }
    }

    /// Starts the server if nobody has, and does not wait until it is ready. The next call waits for it in our stead.
    ///
    /// # Errors
    /// As [`ensure`](ServerSpec::ensure), as far as it is known when the command runs.
    pub fn kick(self) -> Result<Kick> {
        let mut flow = Flow::new(self)?;
        if let Some(server) = flow.look()? {
            return Ok(Kick::Running(server));
        }
        let _lock = match flow.try_turn()? {
            Some(lock) => lock,
            None => return Ok(Kick::Starting),
        };
        match flow.decide()? {
            Next::Found(record, origin) => Ok(Kick::Running(flow.server(record.as_ref(), origin))),
            Next::Adopt(_) | Next::Wait => Ok(Kick::Starting),
            Next::Start(before) => {
                let start = flow.command()?;
                let attempt = Attempt::start(&mut flow.call, &start, before.as_ref())?;
                Ok(Kick::Started { pid: attempt.record.pid.unwrap_or_default() })
            }
        }
    }
}

/// What is to be done under the lock.
enum Next {
    Found(Option<Record>, Origin),
    Start(Option<Record>),
    Adopt(Record),
    /// Somebody's server is coming up without us: wait for it without the lock.
    Wait,
}

/// One call of `ensure` or `kick`.
pub(crate) struct Flow {
    pub(crate) call: Call,
    /// What was published before this call began, so that only news count.
    pub(crate) failure_before: Stamp,
    pub(crate) record_before: Stamp,
    /// The lock could not be had, so the server's own bind decides.
    pub(crate) lockless: bool,
    _inside: Inside,
}

impl Flow {
    fn new(spec: ServerSpec) -> Result<Self> {
        let call = Call::new(spec.plan()?);
        let place = &call.plan.place;
        let Some(inside) = Inside::enter(place.dir().to_owned()) else {
            return Err(call.report().recursive());
        };
        let (failure_before, record_before) = (Stamp::of(&place.failure()), Stamp::of(&place.record()));
        Ok(Flow { failure_before, record_before, lockless: false, _inside: inside, call })
    }

    /// The fast path: one question, no lock.
    fn look(&mut self) -> Result<Option<Server>> {
        let within = environment::is_within(self.call.plan.place.dir());
        if within && self.known().is_some_and(|known| known.record.pid == Some(std::process::id())) {
            return Err(self.call.report().recursive());
        }
        let verdict = self.ask()?;
        match verdict {
            Verdict::Ready => return self.found().map(Some),
            Verdict::Denied => return Err(self.call.report().denied()),
            _ if within => return Err(self.call.report().recursive()),
            _ => {}
        }
        let nothing_here = Stamp::of(&self.call.plan.place.spawn_lock()).is_missing();
        if self.call.plan.start.is_none() && nothing_here && verdict != Verdict::Starting {
            return Err(self.call.report().not_running());
        }
        Ok(None)
    }

    fn ask(&mut self) -> Result<Verdict> {
        let patience = self.call.plan.patience.clone();
        self.call.ask(&patience).map_err(|_| self.call.cancelled())
    }

    /// Asks once more, with a little time even when the deadline is near.
    pub(crate) fn look_again(&mut self) -> Result<Verdict> {
        let patience = self.call.plan.patience.at_least(SECOND_LOOK);
        self.call.ask(&patience).map_err(|_| self.call.cancelled())
    }

    /// The server answered as a healthy one: whose is it?
    pub(crate) fn found(&mut self) -> Result<Server> {
        let Some(known) = self.known().filter(Known::lives) else {
            self.name_stranger();
            return Ok(self.server(None, Origin::Foreign));
        };
        self.refuse_conflict(&known.record)?;
        if known.record.state == Phase::Ready {
            return Ok(self.server(Some(&known.record), Origin::Reused));
        }
        // Its starter is about to say so, or is dead and never will.
        let record = match SpawnLock::try_acquire(&self.call.plan.place) {
            lock::Attempt::Held(_lock) => attempt::mend(&self.call, &known),
            lock::Attempt::Busy | lock::Attempt::Unavailable(_) => known.record,
        };
        Ok(self.server(Some(&record), Origin::Joined))
    }

    /// What the place says; garbage is told, and counts as nothing.
    fn known(&self) -> Option<Known> {
        match Known::look(&self.call.plan.place, &self.call.plan.name) {
            Seen::Known(known) => Some(known),
            Seen::Nothing => None,
            Seen::Garbage(problem) => {
                self.call.warn(format!("{} makes no sense and will be replaced: {problem}", self.call.plan.place.record().display()));
                None
            }
        }
    }

    fn refuse_conflict(&self, record: &Record) -> Result<()> {
        let theirs = record.endpoint.as_deref().and_then(Endpoint::read);
        match (&self.call.plan.endpoint, theirs) {
            (Some(ours), Some(theirs)) if !ours.same_as(&theirs) => Err(self.call.report().conflict(record)),
            _ => Ok(()),
        }
    }

    /// A healthy server of another user on this machine is worth a word.
    fn name_stranger(&self) {
        let Some(port) = self.call.plan.endpoint.as_ref().and_then(Endpoint::loopback_port) else { return };
        let Some(uid) = sys::listener_uid(port).filter(|uid| *uid != sys::user_id()) else { return };
        let user = sys::user_name(uid).unwrap_or_else(|| uid.to_string());
        self.call.warn(format!("port {port} is served by user {user}, not by us"));
    }

    fn joined(&self, record: &Record) -> Result<Server> {
        self.refuse_conflict(record)?;
        Ok(self.server(Some(record), Origin::Joined))
    }

    /// Under the lock: starts again from the probe, and says what is to be done. A failure is told to those who wait for us.
    fn decide(&mut self) -> Result<Next> {
        let decided = self.weigh();
        if let Err(error) = &decided
            && !matches!(error.code(), ErrorCode::Cancelled | ErrorCode::Conflict | ErrorCode::NotRunning)
            && !self.lockless
        {
            let _ = FailedAttempt::publish(&self.call.plan.place, &deadline::unique(), 0, error);
        }
        decided
    }

    fn weigh(&mut self) -> Result<Next> {
        let since = Deadline::after(self.call.plan.probe.timeout);
        loop {
            let verdict = self.look_again()?;
            let known = self.known();
            let alive = known.as_ref().filter(|known| known.lives());
            if let Some(known) = alive {
                self.refuse_conflict(&known.record)?;
            }
            match (verdict, alive, alive.map(|known| known.record.state)) {
                (Verdict::Ready, None, _) => return Ok(Next::Found(None, Origin::Foreign)),
                (Verdict::Ready, Some(known), Some(Phase::Starting)) => {
                    return Ok(Next::Found(Some(attempt::mend(&self.call, known)), Origin::Joined));
                }
                (Verdict::Ready, Some(known), _) => return Ok(Next::Found(Some(known.record.clone()), Origin::Reused)),
                (Verdict::Denied, ..) => return Err(self.call.report().denied()),
                (_, Some(known), Some(Phase::Starting)) => return Ok(Next::Adopt(known.record.clone())),
                (Verdict::Dead, Some(known), _) if !known.main_lives() => self.end_orphans(known)?,
                (Verdict::Dead, None, _) => return Ok(Next::Start(known.map(|known| known.record))),
                (Verdict::Starting, ..) => return Ok(Next::Wait),
                _ => {}
            }
            let record = alive.map(|known| &known.record);
            let patient = record.is_some() || verdict == Verdict::Busy;
            let limit = if patient { self.call.plan.probe.timeout } else { SECOND_LOOK };
            if let Some(answer) =
                self.call.last().filter(|answer| answer.stranger || since.elapsed() >= limit || self.call.plan.patience.deadline.expired())
            {
                return Err(self.call.report().occupied(answer, record, since.elapsed()));
            }
            let _ = self.call.plan.patience.pause(attempt::interval(since.elapsed()).max(AGAIN));
            self.call.check_cancelled()?;
        }
    }

    /// Its main process is gone and nobody answers, but something it left behind holds the alive lock: ours, by that very lock.
    fn end_orphans(&self, known: &Known) -> Result<()> {
        self.call.warn(format!("the main process of \"{}\" is gone: stopping what it left behind", self.call.plan.name));
        Ours::of(&self.call.plan.place, &known.record, false).end(self.call.plan.stop_timeout, &self.call.plan.patience)
    }

    fn command(&self) -> Result<Start> {
        self.call.plan.start.clone().ok_or_else(|| self.call.report().not_running())
    }

    fn start(&mut self, before: Option<&Record>) -> Result<Server> {
        let start = self.command()?;
        let finished = Attempt::start(&mut self.call, &start, before).and_then(|attempt| attempt.finish(&mut self.call));
        match finished {
            Ok(record) => Ok(self.server(Some(&record), Origin::Started)),
            // Without a lock two may start, and the loser of the bind finds the winner.
            Err(error) if self.lockless && error.code() == ErrorCode::Exited && self.ask()? == Verdict::Ready => self.found(),
            Err(error) => Err(error),
        }
    }

    fn adopt(&mut self, record: Record) -> Result<Server> {
        let record = Attempt::adopt(&self.call, record).finish(&mut self.call)?;
        Ok(self.server(Some(&record), Origin::Joined))
    }

    /// Waits, without the lock, for a server that is coming up and is not ours to start.
    fn wait_outside(&mut self) -> Result<()> {
        let since = Deadline::after(deadline::LONG_ENOUGH);
        loop {
            if self.call.plan.patience.deadline.expired() {
                return Err(self.call.report().never_ready());
            }
            let _ = self.call.plan.patience.pause(attempt::interval(since.elapsed()));
            self.call.check_cancelled()?;
            if self.ask()? != Verdict::Starting {
                return Ok(());
            }
        }
    }

    fn server(&self, record: Option<&Record>, origin: Origin) -> Server {
        let plan = &self.call.plan;
        Server {
            name: plan.name.clone(),
            url: plan.endpoint.as_ref().map(ToString::to_string),
            host: plan.endpoint.as_ref().and_then(Endpoint::host).map(str::to_owned),
            port: plan.endpoint.as_ref().and_then(Endpoint::port),
            pid: record.and_then(|record| record.pid),
            origin,
            generation: record.map(|record| record.generation),
            started_at_ms: record.map(|record| record.started_at),
            ready_ms: record.and_then(|record| record.ready_ms),
            log_file: record.and_then(|record| record.log_file.clone()),
            place: plan.place.dir().to_owned(),
            stop_timeout: plan.stop_timeout,
        }
    }
}
