//! Hearing the server's own word during a start, where a check asks for it.

use std::io;
use std::mem;
use std::os::fd::OwnedFd;
use std::time::Duration;

use crate::call::Call;
use crate::cancel::{Patience, Wake};
use crate::environment;
use crate::error::Result;
use crate::event::EventKind;
use crate::notify::{Notified, NotifyDesk};
use crate::record::Record;
use crate::sys::Interest;

/// The desk of one start; none where no check asks for the server's word, or where somebody else hears it.
#[derive(Debug, Default)]
pub(crate) struct Hearing(Option<Box<NotifyDesk>>);

impl Hearing {
    /// Opens the desk before the server exists.
    ///
    /// # Errors
    /// `PLACE` when there can be no such socket: the server would never be heard.
    pub(crate) fn begin(call: &Call, record: &Record) -> Result<Self> {
        if !call.plan.probe.awaits_word() {
            return Ok(Hearing(None));
        }
        let desk = NotifyDesk::bind(&call.plan.place, record.generation).map_err(|cause| call.report().no_desk(cause))?;
        Ok(Hearing(Some(Box::new(desk))))
    }

    /// Opens it again, for a start whose starter is gone.
    pub(crate) fn again(call: &mut Call, record: &Record) -> Self {
        let kept = mem::take(&mut call.hearing);
        if kept.said().is_some_and(|said| said.generation == record.generation) {
            return kept;
        }
        if !call.plan.probe.awaits_word() {
            return Hearing(None);
        }
        let desk = NotifyDesk::take_over(&call.plan.place, record.generation).unwrap_or_else(|error| {
            call.warn(format!("what the server says of itself cannot be heard: {error}"));
            None
        });
        Hearing(desk.map(Box::new))
    }

    /// Whether there is a desk.
    pub(crate) fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// The desk's socket, for a minder, who goes on hearing.
    pub(crate) fn share(&self) -> io::Result<Option<OwnedFd>> {
        self.0.as_ref().map(|desk| desk.share()).transpose()
    }

    /// The minder has it.
    pub(crate) fn leave_it(&mut self) {
        if let Some(desk) = &mut self.0 {
            desk.leave_it();
        }
    }

    /// What the server is told of it.
    pub(crate) fn variable(&self) -> Option<(&'static str, String)> {
        self.0.as_ref().map(|desk| (environment::NOTIFY_SOCKET, desk.path().display().to_string()))
    }

    /// What was said so far.
    pub(crate) fn said(&self) -> Option<&Notified> {
        self.0.as_ref().map(|desk| desk.said())
    }

    /// Hears what there is, and passes a new status on.
    pub(crate) fn hear(&mut self, call: &Call, pid: Option<u32>) {
        let Some(desk) = &mut self.0 else { return };
        let before = desk.said().status.clone();
        if let Err(error) = desk.hear() {
            call.warn(format!("cannot write {}: {error}", call.plan.place.notified().display()));
        }
        if let Some(status) = desk.said().status.clone().filter(|status| Some(status) != before.as_ref()) {
            call.tell(EventKind::Status, status, pid);
        }
    }

    /// Waits `time`, or until the server says something.
    pub(crate) fn pause(&self, patience: &Patience, time: Duration) -> io::Result<Wake> {
        let desk = self.0.as_ref().map(|desk| (desk.as_fd(), Interest::Read));
        patience.wait(desk.as_slice(), time)
    }
}
