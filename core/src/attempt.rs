//! One start, from the spawn to "ready" or to the reason why not.

use std::time::Duration;

use crate::addresses::{self, Addresses};
use crate::begin::{has_alive_lock, launched, open_log, working_dir};
use crate::call::Call;
use crate::cancel::Patience;
use crate::deadline::{self, Deadline};
use crate::declared;
use crate::end::Ours;
use crate::ended::{self, Watching};
use crate::environment;
use crate::error::{Error, Result};
use crate::event::EventKind;
use crate::hearing::Hearing;
use crate::history;
use crate::launch::{Launch, Launched, Refused};
use crate::life::{Known, next_generation};
use crate::lock::AliveLock;
use crate::place::Place;
use crate::probe::{Unasked, Verdict};
use crate::record::{Alive, FailedAttempt, Phase, Record};
use crate::report;
use crate::start::Start;
use crate::sys::{self, Ending};

/// How long a server whose start failed may take to end politely.
const GRACE: Duration = Duration::from_secs(2);
/// The same when its main process is dead already and only descendants are left.
const GRACE_OF_ORPHANS: Duration = Duration::from_millis(100);

/// The bounds of the interval between two questions, and of the pause after an answer.
const QUESTIONS_LEAST: Duration = Duration::from_millis(1);
const QUESTIONS_MOST: Duration = Duration::from_millis(250);
const LEAST_PAUSE: Duration = Duration::from_micros(500);
const SHORT_START: Duration = Duration::from_millis(80);
/// How long a server whose port is served by another may take to notice.
const STRANGER_SETTLES: Duration = Duration::from_secs(2);

/// A start that is under way: ours, or one whose starter died.
pub(crate) struct Attempt {
    pub(crate) record: Record,
    launched: Option<Launched>,
    hearing: Hearing,
    since: Deadline,
    /// The command has ended with success and what it started goes on.
    handed_over: bool,
    /// Without its port it is started once more.
    has_another_try: bool,
}

/// What came of a start.
pub(crate) enum Begun {
    ByUs(Box<Attempt>),
    /// A server of this place is coming up whose starter died before anybody could see it.
    ByAnother,
}

impl Attempt {
    /// Writes the record, marks the log and runs the command.
    ///
    /// # Errors
    /// `SPAWN` when it cannot be run, `CONFIG` when the log of the user's choice cannot be written.
    pub(crate) fn start(call: &mut Call, start: &Start, addresses: Addresses, before: Option<&Record>) -> Result<Begun> {
        let place = call.plan.place.clone();
        let mut record = declared::record_of(&call.plan, start, working_dir(call, start), next_generation(&place, before));
        declared::inherit(&mut record, &place, before, call.because.as_ref());
        let log = open_log(call, start, &record).inspect_err(|error| publish(&place, &record, error))?;
        if let Some(log) = &log {
            record.log_file = Some(log.path.clone());
            record.log_offset = log.offset;
        }
        record.sockets.clone_from(&addresses.files);
        call.note(record.write(&place));
        history::asked(&place, record.generation, before);
        let mut hearing = Hearing::begin(call, &record).inspect_err(|error| never_ran(&place, &mut record, error))?;
        let alive = place.alive_lock();
        let ours = [
            (environment::NAME, call.plan.name.clone()),
            (environment::PLACE, place.dir().display().to_string()),
            (environment::GENERATION, record.generation.to_string()),
        ];
        let ours: Vec<_> = ours.into_iter().chain(addresses.variables(&call.plan.listen)).chain(hearing.variable()).collect();
        let what = Launch {
            argv: &start.argv,
            cwd: &record.cwd,
            env: environment::for_server(start.inherit_env, &start.env_with(call.plan.address_variables()), &ours, place.dir()),
            umask: start.umask,
            stdin: None,
            log: log.map(|log| log.file),
            alive: has_alive_lock(&alive).then_some(alive.as_path()),
            wanted_by: None,
            on_end: Box::new({
                let (place, generation) = (place.clone(), record.generation);
                let watching = Watching::begin(&place, generation);
                move |ending| {
                    ended::note_end(&place, generation, Some(ending));
                    drop(watching);
                }
            }),
            // With that the port is free for the server.
            pass: addresses.into_listeners(),
        };
        let since = Deadline::after(deadline::LONG_ENOUGH);
        let launched = match launched(call, what, record.generation, &mut hearing) {
            Ok(launched) => launched,
            // Its record is lost, and ours, without a pid, is good enough to find it by.
            Err(Refused::Another) => {
                // It may be the one that our minder ran, killed before its first word: what it says meanwhile must not be lost.
                call.hearing = hearing;
                return Ok(Begun::ByAnother);
            }
            Err(Refused::Command { cause, hint }) => {
                let error = call.report().spawn(start, &record, cause, hint);
                never_ran(&place, &mut record, &error);
                return Err(error);
            }
        };
        record.set_process(launched.pid);
        call.note(record.write(&place));
        history::started(&place, &record, &start.readable());
        call.tell_start(EventKind::Starting, format!("started `{}` as pid {}", start.readable(), launched.pid), &record);
        Ok(Begun::ByUs(Box::new(Attempt { launched: Some(launched), since, ..Attempt::of(record, hearing) })))
    }

    /// Takes over the start of somebody who is gone.
    pub(crate) fn adopt(call: &mut Call, record: Record) -> Self {
        history::adopted(&call.plan.place, &record);
        call.tell_start(EventKind::Adopting, "nobody waits for the start of this server any more; waiting for it now".into(), &record);
        let hearing = Hearing::again(call, &record);
        Attempt::of(record, hearing)
    }

    /// A start of somebody else, seen from now on.
    fn of(record: Record, hearing: Hearing) -> Self {
        let since = Deadline::after(deadline::LONG_ENOUGH);
        Attempt { record, launched: None, hearing, since, handed_over: false, has_another_try: false }
    }

    /// The same, when it is started once more should it find its port taken: nobody is told of a failure that is not the last word.
    pub(crate) fn with_another_try(self, has: bool) -> Self {
        Attempt { has_another_try: has, ..self }
    }

    /// Waits until the server is ready and publishes it; a failure is published too, and leaves no process behind.
    /// A wait that is cancelled leaves the server to those who come after: it is everybody's.
    pub(crate) fn finish(mut self, call: &mut Call) -> Result<Record> {
        match self.await_ready(call) {
            Ok(()) => {
                self.publish_ready(call);
                Ok(self.record)
            }
            Err(error) if call.plan.patience.cancel.is_cancelled() || !self.is_ours_to_end(call) => Err(error),
            Err(error) => {
                history::failed(&call.plan.place, self.record.generation, &error);
                if !(self.has_another_try && report::lost_its_port(&error)) {
                    publish(&call.plan.place, &self.record, &error);
                }
                self.clean_up(call);
                Err(error)
            }
        }
    }

    /// A server that somebody else started has the time that was meant for it, however little is left to those who wait;
    /// and who came past the lock ends nothing.
    fn is_ours_to_end(&self, call: &Call) -> bool {
        if self.launched.is_some() {
            return true;
        }
        let dead = !AliveLock::of(&call.plan.place).is_held() && self.record.living_process().is_none();
        let meant = call.plan.timeout.max(Duration::from_millis(self.record.timeout_ms));
        let lasted = Duration::from_millis(deadline::now_ms().saturating_sub(self.record.started_at));
        !call.lockless && (dead || lasted >= meant)
    }

    fn await_ready(&mut self, call: &mut Call) -> Result<()> {
        let mut confirmed = false;
        let mut strange = None;
        loop {
            self.hearing.hear(call, self.record.pid);
            self.check_life(call)?;
            let patience = match &self.launched {
                Some(launched) if !self.handed_over => call.plan.patience.until_rung(&launched.death),
                _ => call.plan.patience.clone(),
            };
            let asked = Deadline::after(deadline::LONG_ENOUGH);
            let verdict = match call.ask_ours(&self.record, self.hearing.said(), &patience) {
                Ok(verdict) => verdict,
                Err(Unasked::Impossible(error)) => return Err(error),
                Err(Unasked::BrokenOff) => {
                    call.check_cancelled()?;
                    continue;
                }
            };
            if let Some(port) = call.last().and_then(|answer| answer.port) {
                addresses::hear_port(call, &mut self.record, port)?;
            }
            match (verdict, confirmed) {
                // Some die of their first request: one more answer, and a look at the process, before we vouch for it.
                (Verdict::Ready, false) => {
                    confirmed = true;
                    continue;
                }
                (Verdict::Ready, true) => {
                    self.check_life(call)?;
                    if self.is_ours(call, &mut strange) {
                        return Ok(());
                    }
                }
                _ => confirmed = false,
            }
            if patience.deadline.expired() {
                let ends = self.is_ours_to_end(call);
                return Err(call.report().timeout(&self.record, self.since.elapsed(), ends));
            }
            // Counted from question to question, so that a slow answer is no later one. Where a queue takes questions, one is always in it.
            let interval = if call.plan.is_queued_for() { LEAST_PAUSE } else { interval(self.since.elapsed()) };
            let pause = interval.saturating_sub(asked.elapsed()).max(LEAST_PAUSE);
            let _ = self.hearing.pause(&patience, pause);
            call.check_cancelled()?;
        }
    }

    /// Whether the healthy answer may be vouched for. When the port is served by a process that is none of ours, ours is likely
    /// about to die of it, and gets a while to do so; after that it is taken for a server behind a proxy, as containers have it.
    fn is_ours(&self, call: &Call, strange: &mut Option<Deadline>) -> bool {
        let Some(port) = call.plan.endpoint.as_ref().and_then(|endpoint| endpoint.loopback_port()) else { return true };
        let Some(main) = self.record.pid else { return true };
        let served = |pids: &[u32]| sys::listens(pids, port) != Some(false);
        if served(&[main]) || served(&sys::group_members(main)) || served(&AliveLock::of(&call.plan.place).holders()) {
            return true;
        }
        if strange.get_or_insert_with(|| Deadline::after(STRANGER_SETTLES)).expired() {
            call.warn(format!("port {port} is served by a process that this start did not start"));
            return true;
        }
        false
    }

    /// An error once the server is dead. A launcher that exits with success while something it started lives is no death.
    fn check_life(&mut self, call: &Call) -> Result<()> {
        let alive = AliveLock::of(&call.plan.place);
        let ending = match &self.launched {
            Some(launched) if !self.handed_over => match launched.ended() {
                None => return Ok(()),
                Some(Some(Ending::Code(0))) if alive.is_held() => {
                    self.handed_over = true;
                    return Ok(());
                }
                Some(ending) => ending,
            },
            _ if alive.is_held() || (!self.handed_over && self.record.living_process().is_some()) => return Ok(()),
            _ => None,
        };
        Err(call.report().exited(&self.record, ending.as_ref(), self.since.elapsed()))
    }

    fn publish_ready(&mut self, call: &Call) {
        let alive = AliveLock::of(&call.plan.place);
        let held = alive.is_held();
        if held && self.record.living_process().is_none() {
            let oldest = alive.holders().into_iter().filter_map(|pid| Some((sys::process(pid)?.start_time, pid))).min();
            oldest.inspect(|(_, pid)| self.record.set_process(*pid));
        }
        self.record.alive = if held { Alive::Lock } else { Alive::Pid };
        self.record.state = Phase::Ready;
        self.record.ready_at = deadline::now_ms();
        self.record.ready_ms = Some(match self.launched {
            Some(_) => self.since.elapsed().as_millis() as u64,
            None => self.record.ready_at.saturating_sub(self.record.started_at),
        });
        call.note(self.record.write(&call.plan.place));
        history::ready(&call.plan.place, &self.record);
        call.tell(EventKind::Ready, format!("server \"{}\" is ready", self.record.name), self.record.pid);
    }

    fn clean_up(&mut self, call: &Call) {
        let dead = self.launched.as_ref().is_some_and(|launched| launched.ended().is_some());
        let grace = if dead { GRACE_OF_ORPHANS } else { GRACE.min(call.plan.stop_timeout) };
        let pinned = self.launched.as_ref().is_some_and(Launched::is_pinned);
        let ended = Ours::of(&call.plan.place, &self.record, pinned).end(grace, &Patience::uncancelled());
        match ended {
            Ok(()) => self.record.state = Phase::Stopped,
            Err(error) => call.warn(error.to_string()),
        }
        call.note(self.record.write(&call.plan.place));
    }
}

/// Tells of an attempt whose command was not run.
fn never_ran(place: &Place, record: &mut Record, error: &Error) {
    publish(place, record, error);
    history::failed(place, record.generation, error);
    record.state = Phase::Stopped;
    let _ = record.write(place);
}

/// Tells everybody who waits for this attempt why it failed.
fn publish(place: &Place, record: &Record, error: &Error) {
    let _ = FailedAttempt::publish(place, &record.attempt, record.generation, error);
}

/// The probe interval follows the time already waited: a start is noticed within a fortieth of its length, with few questions.
/// Short starts are the common ones, and get a question a millisecond.
pub(crate) fn interval(waited: Duration) -> Duration {
    if waited < SHORT_START { QUESTIONS_LEAST } else { (waited / 40).clamp(QUESTIONS_LEAST, QUESTIONS_MOST) }
}

/// A server that lives, and whose ready state nobody could publish.
pub(crate) fn mend(call: &Call, known: &Known) -> Record {
    let mut attempt = Attempt::of(known.record.clone(), Hearing::default());
    attempt.publish_ready(call);
    attempt.record
}
