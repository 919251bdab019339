//! The server's own word that it is ready.

use serde_json::Value;

use super::about::About;
use super::{Answer, Verdict};

/// What it has said in this start, while it lives.
pub(super) fn look(about: &About, source: Option<&Value>) -> Answer {
    if !about.lives {
        return Answer::new(Verdict::Dead, "nothing of the server lives".into());
    }
    let Some(said) = &about.notified else {
        return match about.has_passed(source) {
            true => Answer::new(Verdict::Ready, "it said READY=1 when it was started".into()),
            false => Answer::new(Verdict::Starting, "it has not said READY=1".into()),
        };
    };
    let status = said.status.as_ref().map_or_else(String::new, |status| format!(" ({status})"));
    match (said.stopping, said.ready) {
        // It is waited for until it is gone.
        (true, _) => Answer::new(Verdict::Starting, format!("it said STOPPING=1{status}")),
        (false, true) => Answer { port: said.port, ..Answer::new(Verdict::Ready, format!("it said READY=1{status}")) },
        (false, false) => Answer::new(Verdict::Starting, format!("it has not said READY=1{status}")),
    }
}
