//! The flow: the one place that branches.

use std::fs::File;
use std::time::Duration;

use crate::addresses::Addresses;
use crate::attempt::{self, Attempt, Begun};
use crate::crash;
use crate::deadline::{self, Deadline};
use crate::end::{self, Ours};
use crate::ended::EndReason;
use crate::error::{Error, ErrorCode, Result};
use crate::flow::{Flow, SECOND_LOOK};
use crate::life::{Known, next_generation};
use crate::policy::Unresponsive;
use crate::probe::Verdict;
use crate::record::{FailedAttempt, Phase, Record};
use crate::report;
use crate::server::{Origin, ScopedServer, Server};
use crate::spec::ServerSpec;
use crate::turn::Turn;

/// A server that answers wrongly is not asked more often than this.
const AGAIN: Duration = Duration::from_millis(20);

impl ServerSpec {
    /// Gets the server: starts it if nobody has, waits until it is ready.
    ///
    /// # Errors
    /// Any [`ErrorCode`] but `STOP` and `NATIVE`; the text says what was attempted and what to look at.
    ///
    /// # Platform behavior
    /// Waiters are woken by the kernel on Linux and look every 1 to 50 ms elsewhere.
    pub fn ensure(self) -> Result<Server> {
        self.ensure_holding(None)
    }

    /// The same for somebody who holds the spawn lock already.
    pub(crate) fn ensure_holding(self, lock: Option<File>) -> Result<Server> {
        let mut flow = Flow::new(self)?;
        if flow.call.plan.elsewhere.is_some() {
            return flow.look_elsewhere(true);
        }
        flow.use_it();
        let mut held = lock.and_then(|lock| flow.call.plan.lock.handed_over(lock));
        loop {
            let lock = match held.take() {
                Some(lock) => Some(lock),
                None => match flow.come_by()? {
                    Turn::Ours(lock) => lock,
                    Turn::Found(server) => return Ok(server),
                    Turn::Joined(record) => match flow.joined(&record)? {
                        Some(server) => return Ok(server),
                        None => continue,
                    },
                },
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

    /// Gets the server for a scope: it is stopped when its last user is gone, killed ones included, unless the spec says otherwise.
    ///
    /// # Errors
    /// As [`ensure`](ServerSpec::ensure).
    ///
    /// # Example
    /// ```no_run
    /// use spawnlock::ServerSpec;
    /// let api = ServerSpec::new("api").command(["node", "server.js"]).ready("http://localhost:1987/health").scoped()?;
    /// println!("{:?}", api.url());
    /// drop(api); // the last of all who use it stops it
    /// # Ok::<(), spawnlock::Error>(())
    /// ```
    pub fn scoped(self) -> Result<ScopedServer> {
        self.ensure_scoped().map(ScopedServer::new)
    }

    /// The same without a guard: for those who say themselves, by [`Server::release`], when they are done.
    ///
    /// # Errors
    /// As [`ensure`](ServerSpec::ensure).
    pub fn ensure_scoped(mut self) -> Result<Server> {
        self.in_scope = true;
        self.ensure()
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
    /// Without the lock: the server as it is, else the lock, or what its holder said.
    fn come_by(&mut self) -> Result<Turn> {
        match self.look()? {
            Some(server) => Ok(Turn::Found(server)),
            None => self.take_turn(),
        }
    }

    /// Under the lock: starts again from the probe, and says what is to be done. A failure is told to those who wait for us.
    pub(crate) fn decide(&mut self) -> Result<Next> {
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
                (_, Some(known), Some(Phase::Stopping)) if self.call.plan.start.is_some() => {
                    self.end_halfway(known)?;
                    since = Deadline::after(self.call.plan.probe.timeout);
                    continue;
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

    /// Whoever was stopping it is gone.
    fn end_halfway(&self, known: &Known) -> Result<()> {
        // Who came past the lock leaves it to whoever has that.
        if let Some(holder) = self.call.plan.lock.holder().filter(|_| self.call.lockless) {
            let _ = self.call.plan.patience.pause(AGAIN);
            self.call.check_cancelled()?;
            return if self.call.plan.patience.deadline.expired() { Err(self.call.report().lock_timeout(Some(holder))) } else { Ok(()) };
        }
        self.call.warn(format!("the stop of \"{}\" was broken off: stopping it", self.call.plan.name));
        let patience = self.call.plan.patience.afresh(deadline::LONG_ENOUGH);
        end::end_server(&self.call.plan.place, &known.record, EndReason::Stopped, self.call.plan.stop_timeout, &patience, || false)
            .map(drop)
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

    /// Runs the command, with any port but the one it has lost; an error where this call may only look.
    pub(crate) fn begin(&mut self, before: Option<&Record>, lost: Option<u16>) -> Result<Begun> {
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
    fn start(&mut self, before: Option<&Record>) -> Result<Option<Record>> {
        let Begun::ByUs(attempt) = self.begin(before, None)? else { return Ok(None) };
        let chosen = self.call.plan.port.filter(|_| self.call.plan.chooses_port());
        let finished = attempt.with_another_try(chosen.is_some()).finish(&mut self.call);
        match &finished {
            Err(error) if chosen.is_some() && report::lost_its_port(error) => {
                self.call.warn(format!("port {} was taken before the server had it: trying another", chosen.unwrap_or_default()));
            }
            _ => return finished.map(Some),
        }
        let before = self.known().map(|known| known.record);
        match self.begin(before.as_ref(), chosen)? {
            Begun::ByUs(attempt) => attempt.finish(&mut self.call).map(Some),
            Begun::ByAnother => Ok(None),
        }
    }

    /// Does what was decided, under the lock; `None` when it has to be decided anew.
    pub(crate) fn act(&mut self, next: Next) -> Result<Option<Server>> {
        match next {
            Next::Found(record, origin) => {
                record.as_ref().map(|record| self.is_given(record));
                Ok(Some(self.server(record.as_ref(), origin)))
            }
            Next::Adopt(record) => {
                let finished = Attempt::adopt(&mut self.call, record).finish(&mut self.call);
                self.finished(finished, Origin::Joined).map(Some)
            }
            Next::Start(before) => {
                self.start(before.as_ref()).transpose().map(|finished| self.finished(finished, Origin::Started)).transpose()
            }
            Next::Wait => Ok(None),
        }
    }

    fn finished(&mut self, finished: Result<Record>, origin: Origin) -> Result<Server> {
        match finished {
            Ok(record) => {
                self.is_given(&record);
                Ok(self.server(Some(&record), origin))
            }
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
            let coming = self.known().as_ref().is_some_and(Known::is_coming);
            if verdict == Verdict::Ready || (verdict != Verdict::Starting && !coming) {
                return Ok(());
            }
        }
    }
}
