//! What happens during a call, told to whoever listens.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::holder::Holder;
use crate::sys;
use crate::voice::Voice;
use crate::words::words;

words! {
    /// The kinds of [`Event`].
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum EventKind {
        /// Another process holds the spawn lock; told after about a second of waiting.
        Waiting = "waiting",
        /// The command was run; the server has a pid and is not ready yet.
        Starting = "starting",
        /// The process that started the server is gone; this call waits on the server in its stead.
        Adopting = "adopting",
        /// The server answered as a healthy one.
        Ready = "ready",
        /// The server was told to stop.
        Stopping = "stopping",
        /// The server says what it is doing, by `STATUS=`.
        Status = "status",
        /// Something is not as it should be, and the call goes on.
        Warning = "warning",
    }
}

impl EventKind {
    /// How much it matters, for those who keep a journal: the same in every language.
    pub const fn weight(self) -> Weight {
        match self {
            EventKind::Starting | EventKind::Ready | EventKind::Stopping => Weight::Info,
            EventKind::Warning => Weight::Warning,
            EventKind::Waiting | EventKind::Adopting | EventKind::Status => Weight::Debug,
        }
    }
}

words! {
    /// How much an event matters.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum Weight {
        /// For those who look for a fault.
        Debug = "debug",
        /// A server has come or gone.
        Info = "info",
        /// Something is not as it should be.
        Warning = "warning",
    }
}

/// One thing that happened during a call.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Event {
    /// What kind of thing.
    pub kind: EventKind,
    /// The name of the server.
    pub name: String,
    /// One line for people.
    pub message: String,
    /// Time since the call began.
    pub elapsed: Duration,
    /// The server's process, where it is known.
    pub pid: Option<u32>,
    /// Who holds the spawn lock, for [`EventKind::Waiting`].
    pub holder: Option<Holder>,
    /// What the server has to say while it starts, for [`EventKind::Starting`] and [`EventKind::Adopting`].
    pub voice: Option<Voice>,
}

impl Event {
    pub(crate) fn new(kind: EventKind, name: impl Into<String>, message: String, elapsed: Duration) -> Self {
        Event { kind, name: name.into(), message, elapsed, pid: None, holder: None, voice: None }
    }
}

/// One line for a journal, in which others stand as well: the name, then the message.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.message)
    }
}

/// A listener for events. It is called on the thread that makes the call.
#[derive(Clone, Default)]
pub(crate) struct Listener(Option<Arc<Listen>>);

type Listen = dyn Fn(&Event) + Send + Sync;

impl Listener {
    pub(crate) fn new(listen: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        Listener(Some(Arc::new(listen)))
    }

    pub(crate) fn tell(&self, event: &Event) {
        sys::journal(event.kind.weight().as_str(), event);
        if let Some(listen) = &self.0 {
            listen(event);
        }
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Listener" } else { "no listener" })
    }
}
