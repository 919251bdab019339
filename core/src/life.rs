//! Whether a server of ours lives, by its alive lock first, else by pid, start time and boot.

use std::io;

use crate::ended::Ended;
use crate::lock::AliveLock;
use crate::place::Place;
use crate::record::{FailedAttempt, Phase, Record};

/// What our records say of a name, held against the alive lock.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) record: Record,
    /// A process of the server holds the alive lock.
    held: bool,
}

/// What a place tells.
#[derive(Debug)]
pub(crate) enum Seen {
    /// It was never used, or nothing is written down.
    Nothing,
    Known(Known),
    /// `server.json` makes no sense, and nothing of the server lives that we could ask instead.
    Garbage(io::Error),
}

impl Seen {
    /// What is known, as far as anything is.
    pub(crate) fn known(self) -> Option<Known> {
        match self {
            Seen::Known(known) => Some(known),
            Seen::Nothing | Seen::Garbage(_) => None,
        }
    }
}

impl Known {
    /// Reads the record and asks the alive lock.
    pub(crate) fn look(place: &Place, name: &str) -> Seen {
        let alive = AliveLock::of(place);
        let held = alive.is_held();
        let record = match Record::read(place) {
            Ok(Some(record)) => record,
            Ok(None) if !held => return Seen::Nothing,
            Err(problem) if !held => return Seen::Garbage(problem),
            Ok(None) | Err(_) => rebuilt(place, name),
        };
        Seen::Known(Known { record, held })
    }

    /// The same of one of which something lives.
    pub(crate) fn living(place: &Place, name: &str) -> Option<Self> {
        Known::look(place, name).known().filter(Known::lives)
    }

    /// Finds what a starter that died halfway could not write: the server's own pid. It takes a look at every process of the
    /// machine, so those who only wait for a start leave it out.
    pub(crate) fn with_pid(mut self, place: &Place) -> Self {
        let alive = AliveLock::of(place);
        if self.held && self.record.pid.is_none() {
            // A number in a file proves nothing; that this very process holds the lock does.
            alive.pid().filter(|pid| alive.holders().contains(pid)).inspect(|pid| self.record.set_process(*pid));
        }
        self
    }

    /// Whether anything of the server lives.
    pub(crate) fn lives(&self) -> bool {
        self.held || self.main_lives()
    }

    /// Whether it lives and is not ready yet.
    pub(crate) fn is_coming(&self) -> bool {
        self.record.state == Phase::Starting && self.lives()
    }

    /// Whether a process of the server holds the alive lock: the one proof that it is ours.
    pub(crate) fn is_proven(&self) -> bool {
        self.held
    }

    /// Whether only what the main process left behind lives, as far as that can be known: in our own pid namespace.
    pub(crate) fn is_orphaned(&self) -> bool {
        self.record.start_time.is_some() && self.record.in_our_namespace() && !self.main_lives()
    }

    /// Whether its main process lives: one that closed the alive lock is known by pid, start time and boot.
    pub(crate) fn main_lives(&self) -> bool {
        self.record.state != Phase::Stopped && self.record.living_process().is_some()
    }
}

/// A record for a server that lives while its own record is lost.
fn rebuilt(place: &Place, name: &str) -> Record {
    let mut record = Record::starting(name, next_generation(place, None), crate::deadline::unique());
    record.state = Phase::Ready;
    record
}

/// The number of the next start: one more than any that was written down.
pub(crate) fn next_generation(place: &Place, record: Option<&Record>) -> u64 {
    let failed = FailedAttempt::read(place).map_or(0, |failed| failed.generation);
    let ended = Ended::read(place).map_or(0, |ended| ended.generation);
    record.map_or(0, |record| record.generation).max(failed).max(ended) + 1
}
