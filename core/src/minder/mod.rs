//! The minder as those see it who hire it: the native command in a small role. It runs the server in their stead, or watches over
//! one that runs; what they tell each other goes over a pair of sockets, of which the minder's is its stdin.

mod line;

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::cancel::Patience;
use crate::environment;
use crate::launch::{Launch, Launched, Parent, Refused, launch, launch_helper};
use crate::plan::Plan;
use crate::policy::OnLockUnavailable;
use crate::record::Record;
use crate::sys::{self, Bell, Ending};

pub(crate) use line::{Line, Order, Post, Word};

/// The file name of the native command.
const COMMAND: &str = "server-init";
/// The word that makes a minder of it, and the one for a minder that was run the quick way.
const ROLE: &str = "mind";
const DETACH: &str = "--detach";
/// How far up from the library the command is looked for: `lib/python3.11/site-packages/spawnlock` is four below `bin`.
const LEVELS: usize = 5;
/// How long a minder may take to say how the launch went.
const FIRST_WORD: Duration = Duration::from_secs(10);
/// Enough for a thread that only reads.
const STACK: usize = 64 * 1024;

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
    let place = watch.place();
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
    let place = post.place();
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
