//! A claimed socket, as Python's servers take it.

use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsRawFd, IntoRawFd};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;

use crate::error::raised;
use crate::options::Ignored;
use crate::typed::StrPath;

/// "Bad file descriptor", the same number on every system we run on.
const EBADF: i32 = 9;

/// A Unix socket of which this process is the only server. It listens already; whoever serves it takes its descriptor:
/// `socket.socket(fileno=claim.detach())`.
///
/// A claim whose descriptor was taken lasts until it is closed or the process ends, whether or not anybody refers to it. Closing
/// removes the socket's file if that is still ours. A forked child may serve the socket; its copy of the claim closes nothing.
#[pyclass(frozen, module = "spawnlock")]
pub(crate) struct ClaimedSocket {
    claim: ManuallyDrop<spawnlock::ClaimedSocket>,
    listener: Mutex<Option<UnixListener>>,
}

impl ClaimedSocket {
    fn listener(&self) -> MutexGuard<'_, Option<UnixListener>> {
        self.listener.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ClaimedSocket {
    /// Somebody serves what was taken: that stays claimed, as a program's own servers need no variable to live.
    fn drop(&mut self) {
        if self.listener().is_some() {
            let _ = self.claim.close();
        }
    }
}

#[pymethods]
impl ClaimedSocket {
    /// The whole path of the socket.
    #[getter]
    fn path(&self) -> &Path {
        self.claim.path()
    }

    /// The number of the descriptor, which stays the claim's; -1 once it was taken or closed.
    fn fileno(&self) -> i32 {
        self.listener().as_ref().map_or(-1, AsRawFd::as_raw_fd)
    }

    /// Gives the descriptor to the caller, who serves it and closes it; the socket stays claimed.
    fn detach(&self) -> PyResult<i32> {
        let taken = self.listener().take();
        // As Python says it of a socket that is closed: a bad file descriptor.
        taken.map(IntoRawFd::into_raw_fd).ok_or_else(|| io::Error::from_raw_os_error(EBADF).into())
    }

    /// Whether the name still leads to our socket: when somebody has removed or replaced it, no client finds us any more.
    fn still_owned(&self) -> bool {
        self.claim.still_owned()
    }

    /// Gives the socket up: removes its file if that is still ours, closes the descriptor unless it was taken, frees the lock.
    ///
    /// `False` when the file was no longer ours, it was closed before, or this is a forked child's copy.
    fn close(&self, py: Python<'_>) -> PyResult<bool> {
        let closed = self.claim.close();
        drop(self.listener().take());
        closed.map_err(|error| raised(py, &error))
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __exit__(&self, py: Python<'_>, _kind: Ignored, _raised: Ignored, _trace: Ignored) -> PyResult<()> {
        self.close(py).map(drop)
    }

    fn __repr__(&self) -> String {
        format!("<ClaimedSocket {}>", self.claim.path().display())
    }
}

/// Binds a Unix socket and listens on it, if no other daemon serves it: of any number that try at once, one gets it.
///
/// Raises SpawnlockRunningError when another daemon serves it: exit with 0. What a dead daemon left is replaced; one that answers,
/// or of which nobody can tell, is left alone, and so is what is no socket. Only this user may connect, until the file is given
/// other rights. It takes a second at most, and other threads run meanwhile.
#[pyfunction]
pub(crate) fn claim_socket(py: Python<'_>, path: StrPath) -> PyResult<ClaimedSocket> {
    let claimed = py.detach(|| spawnlock::claim_socket(&path));
    let claim = claimed.map_err(|error| raised(py, &error))?;
    let listener = Mutex::new(claim.take_listener());
    Ok(ClaimedSocket { claim: ManuallyDrop::new(claim), listener })
}
