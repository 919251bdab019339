//! What people are shown of a call while it lasts. The texts are made here and written by whoever has something to write to.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::cancel::{Cancel, Patience, Wake};
use crate::deadline::{self, Deadline, LONG_ENOUGH};
use crate::environment;
use crate::error::{Error, Result};
use crate::event::{Event, EventKind};
use crate::sys;

/// How often the live line is written anew.
const TICK: Duration = Duration::from_millis(80);
const FRAMES: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
/// Back to the left, and nothing there.
const CLEAR: &str = "\r\u{1b}[2K";
const CYAN: &str = "\u{1b}[36m";
const PLAIN: &str = "\u{1b}[0m";
/// Where the terminal does not tell its width.
const WIDTH: usize = 80;
/// Enough for a thread that writes a line.
const STACK: usize = 128 * 1024;

/// How much is shown, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Manner {
    /// Nothing.
    Silent,
    /// A line for each event.
    Lines,
    /// A line for each event, with its kind, its time and its process.
    Everything,
    /// One line that lives while the call does.
    Live {
        /// Whether it may have colour.
        colour: bool,
    },
}

impl Manner {
    /// A live line for a person at a terminal, plain lines under CI, on a dumb terminal and everywhere else.
    pub fn for_people(terminal: bool) -> Self {
        if terminal && !environment::is_automation() && !environment::is_dumb_terminal() {
            return Manner::Live { colour: may_colour(terminal) };
        }
        Manner::Lines
    }

    /// What the option `progress` asks for: `true`, `false`, or `auto`, which is silent where nobody looks on.
    ///
    /// # Errors
    /// `CONFIG` for any other word.
    pub fn parse(word: &str, terminal: bool) -> Result<Self> {
        match word {
            "false" => Ok(Manner::Silent),
            "auto" if !terminal => Ok(Manner::Silent),
            "true" | "auto" => Ok(Manner::for_people(terminal)),
            other => Err(Error::config("progress", format!("is `{other}`: write `true`, `false` or `auto`"))),
        }
    }
}

/// Whether what is written there may have colour: `NO_COLOR` forbids it, `CLICOLOR_FORCE` asks for it, else a terminal that is not dumb has it.
pub fn may_colour(terminal: bool) -> bool {
    !environment::no_colour() && (environment::forces_colour() || (terminal && !environment::is_dumb_terminal()))
}

/// Shows the events of a call as they come. Nothing is written and no thread made before the first one, so a server that
/// runs already costs nothing here.
///
/// # Example
/// ```no_run
/// use spawnlock::{Manner, Progress, ServerSpec};
/// use std::io::{IsTerminal, Write, stderr};
/// let progress = Progress::new(Manner::for_people(stderr().is_terminal()), "build", |text| drop(stderr().write_all(text.as_bytes())));
/// let spec = ServerSpec::new("api").command(["node", "server.js"]).ready("http://localhost:1987/health");
/// let server = spec.on_event(progress.listener()).ensure();
/// progress.end();
/// println!("{}", server?.name());
/// # Ok::<(), spawnlock::Error>(())
/// ```
#[derive(Clone)]
pub struct Progress(Arc<Shown>);

struct Shown {
    manner: Manner,
    who: &'static str,
    write: Box<dyn Fn(&str) + Send + Sync>,
    story: Mutex<Story>,
}

/// What was shown so far.
#[derive(Default)]
struct Story {
    told: bool,
    live: Option<Live>,
}

/// The line that lives.
struct Live {
    event: Event,
    since: Deadline,
    frame: usize,
    over: Cancel,
}

impl Progress {
    /// Shows nothing yet. `who` begins every line that stays; `write` is given whole texts, line ends included.
    pub fn new(manner: Manner, who: &'static str, write: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Progress(Arc::new(Shown { manner, who, write: Box::new(write), story: Mutex::default() }))
    }

    /// For `on_event` of a call.
    pub fn listener(&self) -> impl Fn(&Event) + Send + Sync + 'static {
        let progress = self.clone();
        move |event| progress.tell(event)
    }

    /// Shows one event.
    pub fn tell(&self, event: &Event) {
        match self.0.manner {
            Manner::Silent => {}
            Manner::Everything => self.line(&detailed(event)),
            Manner::Lines => self.tell_line(event),
            Manner::Live { .. } => self.tell_live(event),
        }
    }

    /// Something that only [`Manner::Everything`] shows.
    pub fn note(&self, text: impl FnOnce() -> String) {
        if self.0.manner == Manner::Everything {
            self.line(&text());
        }
    }

    /// Leaves the terminal as it was: to be called when the call has ended, before anything else is written.
    pub fn end(&self) {
        self.clear(&mut self.story());
    }

    /// "Ready" ends a story; where none was told, the result says it all.
    fn tell_line(&self, event: &Event) {
        let mut story = self.story();
        if story.told || event.kind != EventKind::Ready {
            story.told = true;
            self.line(&event.message);
        }
    }

    fn tell_live(&self, event: &Event) {
        let mut story = self.story();
        match event.kind {
            EventKind::Ready if self.clear(&mut story) => self.line(&event.message),
            EventKind::Ready => {}
            EventKind::Warning => {
                if story.live.is_some() {
                    self.write(CLEAR);
                }
                self.line(&event.message);
                self.draw(&mut story);
            }
            // The live line reads it from the server itself.
            EventKind::Status => self.draw(&mut story),
            _ => self.live(&mut story, event),
        }
    }

    fn live(&self, story: &mut Story, event: &Event) {
        let (event, since) = (event.clone(), Deadline::after(LONG_ENOUGH));
        match &mut story.live {
            Some(live) => (live.event, live.since) = (event, since),
            None => {
                let over = Cancel::new();
                story.live = Some(Live { event, since, frame: 0, over: over.clone() });
                let progress = self.clone();
                // Without a thread the line stands still.
                let _ = std::thread::Builder::new().name("spawnlock-line".into()).stack_size(STACK).spawn(move || progress.tick(over));
            }
        }
        self.draw(story);
    }

    fn tick(&self, over: Cancel) {
        let patience = Patience::new(Deadline::after(LONG_ENOUGH), over.clone());
        while patience.pause(TICK).is_ok_and(|wake| wake == Wake::Elapsed) {
            let mut story = self.story();
            if over.is_cancelled() {
                return;
            }
            self.draw(&mut story);
        }
    }

    fn draw(&self, story: &mut Story) {
        let Some(live) = &mut story.live else { return };
        live.frame = (live.frame + 1) % FRAMES.len();
        let text = cut(&live.text(), sys::columns().unwrap_or(WIDTH).saturating_sub(3));
        let frame = FRAMES[live.frame];
        self.write(&match self.0.manner {
            Manner::Live { colour: true } => format!("{CLEAR}{CYAN}{frame}{PLAIN} {text}"),
            _ => format!("{CLEAR}{frame} {text}"),
        });
    }

    /// Whether there was a live line.
    fn clear(&self, story: &mut Story) -> bool {
        let Some(live) = story.live.take() else { return false };
        live.over.cancel();
        self.write(CLEAR);
        true
    }

    fn line(&self, text: &str) {
        self.write(&format!("{}: {text}\n", self.0.who));
    }

    fn write(&self, text: &str) {
        (self.0.write)(text);
    }

    fn story(&self) -> MutexGuard<'_, Story> {
        self.0.story.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    /// `api: starting, 2.3 s | Loading 12 models`: the phase, the time, and the best that is known of what is waited for.
    fn text(&self) -> String {
        let elapsed = deadline::readable(self.event.elapsed + self.since.elapsed());
        let head = format!("{}: {}, {elapsed}", self.event.name, self.event.kind.as_str());
        let said = self.event.voice.as_ref().and_then(|voice| voice.last());
        match (said, &self.event.holder) {
            (Some(said), _) => format!("{head} | {said}"),
            (None, Some(holder)) => format!("{head}; the lock is held by {holder}"),
            (None, None) => format!("{head}; {}", self.event.message),
        }
    }
}

/// As much as fits into a line; what is not ASCII may be twice as wide.
fn cut(text: &str, columns: usize) -> String {
    let mut left = columns;
    let fits = |c: &char| {
        let width = if c.is_ascii() { 1 } else { 2 };
        left.checked_sub(width).map(|rest| left = rest).is_some()
    };
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take_while(fits).collect()
}

/// `+0.012 s  starting: …`, with the process where it is known.
fn detailed(event: &Event) -> String {
    let pid = event.pid.map(|pid| format!("  (pid {pid})")).unwrap_or_default();
    format!("+{:.3} s  {}: {}{pid}", event.elapsed.as_secs_f64(), event.kind.as_str(), event.message)
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Progress").field(&self.0.manner).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn a_line_never_wraps() {
        assert_eq!(cut("a\tb", 10), "a b");
        assert_eq!(cut("abcdef", 3), "abc");
        assert_eq!(cut("日本語", 5), "日本");
    }
}
