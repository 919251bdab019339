//! A detached start: session, log, descriptors, environment, and word of an early death.
#![expect(clippy::disallowed_methods, reason = "the one place that starts processes")]

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::sys::{self, Bell, Detached, Ending, NotStarted};

/// Enough for a thread that waits, and then writes a small file.
const REAPER_STACK: usize = 256 * 1024;

/// What is to be run, and how.
pub(crate) struct Launch<'a> {
    pub(crate) argv: &'a [String],
    pub(crate) cwd: &'a Path,
    pub(crate) env: Vec<(OsString, OsString)>,
    pub(crate) umask: u32,
    /// What it reads; nothing without.
    pub(crate) stdin: Option<OwnedFd>,
    /// Where stdout and stderr go; nowhere without.
    pub(crate) log: Option<File>,
    pub(crate) alive: Option<&'a Path>,
    /// One end of a pair of sockets: it is run only while the other is open.
    pub(crate) wanted_by: Option<BorrowedFd<'a>>,
    /// What it gets as 3, 4, …; with any, `LISTEN_PID` becomes its own pid.
    pub(crate) pass: Vec<OwnedFd>,
    /// Told how it ended, by the thread that sees it.
    pub(crate) on_end: OnEnd,
}

impl<'a> Launch<'a> {
    /// The same for another program, which reads `stdin` and gets the same descriptors.
    pub(crate) fn through(&self, argv: &'a [String], stdin: OwnedFd) -> io::Result<Launch<'a>> {
        let log = self.log.as_ref().map(File::try_clone).transpose()?;
        let pass = self.pass.iter().map(OwnedFd::try_clone).collect::<io::Result<_>>()?;
        Ok(Launch {
            argv,
            cwd: self.cwd,
            env: self.env.clone(),
            umask: self.umask,
            stdin: Some(stdin),
            pass,
            log,
            alive: None,
            wanted_by: None,
            on_end: Box::new(|_| {}),
        })
    }
}

type OnEnd = Box<dyn FnOnce(&Ending) + Send>;

/// A server that was started. While this exists its pid means it and nothing else: a dead one is not yet collected.
#[derive(Debug)]
pub(crate) struct Launched {
    pub(crate) pid: u32,
    /// Rings when the main process ends.
    pub(crate) death: Arc<Bell>,
    ending: Arc<OnceLock<Ending>>,
    /// Dropping it lets its parent collect.
    parent: Box<dyn Parent>,
}

/// Whoever collects the server: a thread of ours, or another process. Its drop says that we need the pid no more.
pub(crate) trait Parent: std::fmt::Debug + Send + Sync {
    /// Whether it still keeps the pid from being another's.
    fn is_there(&self) -> bool {
        true
    }
}

impl Parent for Reaper {}

impl Launched {
    /// A server that another process runs for us; `death` rings once `ending` is known.
    pub(crate) fn elsewhere(pid: u32, death: Arc<Bell>, ending: Arc<OnceLock<Ending>>, parent: Box<dyn Parent>) -> Self {
        Launched { pid, death, ending, parent }
    }

    /// Whether its pid and group mean it, and nobody else, until it is dropped. A host that ignores SIGCHLD has no such hold.
    pub(crate) fn is_pinned(&self) -> bool {
        self.parent.is_there() && !matches!(self.ended(), Some(None))
    }

    /// `None` while it lives; how it ended, as far as that is known, once it is dead.
    pub(crate) fn ended(&self) -> Option<Option<Ending>> {
        self.death.rang().then(|| self.ending.get().cloned())
    }
}

/// Why nothing was started.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The command could not be run.
    Command { cause: io::Error, hint: Option<String> },
    /// Another server of this place is coming up: its starter died before it could be seen.
    Another,
}

impl From<io::Error> for Refused {
    fn from(cause: io::Error) -> Self {
        Refused::Command { cause, hint: None }
    }
}

/// Runs the command, detached from us in everything but one thread that waits for its end.
pub(crate) fn launch(what: Launch<'_>) -> Result<Launched, Refused> {
    let program = find_program(&what)?;
    let mut command = Command::new(&program);
    command.stdin(what.stdin.map_or_else(Stdio::null, Stdio::from));
    match what.log {
        Some(log) => command.stdout(log.try_clone()?).stderr(log),
        None => command.stdout(Stdio::null()).stderr(Stdio::null()),
    };
    let detached = Detached {
        program: &program,
        cwd: what.cwd,
        argv: what.argv,
        env: what.env,
        umask: what.umask,
        alive: what.alive,
        wanted_by: what.wanted_by,
        pass: what.pass,
    };
    let reaper = Reaper::new(what.on_end)?;
    match sys::start_detached(command, detached) {
        Ok(child) => Ok(reaper.watch(child)),
        // Who is told of the second hears nothing any more.
        Err(NotStarted::AliveLockTaken | NotStarted::NotWanted) => Err(Refused::Another),
        Err(NotStarted::Refused(cause)) => Err(Refused::Command { hint: hint_for(&cause, &program, what.cwd), cause }),
    }
}

/// Runs a program of ours in the quickest way there is, which leaves it to that program to become detached; it gets `stdin` and `stdout`
/// and is collected when it ends.
pub(crate) fn launch_helper(argv: &[&OsStr], stdin: OwnedFd, stdout: Option<File>) -> io::Result<()> {
    let reaper = Reaper::new(Box::new(|_| {}))?;
    let stdout = stdout.map_or_else(Stdio::null, Stdio::from);
    let child = Command::new(argv[0]).args(&argv[1..]).stdin(stdin).stdout(stdout).stderr(Stdio::null()).spawn()?;
    drop(reaper.watch(child));
    Ok(())
}

/// A thread that waits for the child. It exists before the child does, so that no child is ever without it.
#[derive(Debug)]
struct Reaper {
    desk: Arc<Desk>,
    death: Arc<Bell>,
    ending: Arc<OnceLock<Ending>>,
}

/// Where the starter leaves the child for the reaper, and word of when it may collect.
#[derive(Debug, Default)]
struct Desk {
    left: Mutex<Left>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Left {
    child: Option<Child>,
    /// The starter is done with the child, or never had one.
    released: bool,
}

impl Desk {
    fn change(&self, change: impl FnOnce(&mut Left)) {
        change(&mut self.left.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }

    /// Waits for a child; none ever comes when the starter is done before.
    fn take_child(&self) -> Option<Child> {
        self.wait_while(|left| left.child.is_none() && !left.released).child.take()
    }

    fn await_release(&self) {
        drop(self.wait_while(|left| !left.released));
    }

    fn wait_while(&self, condition: impl FnMut(&mut Left) -> bool) -> MutexGuard<'_, Left> {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        self.changed.wait_while(left, condition).unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reaper {
    fn new(on_end: OnEnd) -> io::Result<Self> {
        let reaper = Reaper { desk: Arc::default(), death: Arc::new(Bell::new()?), ending: Arc::default() };
        let (desk, ring, tell) = (Arc::clone(&reaper.desk), Arc::clone(&reaper.death), Arc::clone(&reaper.ending));
        let wait = move || {
            let Some(mut child) = desk.take_child() else { return };
            // Noted, but not collected: until the starter lets go, the pid and its group stay ours.
            if let Some(how) = sys::await_end(child.id()) {
                let _ = tell.set(how);
            }
            ring.ring();
            if let Some(how) = tell.get() {
                on_end(how);
            }
            desk.await_release();
            let _ = child.wait();
        };
        std::thread::Builder::new().name("spawnlock-reaper".into()).stack_size(REAPER_STACK).spawn(wait)?;
        Ok(reaper)
    }

    fn watch(self, child: Child) -> Launched {
        let pid = child.id();
        self.desk.change(|left| left.child = Some(child));
        Launched { pid, death: Arc::clone(&self.death), ending: Arc::clone(&self.ending), parent: Box::new(self) }
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        self.desk.change(|left| left.released = true);
    }
}

/// The file to run: the word itself when it has a slash, else the first in the server's own `PATH`.
fn find_program(what: &Launch<'_>) -> Result<PathBuf, Refused> {
    let name = &what.argv[0];
    if name.contains('/') {
        return Ok(PathBuf::from(name));
    }
    let path = what.env.iter().find(|(key, _)| key == "PATH").map(|(_, value)| value.clone());
    let path = path.unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
    let mut cause = io::Error::from_raw_os_error(sys::NO_SUCH_FILE);
    for dir in std::env::split_paths(&path) {
        let file = dir.join(name);
        match sys::runnable(&what.cwd.join(&file)) {
            Ok(()) => return Ok(file),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => cause = error,
            Err(_) => {}
        }
    }
    let hint = match cause.kind() {
        io::ErrorKind::NotFound => format!("`{name}` is in none of the directories of PATH"),
        _ => format!("`{name}` is in a directory of PATH, but may not be run: chmod +x"),
    };
    Err(Refused::Command { cause, hint: Some(hint) })
}

/// What to look at when a file that was found could not be run.
fn hint_for(cause: &io::Error, program: &Path, cwd: &Path) -> Option<String> {
    let file = cwd.join(program);
    let shown = program.display();
    if !cwd.is_dir() {
        return Some(format!("the working directory {} does not exist", cwd.display()));
    }
    match (cause.kind(), shebang(&file)) {
        (io::ErrorKind::NotFound, Some(interpreter)) => {
            Some(format!("{shown} asks for the interpreter {interpreter}, which does not exist"))
        }
        (io::ErrorKind::NotFound, None) if file.exists() => {
            Some(format!("{shown} exists; its loader does not: it was built for another system"))
        }
        (io::ErrorKind::NotFound, None) => Some(format!("{shown} does not exist")),
        (io::ErrorKind::PermissionDenied, _) if file.is_dir() => Some(format!("{shown} is a directory")),
        (io::ErrorKind::PermissionDenied, Some(interpreter)) if sys::runnable(&file).is_ok() => {
            Some(format!("its interpreter {interpreter} may not be run"))
        }
        (io::ErrorKind::PermissionDenied, _) => Some(format!("{shown} may not be run: chmod +x {shown}")),
        _ if sys::is_no_program(cause) => {
            Some(format!("{shown} is no program of this machine and has no #! line: add one, or run it through its interpreter"))
        }
        _ => None,
    }
}

/// The interpreter that the first line of a script asks for.
fn shebang(file: &Path) -> Option<String> {
    let mut start = [0u8; 256];
    let read = io::Read::read(&mut File::open(file).ok()?, &mut start).ok()?;
    let line = start[..read].strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let words = String::from_utf8_lossy(line).into_owned();
    words.split_whitespace().next().map(str::to_owned)
}
