//! Taking one's turn: the spawn lock, or the word of the one who holds it.

use std::time::Duration;

use crate::deadline;
use crate::error::{Error, Result};
use crate::flow::Flow;
use crate::holder::{Holder, waiting_line, who};
use crate::lock::{Acquired, StartGuard};
use crate::overheard;
use crate::place::Stamp;
use crate::policy::OnLockUnavailable;
use crate::probe::Verdict;
use crate::record::{FailedAttempt, Phase, Record};
use crate::server::{Origin, Server};
use crate::sys;

/// A waiter gives the holder this much beyond its own deadline, at most, to say why it failed.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How long a call that does not wait tries for the lock.
const A_LOOK: Duration = Duration::from_millis(5);
/// News of this age are believed without asking the server again.
const FRESH_MS: u64 = 2000;

/// How a call came to act: with the lock, without one where none can be had, or not at all.
pub(crate) enum Turn {
    Ours(Option<StartGuard>),
    /// The holder published that it is ready.
    Joined(Record),
    /// The server itself answered, late in the day.
    Found(Server),
}

/// What the holder of the lock published while we waited.
enum News {
    Ready(Record),
    Failed(Error),
}

impl Flow {
    /// Waits for the lock, or for the word of the one who holds it.
    pub(crate) fn take_turn(&mut self) -> Result<Turn> {
        let whole = &self.call.plan.patience;
        let patience = match self.call.plan.lock_patience {
            Some(limit) => whole.within(limit),
            None => whole.beyond(LAST_WORDS.min(self.call.plan.timeout / 2)),
        };
        match self.call.plan.lock.acquire(&patience, |holder| self.tell_waiting(holder), || self.hear_news()) {
            Acquired::Held(lock) | Acquired::Broken(lock, _) => match self.news() {
                Some(News::Failed(error)) => Err(error),
                // The lock and the word may come in one moment, and which of them is seen first must not show.
                Some(News::Ready(record)) => Ok(Turn::Joined(record)),
                None if self.call.plan.patience.deadline.expired() => self.out_of_time(None),
                None => Ok(Turn::Ours(Some(lock))),
            },
            Acquired::Told(News::Ready(record)) => Ok(Turn::Joined(record)),
            Acquired::Told(News::Failed(error)) => Err(error),
            Acquired::Unavailable(cause) => self.without_lock(cause),
            Acquired::Cancelled => Err(self.call.cancelled()),
            Acquired::Elapsed if self.call.plan.patience.deadline.expired() => self.out_of_time(self.call.plan.lock.holder()),
            Acquired::Elapsed => {
                self.go_past_lock();
                Ok(Turn::Ours(None))
            }
        }
    }

    /// From here on without the lock, as the caller asks whose patience is over.
    pub(crate) fn go_past_lock(&mut self) {
        let holder = who(self.call.plan.lock.holder().as_ref());
        self.call.warn(format!("{holder} still holds the spawn lock; going on without it, as {} asks", self.patience_word()));
        self.call.lockless = true;
    }

    /// A holder that is frozen publishes nothing; its server may be well all the same.
    fn out_of_time(&mut self, holder: Option<Holder>) -> Result<Turn> {
        if self.replaces.is_some() {
            return Err(self.call.report().lock_timeout(holder));
        }
        match self.look_again()? {
            Verdict::Ready => {
                let vouched_for = self.found()?;
                if vouched_for.is_none() && self.known().is_some_and(|known| known.record.state == Phase::Ready) {
                    return Err(self.call.report().lock_timeout(holder));
                }
                let unvouched = || self.server(self.known().map(|known| known.record).as_ref(), Origin::Joined);
                Ok(Turn::Found(vouched_for.unwrap_or_else(unvouched)))
            }
            _ => Err(self.call.report().lock_timeout(holder)),
        }
    }

    /// The lock if it is free now; `None` while somebody else is at it.
    pub(crate) fn try_turn(&mut self) -> Result<Option<Option<StartGuard>>> {
        // A few milliseconds, for somebody who merely looks at the lock.
        match self.call.plan.lock.acquire(&self.call.plan.patience.within(A_LOOK), |_| {}, || None::<()>) {
            Acquired::Held(lock) | Acquired::Broken(lock, _) => Ok(Some(Some(lock))),
            Acquired::Unavailable(cause) => self.without_lock(cause).map(|_| Some(None)),
            Acquired::Cancelled => Err(self.call.cancelled()),
            Acquired::Told(()) | Acquired::Elapsed => Ok(None),
        }
    }

    fn without_lock(&mut self, cause: std::io::Error) -> Result<Turn> {
        // A want of descriptors passes, and is no reason to start past a lock that others hold.
        if !sys::is_unavailable(&cause) {
            return Err(self.call.report().no_place(cause));
        }
        self.call.lockless = true;
        if self.call.plan.start.is_none() {
            return Ok(Turn::Ours(None));
        }
        // With a port of its own for each, no bind would decide between two servers.
        if self.call.plan.on_lock_unavailable == OnLockUnavailable::Fail || self.call.plan.chooses_port() {
            return Err(self.call.report().lock_unavailable(cause));
        }
        self.call.warn(format!("no lock can be had in {} ({cause}): going on without it", self.call.plan.place.dir().display()));
        Ok(Turn::Ours(None))
    }

    fn tell_waiting(&self, holder: Option<Holder>) {
        let message = waiting_line(&format!("spawn lock of \"{}\"", self.call.plan.name), holder.as_ref());
        self.call.tell_waiting(message, holder, overheard::voice(&self.call));
    }

    /// The same, and what the server that is being started says meanwhile is passed on.
    fn hear_news(&self) -> Option<News> {
        self.news().or_else(|| {
            self.overheard.pass_on(&self.call);
            None
        })
    }

    /// What was published since this call began; of a failure and a later success, the success.
    fn news(&self) -> Option<News> {
        let place = &self.call.plan.place;
        let failed = (Stamp::of(&place.failure()) != self.failure_before).then(|| FailedAttempt::read(place)).flatten();
        let failed = failed.filter(|failed| self.awaits_failure(failed));
        let record = (Stamp::of(&place.record()) != self.record_before).then(|| Record::read(place).ok().flatten()).flatten();
        let fresh = |record: &Record| record.state == Phase::Ready && deadline::now_ms().abs_diff(record.ready_at) < FRESH_MS;
        let later = |record: &Record| failed.as_ref().is_none_or(|failed| record.generation > failed.generation);
        match record.filter(|record| fresh(record) && later(record) && self.awaits(record)) {
            Some(record) => Some(News::Ready(record)),
            None => failed.map(|failed| News::Failed(failed.failure.into())),
        }
    }
}
