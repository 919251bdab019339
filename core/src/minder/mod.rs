//! The minder as those see it who hire it: the native command in a small role. It runs the server in their stead, or watches over
//! one that runs; what they tell each other goes over a pair of sockets, of which the minder's is its stdin.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::cancel::Patience;
use crate::environment;
use crate::launch::{Launch, Launched, Parent, Refused, launch, launch_helper};
use crate::place;
use crate::plan::Plan;
use crate::policy::OnLockUnavailable;
use crate::record::Record;
use crate::sys::{self, Bell, Ending};

/// The file name of the native command.
const COMMAND: &str = "server-init";
/// The word that makes a minder of it, and the one for a minder that was run the quick way.
const ROLE: &str = "mind";
const DETACH: &str = "--detach";
/// How far up from the library the command is looked for: `lib/python3.11/site-packages/spawnlock` is four below `bin`.
const LEVELS: usize = 5;
/// How long a minder may take to say how the launch went.
const FIRST_WORD: Duration = Duration::from_secs(10);
/// A longer line is none of ours.
const LINE_MOST: usize = 16 * 1024 * 1024;
/// Enough for a thread that only reads.
const STACK: usize = 64 * 1024;

/// What a minder is to do.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "role")]
pub(crate) enum Order {
    /// Run the server, whose environment, directory and log are the minder's own, and watch over it.
    Run { watch: Post, argv: Vec<String>, umask: u32, has_alive_lock: bool, passed: usize, hears: bool },
    /// Watch over a server that runs.
    Watch(Post),
    /// Get the server in the stead of somebody who does not wait; with `locked`, stdout is the spawn lock, held.
    Get { record: Box<Record>, state_dir: PathBuf, locked: bool, lock_patience_ms: Option<u64>, needs_lock: bool },
}

/// Over what a minder watches.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Post {
    pub(crate) state_dir: PathBuf,
    pub(crate) name: String,
    pub(crate) generation: u64,
}

/// What a minder tells the one who had it run a server.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Word {
    Started { pid: u32 },
    Another,
    Refused { errno: Option<i32>, text: String, hint: Option<String> },
    Exited { code: i32 },
    Killed { signal: String },
    Ended,
}

impl Word {
    /// How the server ended.
    pub(crate) fn of_end(ending: Option<&Ending>) -> Self {
        match ending.cloned() {
            Some(Ending::Code(code)) => Word::Exited { code },
            Some(Ending::Signal(signal)) => Word::Killed { signal },
            None => Word::Ended,
        }
    }

    fn ending(self) -> Option<Ending> {
        match self {
            Word::Exited { code } => Some(Ending::Code(code)),
            Word::Killed { signal } => Some(Ending::Signal(signal)),
            Word::Started { .. } | Word::Another | Word::Refused { .. } | Word::Ended => None,
        }
    }
}

impl From<Refused> for Word {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Another => Word::Another,
            Refused::Command { cause, hint } => Word::Refused { errno: cause.raw_os_error(), text: cause.to_string(), hint },
        }
    }
}

/// One end of the pair: a line of JSON a message.
#[derive(Debug)]
pub(crate) struct Line(UnixStream);

impl Line {
    pub(crate) fn new(socket: UnixStream) -> Self {
        Line(socket)
    }

    pub(crate) fn socket(&self) -> &UnixStream {
        &self.0
    }

    /// Whether the other has let go of it, who has nothing more to say.
    pub(crate) fn is_closed(&self) -> bool {
        let end = [(self.0.as_fd(), sys::Interest::Read)];
        matches!(sys::poll(&end, [None, None], Duration::ZERO), Ok(sys::Polled::Input))
    }

    pub(crate) fn send(&self, message: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(message)?;
        line.push(b'\n');
        (&self.0).write_all(&line)
    }

    /// The next message; `None` when the other is gone.
    #[expect(clippy::unbuffered_bytes, reason = "a few messages in the life of a server, and what comes behind one is not to be taken yet")]
    pub(crate) fn receive<T: DeserializeOwned>(&self) -> io::Result<Option<T>> {
        let mut line = Vec::new();
        for byte in (&self.0).bytes() {
            match byte? {
                b'\n' => return Ok(Some(serde_json::from_slice(&line)?)),
                byte if line.len() < LINE_MOST => line.push(byte),
                _ => break,
            }
        }
        Ok(None)
    }
}

/// Where the native command is: named by the environment, this very program, beside the library or in a `bin` above it, or in PATH.
pub(crate) fn command() -> io::Result<PathBuf> {
    if let Some(named) = environment::command() {
        return Ok(named);
    }
    let own = sys::own_file();
    if let Some(path) = own.as_ref().filter(|path| path.file_name() == Some(OsStr::new(COMMAND))) {
        return Ok(path.clone());
    }
    let above = own.iter().flat_map(|path| path.ancestors().skip(1).take(LEVELS)).flat_map(|dir| [dir.to_owned(), dir.join("bin")]);
    let found = above.chain(environment::program_dirs()).map(|dir| dir.join(COMMAND)).find(|path| sys::runnable(path).is_ok());
    found.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("the command {COMMAND} is neither beside the library nor in PATH")))
}

/// What came of having a server run by a minder.
pub(crate) enum Run {
    Launched(Launched),
    Refused(Refused),
    /// There is no minder to be had, or it died of the order.
    NoMinder(io::Error),
}

/// Has a minder run the server. What goes wrong before it says so is no word about the server.
pub(crate) fn run(what: &Launch<'_>, watch: Post, desk: io::Result<Option<OwnedFd>>) -> Run {
    let desk = match desk {
        Ok(desk) => desk,
        Err(error) => return Run::NoMinder(error),
    };
    let place = watch.state_dir.join(place::folder(&watch.name));
    let order = Order::Run {
        watch,
        argv: what.argv.to_vec(),
        umask: what.umask,
        has_alive_lock: what.alive.is_some(),
        passed: what.pass.len(),
        hears: desk.is_some(),
    };
    hire(what, &place, &order, desk).unwrap_or_else(Run::NoMinder)
}

fn hire(what: &Launch<'_>, what_for: &Path, order: &Order, ears: Option<OwnedFd>) -> io::Result<Run> {
    let command = command()?;
    let (ours, theirs) = UnixStream::pair()?;
    let desk = Desk::open(ours)?;
    // For people who look at processes: whose minder it is.
    let argv = [&*command, Path::new(ROLE), what_for].map(|word| word.display().to_string());
    let mut through = what.through(&argv, theirs.into())?;
    through.pass.extend(ears);
    let minder = match launch(through) {
        Ok(minder) => minder,
        Err(Refused::Command { cause, .. }) => return Err(cause),
        Err(Refused::Another) => return Ok(Run::Refused(Refused::Another)),
    };
    desk.line.send(order)?;
    Patience::uncancelled().within(FIRST_WORD).until_rung(&desk.told).pause(FIRST_WORD)?;
    match desk.first.get() {
        Some(Word::Started { pid }) => {
            let (death, ending) = (Arc::clone(&desk.death), Arc::clone(&desk.ending));
            Ok(Run::Launched(Launched::elsewhere(*pid, death, ending, Box::new(Minded { desk, _minder: minder }))))
        }
        Some(Word::Another) => Ok(Run::Refused(Refused::Another)),
        Some(Word::Refused { errno, text, hint }) => {
            let cause = errno.map_or_else(|| io::Error::other(text.clone()), io::Error::from_raw_os_error);
            Ok(Run::Refused(Refused::Command { cause, hint: hint.clone() }))
        }
        _ => {
            // One that comes to itself later must not start anything.
            desk.close();
            Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it ended without a word"))
        }
    }
}

/// What a minder has said, heard by a thread that exists before the minder does.
#[derive(Debug)]
struct Desk {
    line: Line,
    first: OnceLock<Word>,
    /// Rings with the first word, or when there will be none.
    told: Arc<Bell>,
    ending: Arc<OnceLock<Ending>>,
    death: Arc<Bell>,
    /// We have said that we want to hear no more.
    closed: AtomicBool,
    /// The minder was killed.
    lost: AtomicBool,
}

impl Desk {
    fn open(socket: UnixStream) -> io::Result<Arc<Self>> {
        let (told, death) = (Arc::new(Bell::new()?), Arc::new(Bell::new()?));
        let (line, first, ending) = (Line::new(socket), OnceLock::new(), Arc::default());
        let desk = Arc::new(Desk { line, first, told, ending, death, closed: AtomicBool::new(false), lost: AtomicBool::new(false) });
        let ears = Arc::clone(&desk);
        std::thread::Builder::new().name("spawnlock-minder".into()).stack_size(STACK).spawn(move || ears.listen())?;
        Ok(desk)
    }

    fn listen(&self) {
        let first = self.line.receive::<Word>().ok().flatten();
        let started = match &first {
            Some(Word::Started { pid }) => Some(*pid),
            _ => None,
        };
        first.map(|word| self.first.set(word));
        self.told.ring();
        let Some(pid) = started else { return };
        match self.line.receive::<Word>().ok().flatten() {
            Some(word) => {
                word.ending().map(|ending| self.ending.set(ending));
            }
            None if self.closed.load(Ordering::SeqCst) => return,
            // The minder was killed: the server may go on.
            None => {
                self.lost.store(true, Ordering::SeqCst);
                await_end(pid);
            }
        }
        self.death.ring();
    }

    fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        let _ = self.line.socket().shutdown(Shutdown::Both);
    }
}

/// Waits for the end of a process that is not our child, where the system tells of it.
fn await_end(pid: u32) {
    let Some(end) = sys::exit_watch(pid) else { return };
    let patience = Patience::uncancelled();
    let _ = patience.wait(&[(end.as_fd(), sys::Interest::Read)], patience.deadline.remaining());
}

/// A server with a minder for its parent.
#[derive(Debug)]
struct Minded {
    desk: Arc<Desk>,
    _minder: Launched,
}

impl Parent for Minded {
    fn is_there(&self) -> bool {
        !self.desk.lost.load(Ordering::SeqCst)
    }
}

impl Drop for Minded {
    /// The minder may collect the server from now on.
    fn drop(&mut self) {
        self.desk.close();
    }
}

/// Has a minder watch over a server that runs; one that is watched already is left to whoever does.
pub(crate) fn watch(post: Post) -> io::Result<()> {
    let place = post.state_dir.join(place::folder(&post.name));
    post_order(&Order::Watch(post), &place, None)
}

/// Has a minder get a server in our stead, with the spawn lock that we hold.
pub(crate) fn get(plan: &Plan, record: Record, lock: Option<File>) -> io::Result<()> {
    let order = Order::Get {
        record: Box::new(record),
        state_dir: plan.place.state_dir().to_owned(),
        locked: lock.is_some(),
        lock_patience_ms: plan.lock_patience.map(|limit| limit.as_millis() as u64),
        needs_lock: plan.on_lock_unavailable == OnLockUnavailable::Fail,
    };
    post_order(&order, plan.place.dir(), lock)
}

fn post_order(order: &Order, what_for: &Path, stdout: Option<File>) -> io::Result<()> {
    let command = command()?;
    let (ours, theirs) = UnixStream::pair()?;
    // Before it is run: what fits into the socket waits there, and what does not is an error and no wait.
    ours.set_nonblocking(true)?;
    Line::new(ours).send(order)?;
    launch_helper(&[command.as_os_str(), OsStr::new(ROLE), OsStr::new(DETACH), what_for.as_os_str()], theirs.into(), stdout)
}
