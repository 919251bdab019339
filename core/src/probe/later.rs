//! A check whose answer is given on another thread.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Answer, Verdict};
use crate::cancel::Patience;
use crate::deadline::LONG_ENOUGH;
use crate::sys::{Bell, Interest};

/// Where the answer to one question is left, from any thread. One that is dropped without an answer is the answer "busy".
pub struct Reply(Arc<Desk>);

struct Desk {
    rung: Bell,
    left: Mutex<Option<(Verdict, String)>>,
}

impl Reply {
    /// Gives the answer: a verdict and a few words about it. Who asked may have given up by now; then it is lost.
    pub fn give(self, verdict: Verdict, text: impl Into<String>) {
        *self.0.left.lock().unwrap_or_else(PoisonError::into_inner) = Some((verdict, text.into()));
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        self.0.rung.ring();
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reply")
    }
}

/// Asks, and waits for the answer as long as the patience lasts.
pub(super) fn ask(ask: &dyn Fn(Reply), patience: &Patience) -> io::Result<Answer> {
    let desk = Arc::new(Desk { rung: Bell::new()?, left: Mutex::new(None) });
    ask(Reply(Arc::clone(&desk)));
    patience.wait(&[(desk.rung.as_fd(), Interest::Read)], LONG_ENOUGH)?;
    let left = desk.left.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (left, desk.rung.rang()) {
        (Some((verdict, text)), _) => Ok(Answer::new(verdict, text)),
        (None, true) => Ok(Answer::new(Verdict::Busy, "it was asked, and gave no answer".into())),
        (None, false) => Err(io::ErrorKind::TimedOut.into()),
    }
}
