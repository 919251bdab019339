//! Who is told what happens during a call: JavaScript, and people at stderr.

use std::io::{IsTerminal as _, Write as _, stderr};
use std::sync::{Arc, Mutex, PoisonError};

use napi::bindgen_prelude::Function;
use serde_json::Value;
use spawnlock::{Event, Manner, Progress};

use crate::error::{Code, Problem, Result};
use crate::event::ServerEvent;
use crate::job::Teller;

type Listen = Box<dyn Fn(&Event) + Send + Sync>;

/// Who is told.
pub(crate) struct Audience {
    listens: bool,
    progress: Progress,
}

impl Audience {
    /// Those who asked for it, by `onEvent` and by `progress`.
    pub(crate) fn new(listens: bool, progress: Option<&Value>) -> Result<Self> {
        let manner = match progress {
            None => Manner::Silent,
            Some(Value::String(word)) => Manner::parse(word, stderr().is_terminal())?,
            Some(other) => Manner::parse(&other.to_string(), stderr().is_terminal())?,
        };
        let write = |text: &str| drop(stderr().write_all(text.as_bytes()));
        Ok(Audience { listens, progress: Progress::new(manner, "spawnlock", write) })
    }

    /// Makes a call with a listener for all of them; at its end the terminal is as it was.
    pub(crate) fn during<T>(self, teller: Teller, call: impl FnOnce(Listen) -> T) -> T {
        let (progress, listens) = (self.progress.clone(), self.listens);
        let outcome = call(Box::new(move |event| {
            progress.tell(event);
            if listens {
                teller.tell(event);
            }
        }));
        self.progress.end();
        outcome
    }
}

/// JavaScript cannot be told anything while its thread is in a call.
pub(crate) fn told_afterwards<T>(tell: Option<&Function<ServerEvent, ()>>, call: impl FnOnce(Listen) -> T) -> napi::Result<T, Code> {
    let events = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&events);
    let outcome = call(Box::new(move |event| heard.lock().unwrap_or_else(PoisonError::into_inner).push(ServerEvent::from(event))));
    if let Some(tell) = tell {
        for event in events.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            tell.call(event).map_err(Problem::from)?;
        }
    }
    Ok(outcome)
}
