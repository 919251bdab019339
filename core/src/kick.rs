//! A start that nobody waits for.

use std::time::Duration;

use crate::attempt::Begun;
use crate::begin::working_dir;
use crate::declared;
use crate::ensure::Next;
use crate::environment;
use crate::error::{Error, ErrorCode, Result};
use crate::flow::Flow;
use crate::history;
use crate::holder::Holder;
use crate::life::next_generation;
use crate::lock::StartGuard;
use crate::minder;
use crate::probe::{Check, Verdict};
use crate::record::Phase;
use crate::server::{Origin, Server};
use crate::spec::ServerSpec;
use crate::words::words;

/// As long as a question may take where nothing of ours lives: on this machine nobody is there, or answers, sooner.
const QUESTION: Duration = Duration::from_millis(2);

/// What a start that is not waited for came to.
#[derive(Debug)]
#[non_exhaustive]
pub enum Kick {
    /// It runs already.
    Running(Server),
    /// Somebody else is starting it, or it is not ready yet.
    Starting {
        /// Its name.
        name: String,
    },
    /// This call had it started; it is not ready yet.
    Started {
        /// Its name.
        name: String,
    },
    /// It could not be started, and why.
    Failed(Error),
}

impl Kick {
    /// Which of them it is.
    pub fn state(&self) -> KickState {
        match self {
            Kick::Running(_) => KickState::Running,
            Kick::Starting { .. } => KickState::Starting,
            Kick::Started { .. } => KickState::Started,
            Kick::Failed(_) => KickState::Failed,
        }
    }
}

words! {
    /// The kinds of [`Kick`].
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum KickState {
        /// The server runs already.
        Running = "running",
        /// Somebody else is starting it, or it is not ready yet.
        Starting = "starting",
        /// This call had it started.
        Started = "started",
        /// It could not be started.
        Failed = "failed",
    }
}

impl ServerSpec {
    /// Starts the server if nobody has, and does not wait until it is ready: a few milliseconds at most. A minder holds the spawn lock until
    /// the server is ready, so the caller may end in the next moment; whoever asks for the server meanwhile waits, and is told of a failure.
    ///
    /// # Errors
    /// `CONFIG` only. Whatever else goes wrong is [`Kick::Failed`].
    ///
    /// # Platform behavior
    /// Without the native command beside the library or in PATH, and with checks that are functions, this call starts the server itself and
    /// nobody holds the lock until it is ready: who asks next waits for it. While the server is being stopped, that is
    /// `LOCK_TIMEOUT`.
    pub fn kick(self) -> Result<Kick> {
        match Flow::new(self).and_then(|mut flow| flow.kick()) {
            Err(error) if error.code() != ErrorCode::Config => Ok(Kick::Failed(error)),
            kicked => kicked,
        }
    }
}

impl Flow {
    fn kick(&mut self) -> Result<Kick> {
        if self.call.plan.probe.checks.iter().any(Check::answers_later) {
            return Err(Error::config(
                "ready",
                "has a function in it that answers later, and a start that nobody waits for cannot wait for it",
            ));
        }
        if self.call.plan.elsewhere.is_some() {
            return self.look_elsewhere(false).map(Kick::Running);
        }
        if environment::is_within(self.call.plan.place.dir()) {
            return Err(self.call.report().recursive());
        }
        if let Some(known) = self.known().filter(|known| known.lives()) {
            self.refuse_conflict(&known.record)?;
            match known.record.state {
                Phase::Starting => return Ok(self.starting()),
                Phase::Ready | Phase::Stopped => return Ok(Kick::Running(self.server(Some(&known.record), Origin::Reused))),
                // Who ends it holds the lock until it is gone; then it is to be started again.
                Phase::Stopping => return self.have_it_started(None),
            }
        }
        let patience = self.call.plan.patience.within(QUESTION);
        match self.call.ask(&patience).map_err(|_| self.call.cancelled())? {
            Verdict::Ready => return Ok(Kick::Running(self.server(None, Origin::Foreign))),
            Verdict::Denied => return Err(self.call.report().denied()),
            _ if self.call.plan.start.is_none() => return Err(self.call.report().not_running()),
            _ => {}
        }
        match self.try_turn()? {
            Some(lock) => self.have_it_started(lock),
            None => self.busy(),
        }
    }

    fn starting(&self) -> Kick {
        Kick::Starting { name: self.call.plan.name.clone() }
    }

    fn started(&self) -> Kick {
        Kick::Started { name: self.call.plan.name.clone() }
    }

    /// Somebody has the lock: to start the server, if that does not take longer than a start can.
    fn busy(&mut self) -> Result<Kick> {
        let holder = self.call.plan.lock.holder();
        let held = holder.as_ref().map_or(Duration::ZERO, Holder::held);
        match self.call.plan.lock_patience {
            Some(limit) if held >= limit => {
                self.go_past_lock();
                self.have_it_started(None)
            }
            None if held > self.call.plan.timeout => Err(self.call.report().lock_timeout(holder)),
            _ => Ok(self.starting()),
        }
    }

    /// By a minder, who gets the lock that we hold; where there is none to be had, by ourselves.
    fn have_it_started(&mut self, lock: Option<StartGuard>) -> Result<Kick> {
        let plan = &self.call.plan;
        let Some(start) = &plan.start else { return Err(self.call.report().not_running()) };
        let record = declared::record_of(plan, start, working_dir(&self.call, start), 0);
        if record.declared.as_ref().is_some_and(|declared| declared.checks_lost) {
            return self.start_here(lock);
        }
        history::asked(&plan.place, next_generation(&plan.place, self.known().as_ref().map(|known| &known.record)), None);
        match minder::get(plan, record, lock.and_then(StartGuard::hand_over)) {
            Ok(()) => Ok(self.started()),
            Err(cause) => {
                self.call.warn(format!("no minder can be had ({cause}): nobody holds the lock until the server is ready"));
                self.start_here(None)
            }
        }
    }

    /// By this call, under the lock.
    fn start_here(&mut self, lock: Option<StartGuard>) -> Result<Kick> {
        if lock.is_some() || self.call.lockless {
            return self.start_alone(lock);
        }
        match self.try_turn()? {
            Some(lock) => self.start_alone(lock),
            // There is no minder to whom that start could be left.
            None if self.known().is_some_and(|known| known.record.state == Phase::Stopping) => {
                Err(self.call.report().being_stopped(self.call.plan.lock.holder()))
            }
            None => Ok(self.starting()),
        }
    }

    fn start_alone(&mut self, _lock: Option<StartGuard>) -> Result<Kick> {
        match self.decide()? {
            Next::Found(record, origin) => Ok(Kick::Running(self.server(record.as_ref(), origin))),
            Next::Adopt(_) | Next::Wait => Ok(self.starting()),
            Next::Start(before) => match self.begin(before.as_ref(), None)? {
                Begun::ByUs(_) => Ok(self.started()),
                Begun::ByAnother => Ok(self.starting()),
            },
        }
    }
}
