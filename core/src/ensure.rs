//! The flow: the one place that branches.

use std::cell::RefCell;
use std::path::PathBuf;
use std::time::Duration;

use crate::attempt::{self, Attempt};
use crate::call::Call;
use crate::deadline::{self, Deadline};
use crate::end::Ours;
use crate::environment;
use crate::error::{Error, ErrorCode, Result};
use crate::event::EventKind;
use crate::life::{Known, Seen};
use crate::lock::{self, Acquired, SpawnLock};
use crate::place::Stamp;
use crate::probe::{Endpoint, Verdict};
use crate::record::{FailedAttempt, Phase, Record};
use crate::server::{Origin, Server};
use crate::spec::{OnLockUnavailable, ServerSpec};
use crate::sys;

/// Under the lock the server gets at least this long to answer.
const SECOND_LOOK: Duration = Duration::from_millis(200);
/// A server that answers wrongly is not asked more often than this.
const AGAIN: Duration = Duration::from_millis(20);
/// A waiter gives the holder this much beyond its own deadline, at most, to say why it failed.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// News of this age are believed without asking the server again.
const FRESH_MS: u64 = 2000;

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

/// How a call came to act: with the lock, without one where none can be had, or not at all.
enum Turn {
    Ours(Option<SpawnLock>),
    /// The holder published that it is ready.
    Joined(Record),
}

/// What is to be done under the lock.
enum Next {
    Found(Option<Record>, Origin),
    Start(Option<Record>),
    Adopt(Record),
    /// Somebody's server is coming up without us: wait for it without the lock.
    Wait,
}

/// What the holder of the lock published while we waited.
enum News {
    Ready(Record),
    Failed(Error),
}

struct Flow {
    call: Call,
    /// What was published before this call began, so that only news count.
    failure_before: Stamp,
    record_before: Stamp,
    /// The lock could not be had, so the server's own bind decides.
    lockless: bool,
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

    /// The server answered as a healthy one: whose is it?
    fn found(&mut self) -> Result<Server> {
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
        let Some(port) = self.call.plan.endpoint.as_ref().and_then(Endpoint::port) else { return };
        let Some(uid) = sys::listener_uid(port).filter(|uid| *uid != sys::user_id()) else { return };
        let user = sys::user_name(uid).unwrap_or_else(|| uid.to_string());
        self.call.warn(format!("port {port} is served by user {user}, not by us"));
    }

    /// Waits for the lock, or for the word of the one who holds it.
    fn take_turn(&mut self) -> Result<Turn> {
        let place = self.call.plan.place.clone();
        if let Err(cause) = place.create() {
            return self.without_lock(cause);
        }
        let whole = &self.call.plan.patience;
        let patience = match self.call.plan.lock_patience {
            Some(limit) => whole.within(limit),
            None => whole.beyond(LAST_WORDS.min(self.call.plan.timeout / 10)),
        };
        match SpawnLock::acquire(&place, &patience, |holder| self.tell_waiting(holder), || self.news()) {
            Acquired::Held(lock) => match self.news() {
                Some(news) => self.heed(news),
                None if self.call.plan.patience.deadline.expired() => Err(self.call.report().lock_timeout(None)),
                None => Ok(Turn::Ours(Some(lock))),
            },
            Acquired::Told(news) => self.heed(news),
            Acquired::Unavailable(cause) => self.without_lock(cause),
            Acquired::Cancelled => Err(self.call.cancelled()),
            Acquired::Elapsed if self.call.plan.patience.deadline.expired() => Err(self.call.report().lock_timeout(lock::holder(&place))),
            Acquired::Elapsed => {
                let holder = lock::holder(&place).map_or_else(|| "another process".to_owned(), |holder| holder.to_string());
                self.call.warn(format!("{holder} still holds the spawn lock; going on without it, as lock patience asks"));
                self.lockless = true;
                Ok(Turn::Ours(None))
            }
        }
    }

    /// The lock if it is free now; `None` while somebody else is at it.
    fn try_turn(&mut self) -> Result<Option<Option<SpawnLock>>> {
        let place = self.call.plan.place.clone();
        let attempt = match place.create() {
            Ok(()) => SpawnLock::try_acquire(&place),
            Err(cause) => lock::Attempt::Unavailable(cause),
        };
        match attempt {
            lock::Attempt::Held(lock) => Ok(Some(Some(lock))),
            lock::Attempt::Busy => Ok(None),
            lock::Attempt::Unavailable(cause) => self.without_lock(cause).map(|_| Some(None)),
        }
    }

    fn without_lock(&mut self, cause: std::io::Error) -> Result<Turn> {
        if self.call.plan.start.is_none() {
            return Err(self.call.report().not_running());
        }
        if self.call.plan.on_lock_unavailable == OnLockUnavailable::Fail {
            return Err(self.call.report().lock_unavailable(cause));
        }
        self.call.warn(format!("no lock can be had in {} ({cause}): going on without it", self.call.plan.place.dir().display()));
        self.lockless = true;
        Ok(Turn::Ours(None))
    }

    fn tell_waiting(&self, holder: Option<lock::Holder>) {
        let who = holder.as_ref().map_or_else(|| "another process".to_owned(), ToString::to_string);
        let message = format!("waiting for the spawn lock of \"{}\", held by {who}", self.call.plan.name);
        self.call.tell_of(EventKind::Waiting, message, None, holder);
    }

    /// What was published since this call began.
    fn news(&self) -> Option<News> {
        let place = &self.call.plan.place;
        if Stamp::of(&place.failure()) != self.failure_before {
            return FailedAttempt::read(place).map(|failed| News::Failed(failed.failure.into()));
        }
        if Stamp::of(&place.record()) == self.record_before {
            return None;
        }
        let record = Record::read(place).ok().flatten()?;
        let fresh = deadline::now_ms().abs_diff(record.ready_at) < FRESH_MS;
        (record.state == Phase::Ready && fresh).then_some(News::Ready(record))
    }

    fn heed(&mut self, news: News) -> Result<Turn> {
        match news {
            News::Ready(record) => Ok(Turn::Joined(record)),
            News::Failed(error) => Err(error),
        }
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
            let patience = self.call.plan.patience.at_least(SECOND_LOOK);
            let verdict = self.call.ask(&patience).map_err(|_| self.call.cancelled())?;
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

    fn command(&self) -> Result<crate::spec::Start> {
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

thread_local! {
    /// The places of the calls under way on this thread: a check or a listener that asks for the same server would wait for itself.
    static UNDER_WAY: RefCell<Vec<PathBuf>> = const { RefCell::new(Vec::new()) };
}

/// Marks a call as under way on this thread.
struct Inside(PathBuf);

impl Inside {
    fn enter(place: PathBuf) -> Option<Self> {
        UNDER_WAY.with_borrow_mut(|under_way| {
            if under_way.contains(&place) {
                return None;
            }
            under_way.push(place.clone());
            Some(Inside(place))
        })
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        UNDER_WAY.with_borrow_mut(|under_way| under_way.retain(|place| *place != self.0));
    }
}
