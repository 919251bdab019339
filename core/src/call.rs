//! One call of a user: its plan, what it has asked so far, and what it tells.

use std::io;

use crate::cancel::Patience;
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::event::{Event, EventKind};
use crate::holder::Holder;
use crate::plan::Plan;
use crate::probe::{Answer, BrokenOff, Verdict};
use crate::record::Record;
use crate::report::Reporter;
use crate::voice::Voice;

/// A call under way.
pub(crate) struct Call {
    pub(crate) plan: Plan,
    pub(crate) since: Deadline,
    /// The lock could not be had, so the server's own bind decides.
    pub(crate) lockless: bool,
    last: Option<Answer>,
    tries: u32,
}

impl Call {
    pub(crate) fn new(plan: Plan) -> Self {
        Call { since: plan.patience.deadline, plan, lockless: false, last: None, tries: 0 }
    }

    /// Asks the server, and keeps the answer for the report.
    pub(crate) fn ask(&mut self, patience: &Patience) -> std::result::Result<Verdict, BrokenOff> {
        let answer = self.plan.probe.ask(patience)?;
        let verdict = answer.verdict;
        self.tries += 1;
        // A question cut short by our own deadline says less than the answer before it.
        let cut_short = verdict == Verdict::Busy && patience.deadline.expired();
        if !cut_short || self.last.is_none() {
            self.last = Some(answer);
        }
        Ok(verdict)
    }

    /// The last answer.
    pub(crate) fn last(&self) -> Option<&Answer> {
        self.last.as_ref()
    }

    pub(crate) fn report(&self) -> Reporter<'_> {
        Reporter { plan: &self.plan, last: self.last.as_ref(), tries: self.tries }
    }

    pub(crate) fn check_cancelled(&self) -> Result<()> {
        if self.plan.patience.cancel.is_cancelled() { Err(self.cancelled()) } else { Ok(()) }
    }

    pub(crate) fn cancelled(&self) -> Error {
        self.report().cancelled()
    }

    pub(crate) fn tell(&self, kind: EventKind, message: String, pid: Option<u32>) {
        self.tell_event(kind, message, pid, None, None);
    }

    /// The same of a start that is under way.
    pub(crate) fn tell_start(&self, kind: EventKind, message: String, record: &Record) {
        self.tell_event(kind, message, record.pid, None, Voice::of(&self.plan.place, record));
    }

    pub(crate) fn warn(&self, message: String) {
        self.tell(EventKind::Warning, message, None);
    }

    /// Warns of a record that could not be written: others then know less, and the server runs all the same.
    pub(crate) fn note(&self, written: io::Result<()>) {
        if let Err(error) = written {
            self.warn(format!("cannot write {}: {error}", self.plan.place.record().display()));
        }
    }

    /// Tells on whom this call waits.
    pub(crate) fn tell_waiting(&self, message: String, holder: Option<Holder>) {
        self.tell_event(EventKind::Waiting, message, None, holder, None);
    }

    fn tell_event(&self, kind: EventKind, message: String, pid: Option<u32>, holder: Option<Holder>, voice: Option<Voice>) {
        let elapsed = self.since.elapsed();
        self.plan.listener.tell(&Event { kind, name: self.plan.name.clone(), message, elapsed, pid, holder, voice });
    }
}
