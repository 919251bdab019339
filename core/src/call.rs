//! One call of a user: its plan, what it has asked so far, and what it tells.

use std::io;

use crate::cancel::Patience;
use crate::deadline::Deadline;
use crate::ended::EndReason;
use crate::environment;
use crate::error::{Error, Result};
use crate::event::{Event, EventKind};
use crate::hearing::Hearing;
use crate::holder::Holder;
use crate::life::Known;
use crate::notify::Notified;
use crate::plan::Plan;
use crate::probe::{About, Answer, Unasked, Verdict};
use crate::record::Record;
use crate::report::Reporter;
use crate::voice::Voice;

/// A call under way.
pub(crate) struct Call {
    pub(crate) plan: Plan,
    pub(crate) since: Deadline,
    /// The lock could not be had, so the server's own bind decides.
    pub(crate) lockless: bool,
    /// Why the server that ran before was ended, by us.
    pub(crate) because: Option<Because>,
    /// Hears a start that this call began, and has to find again.
    pub(crate) hearing: Hearing,
    last: Option<Answer>,
    tries: u32,
}

/// Why one start takes the place of another.
#[derive(Clone, Debug)]
pub(crate) struct Because {
    /// What is noted of the one that is ended.
    pub(crate) reason: EndReason,
    /// In words, for the record.
    pub(crate) why: String,
    /// The version that is left behind.
    pub(crate) outlives: Option<String>,
}

impl Call {
    pub(crate) fn new(plan: Plan) -> Self {
        Call { since: plan.patience.deadline, plan, lockless: false, because: None, hearing: Hearing::default(), last: None, tries: 0 }
    }

    /// Asks the server, and keeps the answer for the report.
    pub(crate) fn ask(&mut self, patience: &Patience) -> std::result::Result<Verdict, Unasked> {
        let answer = self.plan.probe.ask(|| self.about(self.known()), patience)?;
        Ok(self.keep(answer, patience))
    }

    /// The same of a start of which we know more than is written down.
    pub(crate) fn ask_ours(
        &mut self,
        record: &Record,
        said: Option<&Notified>,
        patience: &Patience,
    ) -> std::result::Result<Verdict, Unasked> {
        let about = || {
            let known = self.about(self.ours(record, true));
            About { notified: said.cloned().or(known.notified), ..known }
        };
        let answer = self.plan.probe.ask(about, patience)?;
        Ok(self.keep(answer, patience))
    }

    fn keep(&mut self, answer: Answer, patience: &Patience) -> Verdict {
        let verdict = answer.verdict;
        self.tries += 1;
        // A question cut short by our own deadline says less than the answer before it.
        let cut_short = verdict == Verdict::Busy && patience.deadline.expired();
        if !cut_short || self.last.is_none() {
            self.last = Some(answer);
        }
        verdict
    }

    fn known(&self) -> About {
        let known = Known::look(&self.plan.place, &self.plan.name).known();
        known.map_or_else(About::default, |known| self.ours(&known.record, known.lives()))
    }

    fn ours(&self, record: &Record, lives: bool) -> About {
        About::of(record, lives, &self.plan.place)
    }

    /// Adds what commands run in: what the server is declared to run in, and else what it runs in.
    fn about(&self, known: About) -> About {
        let (place, declared) = (self.plan.place.dir(), &self.plan.declared);
        let cwd = self.plan.start.as_ref().and_then(|start| start.cwd.clone());
        let env = self.plan.probe.runs_commands().then(|| {
            let set: Vec<_> = declared.env.clone().into_iter().collect();
            let ours = [(environment::NAME, self.plan.name.clone()), (environment::PLACE, place.display().to_string())];
            environment::for_server(!declared.keep_out_env, &set, &ours, place)
        });
        About { cwd: cwd.or(known.cwd.filter(|_| known.lives)), env, ..known }
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

    /// Why there was no answer.
    pub(crate) fn unasked(&self, unasked: Unasked) -> Error {
        match unasked {
            Unasked::BrokenOff => self.cancelled(),
            Unasked::Impossible(error) => error,
        }
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
    pub(crate) fn tell_waiting(&self, message: String, holder: Option<Holder>, voice: Option<Voice>) {
        self.tell_event(EventKind::Waiting, message, None, holder, voice);
    }

    fn tell_event(&self, kind: EventKind, message: String, pid: Option<u32>, holder: Option<Holder>, voice: Option<Voice>) {
        self.plan.listener.tell(&Event { pid, holder, voice, ..Event::new(kind, &self.plan.name, message, self.since.elapsed()) });
    }
}
