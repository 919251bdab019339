//! Waiting for anything that can be asked for by a check, whoever starts it.

use std::time::Duration;

use crate::attempt::interval;
use crate::cancel::{Cancel, Patience};
use crate::deadline::{self, Deadline, readable};
use crate::error::{Error, ErrorCode, Result};
use crate::event::{Event, EventKind, Listener};
use crate::lock::TELL_AFTER;
use crate::plan;
use crate::probe::{Answer, Check, CheckSource, Probe, Unasked, Verdict};

/// What the option is called in which the checks are given.
const OPTION: &str = "checks";
/// The pause after an answer, however long it took.
const LEAST_PAUSE: Duration = Duration::from_millis(1);
/// Between two checks that failed in the text of an error.
const BELOW: &str = "\n           ";

/// How to wait.
#[derive(Clone, Debug, Default)]
pub struct WaitOptions {
    timeout: Option<Duration>,
    probe_timeout: Option<Duration>,
    gone: bool,
    cancel: Cancel,
    listener: Listener,
}

impl WaitOptions {
    /// The defaults: a minute in all, 5 s for one question, until everything is there.
    pub fn new() -> Self {
        WaitOptions::default()
    }

    /// How long the whole call may take. Default: `SPAWNLOCK_READY_TIMEOUT`, else 60 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// How long one question may take. Default: 5 s.
    pub fn probe_timeout(mut self, timeout: Duration) -> Self {
        self.probe_timeout = Some(timeout);
        self
    }

    /// Whether to wait until nothing of it is there any more. Default: no.
    pub fn gone(mut self, gone: bool) -> Self {
        self.gone = gone;
        self
    }

    /// Lets another thread end the wait.
    pub fn cancel(mut self, cancel: Cancel) -> Self {
        self.cancel = cancel;
        self
    }

    /// Tells what is waited for, after about a second, and that it is ready; on the thread that waits.
    pub fn on_event(mut self, listen: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.listener = Listener::new(listen);
        self
    }
}

/// Waits until all of these checks pass at once, or, with [`gone`](WaitOptions::gone), until each of them says that nobody is
/// there. Nothing is started, and no name is meant: `log:` and `notify`, which are about one start of a server, cannot be waited for.
///
/// # Errors
/// `TIMEOUT` that names each check which failed, with its last answer; `CONFIG` for a check that makes no sense or a
/// command that cannot be run; `CANCELLED`.
///
/// # Example
/// ```
/// use std::time::Duration;
/// use spawnlock::{WaitOptions, wait_for};
/// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// let check = format!("tcp:{}", listener.local_addr()?);
/// wait_for([check.as_str()], &WaitOptions::new())?;
/// drop(listener);
/// wait_for([check.as_str()], &WaitOptions::new().gone(true).timeout(Duration::from_secs(10)))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn wait_for<C: Into<CheckSource>>(checks: impl IntoIterator<Item = C>, options: &WaitOptions) -> Result<()> {
    Wait::new(checks.into_iter().map(Into::into).collect(), options)?.until_done()
}

/// One wait.
struct Wait<'a> {
    probe: Probe,
    options: &'a WaitOptions,
    patience: Patience,
    since: Deadline,
    tries: u32,
}

impl<'a> Wait<'a> {
    fn new(checks: Vec<CheckSource>, options: &'a WaitOptions) -> Result<Self> {
        let checks = checks.iter().map(|check| check.read_as(OPTION)).collect::<Result<Vec<_>>>()?;
        if checks.is_empty() {
            return Err(Error::config(OPTION, "is empty: say what to wait for, as in http://localhost:1987/health"));
        }
        if let Some(check) = checks.iter().find(|check| matches!(check, Check::Log(_) | Check::Notify)) {
            return Err(Error::config(OPTION, format!("has `{check}` in it, which is about a server that was started: use it as `ready`")));
        }
        let (timeout, probe_timeout) = plan::timeouts(options.timeout, options.probe_timeout)?;
        let since = Deadline::after(timeout);
        let probe = Probe { checks, identity: None, version_field: None, timeout: probe_timeout };
        Ok(Wait { probe, options, patience: Patience::new(since, options.cancel.clone()), since, tries: 0 })
    }

    fn until_done(mut self) -> Result<()> {
        let wanted = if self.options.gone { Verdict::Dead } else { Verdict::Ready };
        let mut last: Vec<Answer> = Vec::new();
        let mut told = false;
        loop {
            let asked = Deadline::after(deadline::LONG_ENOUGH);
            let answers = self.ask_all()?;
            if answers.iter().all(|answer| answer.verdict == wanted) {
                self.tell_end(told);
                return Ok(());
            }
            last = self.later(last, answers);
            if self.patience.deadline.expired() {
                return Err(self.out_of_time(&last, wanted));
            }
            if !told && self.since.elapsed() >= TELL_AFTER {
                told = true;
                self.tell(EventKind::Waiting, format!("waiting for {}", open(&last, wanted).join(", ")));
            }
            let _ = self.patience.pause(interval(self.since.elapsed()).saturating_sub(asked.elapsed()).max(LEAST_PAUSE));
        }
    }

    fn ask_all(&mut self) -> Result<Vec<Answer>> {
        self.tries += 1;
        let ask = |check| self.probe.ask_one(check, None, &self.patience);
        self.probe.checks.iter().map(ask).collect::<std::result::Result<_, _>>().map_err(|unasked| match unasked {
            Unasked::BrokenOff => Error::new(ErrorCode::Cancelled, format!("waiting for {} was cancelled", self.what())),
            Unasked::Impossible(error) => error,
        })
    }

    /// The answers to show: one that was cut short by our own deadline says less than the one before it.
    fn later(&self, before: Vec<Answer>, now: Vec<Answer>) -> Vec<Answer> {
        let cut_short = |answer: &Answer| answer.verdict == Verdict::Busy && self.patience.deadline.expired();
        let mut before = before.into_iter();
        now.into_iter().map(|answer| before.next().filter(|_| cut_short(&answer)).unwrap_or(answer)).collect()
    }

    fn out_of_time(&self, last: &[Answer], wanted: Verdict) -> Error {
        let failed = open(last, wanted);
        let waited = readable(self.since.elapsed());
        let state = if self.options.gone { "still there" } else { "not ready" };
        let summary = match last.len() {
            1 => format!("{} was {state} after {waited}", self.what()),
            all => format!("{} of {all} checks were {state} after {waited}", failed.len()),
        };
        let tries = if self.tries > 1 { format!(", {} tries", self.tries) } else { String::new() };
        Error::new(ErrorCode::Timeout, summary).with(|failure| failure.probe = Some(format!("{}{tries}", failed.join(BELOW))))
    }

    fn what(&self) -> String {
        self.probe.checks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }

    fn tell_end(&self, told: bool) {
        if told {
            let state = if self.options.gone { "gone" } else { "ready" };
            self.tell(EventKind::Ready, format!("{} is {state}", self.what()));
        }
    }

    fn tell(&self, kind: EventKind, message: String) {
        self.options.listener.tell(&Event::new(kind, self.what(), message, self.since.elapsed()));
    }
}

/// What is not as it should be, with its last answer.
fn open(answers: &[Answer], wanted: Verdict) -> Vec<&str> {
    answers.iter().filter(|answer| answer.verdict != wanted).map(|answer| answer.text.as_str()).collect()
}
