//! What somebody who waits for another's start hears of it meanwhile.

use std::cell::{Cell, RefCell};

use crate::call::Call;
use crate::event::EventKind;
use crate::life::Known;
use crate::notify::Notified;
use crate::place::Stamp;
use crate::record::Record;
use crate::voice::Voice;

/// The server's own words, as far as they were passed on already.
#[derive(Debug, Default)]
pub(crate) struct Overheard {
    seen: Cell<Stamp>,
    status: RefCell<Option<String>>,
}

impl Overheard {
    /// Passes a new status on, to the caller who waits.
    pub(crate) fn pass_on(&self, call: &Call) {
        let stamp = Stamp::of(&call.plan.place.notified());
        if stamp == self.seen.get() {
            return;
        }
        // As long as nobody has written down that he starts it, what was said may be an earlier start's.
        let Some(record) = coming(call) else { return };
        self.seen.set(stamp);
        let Some(status) = Notified::read(&call.plan.place, record.generation).and_then(|said| said.status) else { return };
        let before = self.status.replace(Some(status.clone()));
        if before.as_ref() != Some(&status) {
            call.tell_start(EventKind::Status, status, &record);
        }
    }
}

/// The server that is being started, to be listened to by a caller who waits for it.
pub(crate) fn voice(call: &Call) -> Option<Voice> {
    Voice::of(&call.plan.place, &coming(call)?)
}

fn coming(call: &Call) -> Option<Record> {
    Known::look(&call.plan.place, &call.plan.name).known().filter(Known::is_coming).map(|known| known.record)
}
