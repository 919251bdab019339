//! The flow: the one place that branches.

use std::time::Duration;

use crate::addresses::Addresses;
use crate::attempt::{self, Attempt, Begun};
use crate::deadline::{self, Deadline};
use crate::end::Ours;
use crate::error::{Error, ErrorCode, Result};
use crate::flow::{Flow, SECOND_LOOK};
use crate::life::{Known, next_generation};
use crate::probe::Verdict;
use crate::record::{FailedAttempt, Phase, Record};
use crate::report;
use crate::server::{Origin, Server};
use crate::spec::ServerSpec;
use crate::turn::Turn;

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
            let next = flow.decide()?;
            if matches!(next, Next::Wait) {
                drop(lock);
                flow.wait_outside()?;
            } else if let Some(server) = flow.act(next)? {
                return Ok(server);
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
            Next::Start(before) => match flow.begin(before.as_ref(), None)? {
                Begun::ByUs(attempt) => Ok(Kick::Started { pid: attempt.record.pid.unwrap_or_default() }),
                Begun::ByAnother => Ok(Kick::Starting),
            },
        }
    }
}

/// Whether a start came to nothing as that of one does whose address somebody else has by now.
fn lost_the_bind(error: &Error) -> bool {
    matches!(error.code(), ErrorCode::Exited | ErrorCode::PortInUse)
}

/// What is to be done under the lock.
pub(crate) enum Next {
    Found(Option<Record>, Origin),
    Start(Option<Record>),
    Adopt(Record),
    /// Somebody's server is coming up without us: wait for it without the lock.
    Wait,
}

impl Flow {
    /// Under the lock: starts again from the probe, and says what is to be done. A failure is told to those who wait for us.
    fn decide(&mut self) -> Result<Next> {
        let decided = self.weigh();
        if let Err(error) = &decided
            && self.is_everybodys(error)
        {
            let generation = self.known().map_or(0, |known| known.record.generation);
            let _ = FailedAttempt::publish(&self.call.plan.place, &deadline::unique(), generation, error);
        }
        decided
    }

    /// Whether a failure concerns all who wait for the same server, and not only this call.
    pub(crate) fn is_everybodys(&self, error: &Error) -> bool {
        !matches!(error.code(), ErrorCode::Cancelled | ErrorCode::Conflict | ErrorCode::NotRunning | ErrorCode::Timeout)
            && !self.call.lockless
            && !self.call.last().is_some_and(|answer| answer.our_shortage)
    }

    pub(crate) fn weigh(&mut self) -> Result<Next> {
        let mut since = Deadline::after(self.call.plan.probe.timeout);
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
                // Who only looks waits, and ends nothing.
                (_, Some(_), Some(Phase::Starting)) if self.call.plan.start.is_none() => return Ok(Next::Wait),
                (_, Some(known), Some(Phase::Starting)) => return Ok(Next::Adopt(known.record.clone())),
                (Verdict::Dead, Some(known), _)
                    if known.is_orphaned() && self.call.plan.start.is_some() && since.elapsed() >= SECOND_LOOK =>
                {
                    self.end_orphans(known)?;
                    since = Deadline::after(self.call.plan.probe.timeout);
                    continue;
                }
                (Verdict::Dead, None, _) if self.call.plan.patience.deadline.expired() => return Err(self.call.report().never_ready()),
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
        Ours::of(&self.call.plan.place, &known.record, false)
            .end(self.call.plan.stop_timeout, &self.call.plan.patience.afresh(deadline::LONG_ENOUGH))
    }

    /// Runs the command, with any port but the one it has lost; an error where this call may only look.
    fn begin(&mut self, before: Option<&Record>, lost: Option<u16>) -> Result<Begun> {
        if self.call.plan.start.is_none() {
            return Err(self.call.report().not_running());
        }
        let addresses = Addresses::take(&mut self.call, before, lost).inspect_err(|error| {
            let generation = next_generation(&self.call.plan.place, before);
            let _ = FailedAttempt::publish(&self.call.plan.place, &deadline::unique(), generation, error);
        })?;
        let start = self.call.plan.start.clone().ok_or_else(|| self.call.report().not_running())?;
        Attempt::start(&mut self.call, &start, addresses, before)
    }

    /// Starts it, and once more on another port when somebody came before the server to the one that was chosen for it;
    /// `None` when another start of it is under way.
    fn start(&mut self, before: Option<&Record>) -> Result<Option<Result<Record>>> {
        let Begun::ByUs(attempt) = self.begin(before, None)? else { return Ok(None) };
        let chosen = self.call.plan.port.filter(|_| self.call.plan.chooses_port());
        let finished = attempt.with_another_try(chosen.is_some()).finish(&mut self.call);
        match &finished {
            Err(error) if chosen.is_some() && report::lost_its_port(error) => {
                self.call.warn(format!("port {} was taken before the server had it: trying another", chosen.unwrap_or_default()));
            }
            _ => return Ok(Some(finished)),
        }
        let before = self.known().map(|known| known.record);
        match self.begin(before.as_ref(), chosen)? {
            Begun::ByUs(attempt) => Ok(Some(attempt.finish(&mut self.call))),
            Begun::ByAnother => Ok(None),
        }
    }

    /// Does what was decided, under the lock; `None` when it has to be decided anew.
    pub(crate) fn act(&mut self, next: Next) -> Result<Option<Server>> {
        match next {
            Next::Found(record, origin) => Ok(Some(self.server(record.as_ref(), origin))),
            Next::Adopt(record) => {
                let finished = Attempt::adopt(&self.call, record).finish(&mut self.call);
                self.finished(finished, Origin::Joined).map(Some)
            }
            Next::Start(before) => match self.start(before.as_ref()) {
                Ok(None) => Ok(None),
                Ok(Some(finished)) => self.finished(finished, Origin::Started).map(Some),
                Err(error) => self.finished(Err(error), Origin::Started).map(Some),
            },
            Next::Wait => Ok(None),
        }
    }

    fn finished(&mut self, finished: Result<Record>, origin: Origin) -> Result<Server> {
        match finished {
            Ok(record) => Ok(self.server(Some(&record), origin)),
            // Without a lock two may start, and the loser of the bind finds the winner.
            Err(error) if self.call.lockless && lost_the_bind(&error) && self.look_again()? == Verdict::Ready => self.found()?.ok_or(error),
            Err(error) => Err(error),
        }
    }

    /// Waits, without the lock, for a server that is coming up and is not ours to start.
    pub(crate) fn wait_outside(&mut self) -> Result<()> {
        let since = Deadline::after(deadline::LONG_ENOUGH);
        loop {
            if self.call.plan.patience.deadline.expired() {
                return Err(self.call.report().never_ready());
            }
            let _ = self.call.plan.patience.pause(attempt::interval(since.elapsed()));
            self.call.check_cancelled()?;
            let verdict = self.ask()?;
            let coming = self.known().is_some_and(|known| known.record.state == Phase::Starting && known.lives());
            if verdict == Verdict::Ready || (verdict != Verdict::Starting && !coming) {
                return Ok(());
            }
        }
    }
}
