//! The flow: the one place that branches.

use std::time::Duration;

use crate::attempt::{self, Attempt, Begun};
use crate::crash;
use crate::deadline::{self, Deadline};
use crate::end::Ours;
use crate::error::{Error, ErrorCode, Result};
use crate::flow::{Flow, SECOND_LOOK};
use crate::life::Known;
use crate::policy::Unresponsive;
use crate::probe::Verdict;
use crate::record::{FailedAttempt, Phase, Record};
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
                Turn::Joined(record) => match flow.joined(&record)? {
                    Some(server) => return Ok(server),
                    None => continue,
                },
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
            Next::Start(before) => match flow.begin(before.as_ref())? {
                Begun::ByUs(attempt) => Ok(Kick::Started { pid: attempt.record.pid.unwrap_or_default() }),
                Begun::ByAnother => Ok(Kick::Starting),
            },
        }
    }
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
        let decided = self.weigh().and_then(|next| self.settle(next)).and_then(|next| self.refuse_crash_loop(next));
        if let Err(error) = &decided
            && self.is_everybodys(error)
        {
            let generation = self.known().map_or(0, |known| known.record.generation);
            let _ = FailedAttempt::publish(&self.call.plan.place, &deadline::unique(), generation, error);
        }
        decided
    }

    /// A server that died soon after "ready" again and again is not started for a while.
    fn refuse_crash_loop(&mut self, next: Next) -> Result<Next> {
        let Next::Start(Some(record)) = &next else { return Ok(next) };
        let crashes = crash::crashes(&self.call.plan.place, record);
        match crash::next_try_ms(&crashes) {
            Some(next_ms) if self.call.plan.start.is_some() => Err(self.call.report().crash_loop(record, &crashes, next_ms)),
            _ => Ok(next),
        }
    }

    /// Whether a failure concerns all who wait for the same server, and not only this call.
    pub(crate) fn is_everybodys(&self, error: &Error) -> bool {
        !matches!(
            error.code(),
            ErrorCode::Cancelled | ErrorCode::Conflict | ErrorCode::NotRunning | ErrorCode::Timeout | ErrorCode::Version
        ) && !self.call.lockless
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
                let error = self.call.report().occupied(answer, record, since.elapsed());
                let Some(known) = alive.filter(|known| self.may_replace(known, &error)) else { return Err(error) };
                self.replace_unresponsive(known)?;
                since = Deadline::after(self.call.plan.probe.timeout);
            }
            let _ = self.call.plan.patience.pause(attempt::interval(since.elapsed()).max(AGAIN));
            self.call.check_cancelled()?;
        }
    }

    /// Whether what does not answer is ours beyond doubt, and is to be replaced.
    fn may_replace(&self, known: &Known, error: &Error) -> bool {
        let asked = self.call.plan.policy.unresponsive == Unresponsive::Replace && self.call.plan.start.is_some();
        asked && error.code() == ErrorCode::Unresponsive && known.is_proven() && !self.call.lockless
    }

    /// Its main process is gone and nobody answers, but something it left behind holds the alive lock: ours, by that very lock.
    fn end_orphans(&self, known: &Known) -> Result<()> {
        self.call.warn(format!("the main process of \"{}\" is gone: stopping what it left behind", self.call.plan.name));
        Ours::of(&self.call.plan.place, &known.record, false)
            .end(self.call.plan.stop_timeout, &self.call.plan.patience.afresh(deadline::LONG_ENOUGH))
    }

    /// Runs the command; an error where this call may only look.
    fn begin(&mut self, before: Option<&Record>) -> Result<Begun> {
        let start = self.call.plan.start.clone().ok_or_else(|| self.call.report().not_running())?;
        Attempt::start(&mut self.call, &start, before)
    }

    /// Does what was decided, under the lock; `None` when it has to be decided anew.
    pub(crate) fn act(&mut self, next: Next) -> Result<Option<Server>> {
        match next {
            Next::Found(record, origin) => Ok(Some(self.server(record.as_ref(), origin))),
            Next::Adopt(record) => {
                let finished = Attempt::adopt(&self.call, record).finish(&mut self.call);
                self.finished(finished, Origin::Joined).map(Some)
            }
            Next::Start(before) => match self.begin(before.as_ref())? {
                Begun::ByUs(attempt) => {
                    let finished = attempt.finish(&mut self.call);
                    self.finished(finished, Origin::Started).map(Some)
                }
                Begun::ByAnother => Ok(None),
            },
            Next::Wait => Ok(None),
        }
    }

    fn finished(&mut self, finished: Result<Record>, origin: Origin) -> Result<Server> {
        match finished {
            Ok(record) => Ok(self.server(Some(&record), origin)),
            // Without a lock two may start, and the loser of the bind finds the winner.
            Err(error) if self.call.lockless && error.code() == ErrorCode::Exited && self.look_again()? == Verdict::Ready => {
                self.found()?.ok_or(error)
            }
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
