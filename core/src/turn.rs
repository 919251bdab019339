//! Taking one's turn: the spawn lock, or the word of the one who holds it.

use std::time::Duration;

use crate::deadline;
use crate::ensure::Flow;
use crate::error::{Error, Result};
use crate::event::EventKind;
use crate::lock::{self, Acquired, SpawnLock};
use crate::place::Stamp;
use crate::probe::Verdict;
use crate::record::{FailedAttempt, Phase, Record};
use crate::server::Server;
use crate::spec::OnLockUnavailable;

/// A waiter gives the holder this much beyond its own deadline, at most, to say why it failed.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// News of this age are believed without asking the server again.
const FRESH_MS: u64 = 2000;

/// How a call came to act: with the lock, without one where none can be had, or not at all.
pub(crate) enum Turn {
    Ours(Option<SpawnLock>),
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
                None if self.call.plan.patience.deadline.expired() => self.out_of_time(None),
                None => Ok(Turn::Ours(Some(lock))),
            },
            Acquired::Told(news) => self.heed(news),
            Acquired::Unavailable(cause) => self.without_lock(cause),
            Acquired::Cancelled => Err(self.call.cancelled()),
            Acquired::Elapsed if self.call.plan.patience.deadline.expired() => self.out_of_time(lock::holder(&place)),
            Acquired::Elapsed => {
                let holder = lock::holder(&place).map_or_else(|| "another process".to_owned(), |holder| holder.to_string());
                self.call.warn(format!("{holder} still holds the spawn lock; going on without it, as lock patience asks"));
                self.lockless = true;
                Ok(Turn::Ours(None))
            }
        }
    }

    /// A holder that is frozen publishes nothing; its server may be well all the same.
    fn out_of_time(&mut self, holder: Option<lock::Holder>) -> Result<Turn> {
        match self.look_again()? {
            Verdict::Ready => self.found().map(Turn::Found),
            _ => Err(self.call.report().lock_timeout(holder)),
        }
    }

    /// The lock if it is free now; `None` while somebody else is at it.
    pub(crate) fn try_turn(&mut self) -> Result<Option<Option<SpawnLock>>> {
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
        self.lockless = true;
        if self.call.plan.start.is_none() {
            return Ok(Turn::Ours(None));
        }
        if self.call.plan.on_lock_unavailable == OnLockUnavailable::Fail {
            return Err(self.call.report().lock_unavailable(cause));
        }
        self.call.warn(format!("no lock can be had in {} ({cause}): going on without it", self.call.plan.place.dir().display()));
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
}
