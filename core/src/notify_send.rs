//! Inside a server: telling whoever started it how far it is, as systemd has it (`sd_notify`).

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use crate::cancel::{Cancel, Patience};
use crate::deadline::Deadline;
use crate::environment::{self, NOTIFY_SOCKET};
use crate::error::{Error, ErrorCode, Result};
use crate::sys::{self, Interest};

/// For how long a listener may be too busy to hear.
const PATIENCE: Duration = Duration::from_millis(100);

/// What a server tells its starter.
///
/// # Example
/// ```
/// use spawnlock::{Notice, notify};
/// let heard = notify(&Notice::new().status("reading the index, 40 %"))?;
/// assert!(!heard, "nobody has asked for it");
/// # Ok::<(), spawnlock::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Notice {
    ready: bool,
    status: Option<String>,
    port: Option<u32>,
    stopping: bool,
}

impl Notice {
    /// Nothing yet.
    pub fn new() -> Self {
        Notice::default()
    }

    /// It serves.
    pub fn ready(mut self, ready: bool) -> Self {
        self.ready = ready;
        self
    }

    /// What it is doing, in one line for people.
    pub fn status(mut self, status: impl Into<String>) -> Self {
        self.status = Some(status.into());
        self
    }

    /// The port on which it listens, where it chose one itself.
    pub fn port(mut self, port: u32) -> Self {
        self.port = Some(port);
        self
    }

    /// It is about to end.
    pub fn stopping(mut self, stopping: bool) -> Self {
        self.stopping = stopping;
        self
    }

    /// As it is sent: one assignment a line.
    fn text(&self) -> Result<String> {
        if self.status.as_ref().is_some_and(|status| status.contains('\n')) {
            return Err(Error::config("status", "must be one line"));
        }
        if let Some(port) = self.port.filter(|port| !(1..=65535).contains(port)) {
            return Err(Error::config("port", format!("is {port}, which is no number from 1 to 65535")));
        }
        // The port first: who hears of "ready" knows it by then.
        let lines = [
            self.port.map(|port| format!("PORT={port}")),
            self.status.as_ref().map(|status| format!("STATUS={status}")),
            self.ready.then(|| "READY=1".to_owned()),
            self.stopping.then(|| "STOPPING=1".to_owned()),
        ];
        Ok(lines.into_iter().flatten().collect::<Vec<_>>().join("\n"))
    }
}

/// Says that the server is ready. `false` when nobody has asked for it, or nobody listens any more.
///
/// # Errors
/// As [`notify`].
pub fn notify_ready() -> Result<bool> {
    notify(&Notice::new().ready(true))
}

/// Tells whoever waits at `$NOTIFY_SOCKET`: a spawnlock call with the check `notify`, or systemd. `false` when there is no such
/// variable, when nobody listens there any more, or when nothing was said.
///
/// # Errors
/// `CONFIG` when the variable is neither a path nor `@` and a name, or the port or the status is wrong. `DENIED` when the system
/// forbids it. A server goes on in either case.
pub fn notify(notice: &Notice) -> Result<bool> {
    let text = notice.text()?;
    let Some(name) = environment::notify_socket().filter(|_| !text.is_empty()) else { return Ok(false) };
    let name_text = name.to_string_lossy();
    match sys::connect_datagram(&name).and_then(|socket| send(&socket, text.as_bytes())) {
        Ok(heard) => Ok(heard),
        Err(error) if is_nobody(&error) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            Err(Error::config(NOTIFY_SOCKET, format!("is `{name_text}`, which is neither a path nor `@` and a name")))
        }
        Err(cause) => Err(Error::new(ErrorCode::Denied, format!("cannot tell {NOTIFY_SOCKET} `{name_text}`")).caused_by(cause)),
    }
}

/// `false` when the listener was busy for too long.
fn send(socket: &impl AsFd, text: &[u8]) -> io::Result<bool> {
    let patience = Patience::new(Deadline::after(PATIENCE), Cancel::never());
    loop {
        match sys::send(socket, text) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && !patience.deadline.expired() => {
                patience.wait(&[(socket.as_fd(), Interest::Write)], PATIENCE)?;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            sent => return sent.map(|_| true),
        }
    }
}

/// The starter is gone. Its server is not.
fn is_nobody(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound | io::ErrorKind::ConnectionReset)
}
