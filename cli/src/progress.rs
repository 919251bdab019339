//! What happens meanwhile, on stderr: a live line for a person at a terminal, lines for everybody else, JSON for programs.

use std::io::{self, IsTerminal as _, Write as _};

use spawnlock::{Event, Manner};

use crate::args::Common;
use crate::facts::EventFacts;
use crate::output::say;

/// Tells events as they come.
#[derive(Clone)]
pub struct Progress {
    shown: spawnlock::Progress,
    events: bool,
}

impl Progress {
    pub fn new(common: &Common) -> Self {
        let manner = match (common.quiet || common.events, common.verbose) {
            (true, _) => Manner::Silent,
            (_, true) => Manner::Everything,
            _ => Manner::for_people(io::stderr().is_terminal()),
        };
        // There is nobody left to tell when stderr is gone.
        let write = |text: &str| drop(io::stderr().write_all(text.as_bytes()));
        Progress { shown: spawnlock::Progress::new(manner, "server-init", write), events: common.events }
    }

    /// What the core calls.
    pub fn listener(&self) -> impl Fn(&Event) + Send + Sync + 'static {
        let progress = self.clone();
        move |event| progress.tell(event)
    }

    /// Something that only `-v` tells.
    pub fn note(&self, text: impl FnOnce() -> String) {
        self.shown.note(text);
    }

    /// Leaves the terminal as it was.
    pub fn clear(&self) {
        self.shown.end();
    }

    fn tell(&self, event: &Event) {
        if !self.events {
            return self.shown.tell(event);
        }
        if let Ok(line) = serde_json::to_string(&EventFacts::from(event)) {
            say(line);
        }
    }
}
