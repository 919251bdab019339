//! One question to a server, one verdict.

mod about;
mod body;
mod check;
mod connect;
mod elsewhere;
mod endpoint;
mod exec;
mod file;
mod http;
mod later;
mod log;
mod notified;
mod parse;
mod transport;

use std::io;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) use about::About;
pub(crate) use check::filled;
pub use check::{Check, CheckSource};
pub(crate) use endpoint::{Endpoint, endpoint_of, url_host};
pub use later::Reply;
pub(crate) use parse::{identity as parse_identity, listened_path as socket_path};

use crate::cancel::Patience;
use crate::error::Error;
use crate::sys;
use crate::words::words;
use body::Expectation;
use check::{Function, FunctionCheck};

words! {
    /// The answer to a health question.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    #[non_exhaustive]
    pub enum Verdict {
        /// Healthy.
        Ready = "ready",
        /// It says itself that it is not ready yet.
        Starting = "starting",
        /// It answers, but not as a healthy server.
        Unhealthy = "unhealthy",
        /// Nobody is there. Only this allows a start.
        Dead = "dead",
        /// Somebody may be there: time-out, full queue, reset, or no descriptor left to ask with.
        Busy = "busy",
        /// The system forbids us to ask.
        Denied = "denied",
    }
}

impl Verdict {
    /// The verdict a word stands for.
    pub fn parse(word: &str) -> Option<Verdict> {
        Verdict::ALL.iter().copied().find(|verdict| verdict.as_str() == word)
    }
}

/// A verdict with what led to it.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) verdict: Verdict,
    /// `GET http://127.0.0.1:1987/health: connection refused`.
    pub(crate) text: String,
    /// It answered as somebody else.
    pub(crate) stranger: bool,
    /// The error number, when the question itself failed.
    pub(crate) errno: Option<i32>,
    /// It failed for want of something in this process: no word about the server.
    pub(crate) our_shortage: bool,
    /// The port that the server itself says it listens on.
    pub(crate) port: Option<u16>,
    /// The version it tells, where that was asked for.
    pub(crate) version: Option<String>,
}

impl Answer {
    fn new(verdict: Verdict, text: String) -> Self {
        Answer { verdict, text, stranger: false, errno: None, our_shortage: false, port: None, version: None }
    }
}

/// The checks of one server; it is ready when all of them say so.
#[derive(Clone, Debug)]
pub(crate) struct Probe {
    pub(crate) checks: Vec<Check>,
    pub(crate) identity: Option<Expectation>,
    /// The field of an answer that tells the version.
    pub(crate) version_field: Option<String>,
    pub(crate) timeout: Duration,
}

/// Why a question has no answer.
#[derive(Debug)]
pub(crate) enum Unasked {
    /// It was broken off: by cancellation, or because the server died meanwhile.
    BrokenOff,
    /// The check cannot be asked, now or later.
    Impossible(Error),
}

impl Probe {
    /// Whether a check asks for the server's own word.
    pub(crate) fn awaits_word(&self) -> bool {
        self.checks.iter().any(|check| matches!(check, Check::Notify))
    }

    /// Whether a check is a command.
    pub(crate) fn runs_commands(&self) -> bool {
        self.checks.iter().any(Check::runs_there)
    }

    /// Asks every check and gives the answer that decides. `about` is told when a check looks at what the server left; while
    /// nothing of ours lives such a check has nothing to say of a server that others may have started.
    pub(crate) fn ask(&self, about: impl FnOnce() -> About, patience: &Patience) -> Result<Answer, Unasked> {
        let about = self.checks.iter().any(|check| check.is_about_ours() || check.runs_there()).then(about);
        let nothing_lives = about.as_ref().is_some_and(|about| !about.lives);
        let (ours, others): (Vec<&Check>, _) = self.checks.iter().partition(|check| check.is_about_ours());
        let asked = if nothing_lives && !others.is_empty() { others } else { [ours, others].concat() };
        let answers = asked.into_iter().map(|check| self.ask_one(check, about.as_ref(), patience));
        Ok(decisive(answers.collect::<Result<_, _>>()?))
    }

    /// Asks one of the checks; without a server that is meant, only what anybody can see counts.
    pub(crate) fn ask_one(&self, check: &Check, about: Option<&About>, patience: &Patience) -> Result<Answer, Unasked> {
        let patience = &patience.within(self.timeout);
        let nothing = About::default();
        let known = about.unwrap_or(&nothing);
        let connected = || Answer::new(Verdict::Ready, "connected".into());
        let outcome = match check {
            Check::Http(check) => http::get(check, self.identity.as_ref(), self.version_field.as_deref(), patience),
            Check::Tcp { host, port } => connect::tcp(host, *port, patience).map(|_| connected()),
            Check::Unix { path } => connect::unix(path, patience).map(|_| connected()),
            Check::Exec(check) => exec::run(check, known, patience)?,
            Check::Log(log) => log.look(known, check.to_value().as_ref(), patience),
            Check::File { path } => file::look(path, about),
            Check::Notify => Ok(notified::look(known, check.to_value().as_ref())),
            Check::Function(FunctionCheck(Function::AtOnce(call))) => {
                let (verdict, text) = call();
                Ok(Answer::new(verdict, text))
            }
            Check::Function(FunctionCheck(Function::Later(ask))) => later::ask(&**ask, patience),
        };
        if patience.broken_off() {
            return Err(Unasked::BrokenOff);
        }
        let mut answer = outcome.unwrap_or_else(|error| Answer {
            errno: error.raw_os_error(),
            our_shortage: sys::is_our_shortage(&error),
            ..Answer::new(verdict_of(&error), reason(&error))
        });
        answer.text = format!("{check}: {}", answer.text);
        Ok(answer)
    }
}

/// Of several answers the one that decides: what forbids or blocks a start before what waits, and that before "ready".
/// Some ready and some dead is a server half up: starting.
fn decisive(mut answers: Vec<Answer>) -> Answer {
    let rank = |answer: &Answer| match answer.verdict {
        Verdict::Denied => 0,
        Verdict::Busy => 1,
        Verdict::Unhealthy => 2,
        Verdict::Starting => 3,
        Verdict::Dead => 4,
        Verdict::Ready => 5,
    };
    let port = answers.iter().find_map(|answer| answer.port);
    let version = answers.iter().find_map(|answer| answer.version.clone());
    let any_ready = answers.iter().any(|answer| answer.verdict == Verdict::Ready);
    answers.sort_by_key(rank);
    let Some(mut first) = answers.into_iter().next() else {
        return Answer::new(Verdict::Dead, "no check".into());
    };
    if first.verdict == Verdict::Dead && any_ready {
        first.verdict = Verdict::Starting;
    }
    first.port = port;
    first.version = version;
    first
}

/// What a failed connection says about the server. Refused, no such file and not a socket mean that nobody is there;
/// everything that may pass (time-out, full queue, reset, no descriptors left here) does not.
fn verdict_of(error: &io::Error) -> Verdict {
    match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Verdict::Dead,
        io::ErrorKind::PermissionDenied => Verdict::Denied,
        io::ErrorKind::InvalidData => Verdict::Unhealthy,
        _ => Verdict::Busy,
    }
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".into(),
        io::ErrorKind::ConnectionReset => "connection reset".into(),
        io::ErrorKind::NotFound => "no such file".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        io::ErrorKind::WouldBlock => "its queue of connections is full".into(),
        io::ErrorKind::TimedOut => "no answer in time".into(),
        _ => error.to_string(),
    }
}
