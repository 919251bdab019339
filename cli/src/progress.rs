//! What happens meanwhile, on stderr: a spinner for a person at a terminal, lines for everybody else.

use std::io::{self, IsTerminal as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use spawnlock::{Event, EventKind};

use crate::args::Common;
use crate::environment;
use crate::output::say;

/// How fast the spinner turns.
const TICK: Duration = Duration::from_millis(80);

/// How much is told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    Silent,
    Lines,
    Everything,
    Spinner,
}

/// Tells events as they come. Nothing is made before the first one, so a server that runs already costs nothing here.
#[derive(Clone)]
pub struct Progress {
    manner: Manner,
    told: Arc<Mutex<Told>>,
}

/// What was told so far.
#[derive(Default)]
struct Told {
    something: bool,
    spinner: Option<ProgressBar>,
}

impl Progress {
    pub fn new(common: &Common) -> Self {
        let manner = match (common.quiet, common.verbose) {
            (true, _) => Manner::Silent,
            (_, true) => Manner::Everything,
            _ if io::stderr().is_terminal() && !environment::is_automation() && !environment::is_dumb_terminal() => Manner::Spinner,
            _ => Manner::Lines,
        };
        Progress { manner, told: Arc::default() }
    }

    /// What the core calls.
    pub fn listener(&self) -> impl Fn(&Event) + Send + Sync + 'static {
        let progress = self.clone();
        move |event| progress.tell(event)
    }

    /// Something that only `-v` tells.
    pub fn note(&self, text: impl FnOnce() -> String) {
        if self.manner == Manner::Everything {
            say(format_args!("server-init: {}", text()));
        }
    }

    /// Leaves the terminal as it was.
    pub fn clear(&self) {
        if let Some(spinner) = self.told().spinner.take() {
            spinner.finish_and_clear();
        }
    }

    fn tell(&self, event: &Event) {
        match self.manner {
            Manner::Silent => {}
            Manner::Everything => say(format_args!("server-init: {}", detailed(event))),
            Manner::Lines => self.tell_line(event),
            Manner::Spinner => self.turn(event),
        }
    }

    /// "Ready" ends a story; where none was told, the result says it all.
    fn tell_line(&self, event: &Event) {
        let mut told = self.told();
        if told.something || event.kind != EventKind::Ready {
            told.something = true;
            say(format_args!("server-init: {}", event.message));
        }
    }

    fn turn(&self, event: &Event) {
        let mut told = self.told();
        match event.kind {
            EventKind::Ready => {
                if let Some(spinner) = told.spinner.take() {
                    spinner.finish_and_clear();
                    say(format_args!("server-init: {}", event.message));
                }
            }
            EventKind::Warning => match &told.spinner {
                Some(spinner) => spinner.suspend(|| say(format_args!("server-init: {}", event.message))),
                None => say(format_args!("server-init: {}", event.message)),
            },
            _ => told.spinner.get_or_insert_with(spinner).set_message(event.message.clone()),
        }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn spinner() -> ProgressBar {
    let spinner = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan} {wide_msg} {elapsed}") {
        spinner.set_style(style);
    }
    spinner.enable_steady_tick(TICK);
    spinner
}

/// `+0.012 s starting: …`, with the process and the lock's holder where they are known.
fn detailed(event: &Event) -> String {
    let mut line = format!("+{:.3} s  {}: {}", event.elapsed.as_secs_f64(), event.kind.as_str(), event.message);
    if let Some(pid) = event.pid {
        line.push_str(&format!("  (pid {pid})"));
    }
    line
}
