//! Inside a daemon: being the only one. A Unix socket that no two daemons ever serve at once.

use std::io;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::cancel::{Cancel, Patience};
use crate::deadline::Deadline;
use crate::error::{Error, ErrorCode, Result};
use crate::holder::{Holder, who};
use crate::lock::{LockKind, LockOptions, SpawnLock, beside, written_holder};
use crate::place;
use crate::sys::{self, FileId};

/// For how long a daemon may hold the lock without serving before we go: it may be about to serve, or about to end.
const BETWEEN: Duration = Duration::from_secs(1);
/// How often one looks meanwhile.
const LOOK: Duration = Duration::from_millis(5);
/// Between two looks at a socket that refuses: a stranger that has bound it may be about to listen.
const SECOND_LOOK: Duration = Duration::from_millis(100);

/// A socket of which this process is the only server, until it is closed or dropped or the process ends.
///
/// It listens already. Whoever serves it takes the listener, and keeps this for as long as it serves.
///
/// # Platform behavior
/// The listener blocks, and is closed by exec. A forked child inherits it, and may serve it; its copy of the claim closes
/// nothing and removes nothing. A daemon that goes to the background by forking claims after that.
///
/// # Cleanup
/// Closing or dropping removes the socket's file if it is still ours. `<path>.lock` stays: to remove it would let two in. A killed
/// daemon leaves a socket that refuses; the next one to claim it replaces it.
#[derive(Debug)]
pub struct ClaimedSocket {
    path: PathBuf,
    /// The socket's file: not the name, which may lead to another one some day.
    file: FileId,
    /// Nobody else's: a forked child closes nothing.
    claimed_by: u32,
    closed: AtomicBool,
    parts: Mutex<Parts>,
}

/// What is given back by closing.
#[derive(Debug, Default)]
struct Parts {
    listener: Option<UnixListener>,
    /// While it is open no other file can have the number of ours.
    _pin: Option<std::fs::File>,
    _lock: Option<SpawnLock>,
}

/// Binds a Unix socket and listens on it, if no other daemon serves it: of any number that try at once, one gets it.
///
/// The owner holds a kernel lock on `<path>.lock` for as long as it lives. A socket that a dead daemon left is replaced, after
/// two looks; one that answers, or of which nobody can tell, is left alone. Only our user may connect, until the file is given
/// other rights. Missing directories are made. The call takes about a second at most.
///
/// # Errors
/// `RUNNING` when another daemon serves it, with its pid where it is known: exit with 0. `CONFIG` when the path is longer than a
/// socket's may be, or leads to something that is no socket, which is never removed. `LOCK_UNAVAILABLE` when no lock can be had
/// there. `PLACE` when the system refuses to bind, or to remove what a dead daemon left.
///
/// # Example
/// ```
/// use std::io::Write;
/// use spawnlock::{ErrorCode, claim_socket};
/// let dir = tempfile::tempdir()?;
/// let claim = claim_socket(dir.path().join("daemon.sock"))?;
/// let listener = claim.take_listener().ok_or("taken once")?;
/// # let client = std::os::unix::net::UnixStream::connect(claim.path())?;
/// let (mut stream, _) = listener.accept()?;
/// stream.write_all(b"hello")?;
///
/// let second = claim_socket(claim.path()).unwrap_err();
/// assert_eq!(second.code(), ErrorCode::Running);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn claim_socket(path: impl AsRef<Path>) -> Result<ClaimedSocket> {
    let path = place::file_path("path", path.as_ref())?;
    if !sys::unix_path_fits(&path) {
        let length = path.as_os_str().len();
        let error = Error::config("path", format!("is {}, of {length} bytes: a socket's path has 103 at most", path.display()));
        return Err(error.hint("choose a directory with a shorter name, $XDG_RUNTIME_DIR say"));
    }
    let lock = lock(&path)?;
    let listener = bind(&path)?;
    ClaimedSocket::new(path, listener, lock)
}

impl ClaimedSocket {
    fn new(path: PathBuf, listener: UnixListener, lock: SpawnLock) -> Result<Self> {
        let seen = || {
            let pin = sys::pin(&path)?;
            let facts = pin.as_ref().map_or_else(|| sys::facts_at(&path), sys::facts_of)?;
            Ok((pin, facts.id))
        };
        let (pin, file) = seen().map_err(|cause| refused("look at the socket", &path, cause))?;
        let parts = Mutex::new(Parts { listener: Some(listener), _pin: pin, _lock: Some(lock) });
        Ok(ClaimedSocket { path, file, claimed_by: std::process::id(), closed: AtomicBool::new(false), parts })
    }

    /// The whole path of the socket.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The listener, for the one who serves it; `None` once it was taken, or the claim closed.
    pub fn take_listener(&self) -> Option<UnixListener> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).listener.take()
    }

    /// Whether the name still leads to our socket. When somebody has removed or replaced it, no client finds us any more.
    pub fn still_owned(&self) -> bool {
        !self.closed.load(Ordering::SeqCst) && self.is_named()
    }

    fn is_named(&self) -> bool {
        sys::facts_at(&self.path).is_ok_and(|facts| facts.id == self.file)
    }

    /// Gives the socket up: removes its file if that is still ours, closes the listener unless it was taken, frees the lock.
    /// `false` when the file was no longer ours, the claim was closed before, or this is a forked child's copy.
    ///
    /// # Errors
    /// `PLACE` when the file cannot be removed. The rest is given up all the same.
    pub fn close(&self) -> Result<bool> {
        if std::process::id() != self.claimed_by || self.closed.swap(true, Ordering::SeqCst) {
            return Ok(false);
        }
        // The file goes first: once the lock is free, it may be a successor's.
        let removed = if self.is_named() { remove(&self.path) } else { Ok(false) };
        drop(std::mem::take(&mut *self.parts.lock().unwrap_or_else(PoisonError::into_inner)));
        removed
    }
}

impl Drop for ClaimedSocket {
    fn drop(&mut self) {
        // Whoever wants to know closes it.
        let _ = self.close();
    }
}

/// The lock of the owner. While another process holds it, that one serves, or is about to, or is about to end.
fn lock(path: &Path) -> Result<SpawnLock> {
    let file = beside(path, ".lock");
    let options = LockOptions::new().kind(LockKind::Flock).owner(nobody_else());
    let patience = Patience::new(Deadline::after(BETWEEN), Cancel::never());
    loop {
        let tried = SpawnLock::try_acquire(&file, &options);
        if let Ok(Some(lock)) = tried {
            return Ok(lock);
        }
        let owner = || written_holder(&file, LockKind::Flock);
        match (look(path)?, tried) {
            (Sight::Alive(seen, cause), _) => return Err(running(path, seen.or_else(owner), cause)),
            (_, Err(error)) => return Err(error),
            _ if patience.deadline.expired() => return Err(running(path, owner(), None)),
            _ => drop(patience.pause(LOOK)),
        }
    }
}

/// Two claims of one process exclude each other like those of two.
fn nobody_else() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1 << 62);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Binds under the lock. What a dead daemon left is removed, once.
fn bind(path: &Path) -> Result<UnixListener> {
    match sys::listen_unix(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
        bound => return bound.map_err(|cause| refused("bind a socket at", path, cause)),
    }
    clear(path)?;
    match sys::listen_unix(path) {
        // Somebody who knows nothing of the lock was quicker.
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(running(path, None, None)),
        bound => bound.map_err(|cause| refused("bind a socket at", path, cause)),
    }
}

/// Removes a socket that was dead at both of two looks. One that came or changed in between is somebody's who lives.
fn clear(path: &Path) -> Result<()> {
    let first = look(path)?;
    let _ = Patience::uncancelled().pause(SECOND_LOOK);
    match (first, look(path)?) {
        (Sight::Alive(owner, cause), _) | (_, Sight::Alive(owner, cause)) => Err(running(path, owner, cause)),
        (_, Sight::Nothing) => Ok(()),
        (Sight::Dead(first), Sight::Dead(second)) if first == second => remove(path).map(drop),
        _ => Err(running(path, None, None)),
    }
}

/// What is to be seen at the path of a socket.
enum Sight {
    Nothing,
    /// A socket's file that refuses; which one.
    Dead(FileId),
    /// Somebody serves it, or nobody can tell that nobody does, and why not.
    Alive(Option<Holder>, Option<io::Error>),
}

fn look(path: &Path) -> Result<Sight> {
    let facts = match sys::facts_at(path) {
        Ok(facts) => facts,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Sight::Nothing),
        Err(cause) => return Err(refused("look at", path, cause)),
    };
    if !facts.socket {
        let error = Error::config("path", format!("is {}, where something lies that is no socket", path.display()));
        return Err(error.hint("it is left alone: remove it if it may go, or choose another path"));
    }
    match sys::connect_unix(path) {
        Ok(socket) => Ok(Sight::Alive(sys::peer_pid(&socket).map(process), None)),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(Sight::Dead(facts.id)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Sight::Nothing),
        Err(cause) if sys::is_our_shortage(&cause) => Err(refused("look at", path, cause)),
        Err(cause) => Ok(Sight::Alive(None, Some(cause))),
    }
}

fn process(pid: u32) -> Holder {
    Holder { pid, program: sys::program_of(pid).unwrap_or_default(), ..Holder::default() }
}

fn remove(path: &Path) -> Result<bool> {
    sys::remove_if_there(path).map_err(|cause| refused("remove the socket", path, cause))
}

fn running(path: &Path, owner: Option<Holder>, cause: Option<io::Error>) -> Error {
    let path = path.display();
    let pid = owner.as_ref().map(|owner| owner.pid);
    let error = match cause {
        None => Error::new(ErrorCode::Running, format!("the socket {path} is served by {}", who(owner.as_ref()))),
        Some(cause) => {
            let summary = format!("the socket {path} cannot be asked, so it counts as served by {}", who(owner.as_ref()));
            Error::new(ErrorCode::Running, summary).caused_by(cause)
        }
    };
    error.with(|failure| failure.pid = pid)
}

fn refused(attempt: &str, path: &Path, cause: io::Error) -> Error {
    Error::new(ErrorCode::Place, format!("cannot {attempt} {}", path.display())).caused_by(cause)
}
