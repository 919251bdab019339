//! What a server says of itself by datagrams, as under systemd: the desk that hears it, and `notify.json`, by which everybody else does.

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::place::{self, Place};
use crate::sys;

/// The version of the on-disk form.
const FORMAT: u32 = 1;
/// As much of one datagram as is read.
const DATAGRAM_MOST: usize = 8192;
/// As much of a status as is kept.
const STATUS_MOST: usize = 500;
/// As many datagrams as are heard before anything else is looked at.
const AT_ONCE: usize = 64;

/// What a server has said of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Notified {
    format: u32,
    /// Which start of its name said it.
    pub(crate) generation: u64,
    pub(crate) ready: bool,
    /// What it is doing, in its own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<String>,
    /// The port it listens on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) port: Option<u16>,
    /// It is on its way out.
    pub(crate) stopping: bool,
}

impl Notified {
    fn nothing(generation: u64) -> Self {
        Notified { format: FORMAT, generation, ..Notified::default() }
    }

    /// What this start of the name has said, as far as it was written down.
    pub(crate) fn read(place: &Place, generation: u64) -> Option<Self> {
        let said: Notified = place::read_json(&place.notified()).ok().flatten()?;
        (said.generation == generation && said.format <= FORMAT).then_some(said)
    }

    /// Takes one datagram: lines of `KEY=value`. What is not known, or makes no sense, is left out, as systemd does.
    fn take(&mut self, datagram: &str) {
        for (key, value) in datagram.lines().filter_map(|line| line.split_once('=')) {
            match (key, value) {
                ("READY", "1") => (self.ready, self.stopping) = (true, false),
                // A service that loads its configuration anew says when it has.
                ("RELOADING", "1") => self.ready = false,
                ("STOPPING", "1") => self.stopping = true,
                ("STATUS", text) => self.status = Some(printable(text)).filter(|text| !text.is_empty()),
                ("PORT", port) => self.port = port.trim().parse().ok().filter(|port| *port > 0).or(self.port),
                _ => {}
            }
        }
    }
}

fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(STATUS_MOST).collect::<String>().trim().to_owned()
}

/// Hears one start of a server: the socket that its `NOTIFY_SOCKET` names. It belongs to whoever waits on the server, in an
/// event loop of his own: [`as_fd`](NotifyDesk::as_fd) to wait on, [`hear`](NotifyDesk::hear) when there is something.
#[derive(Debug)]
pub(crate) struct NotifyDesk {
    socket: UnixDatagram,
    path: PathBuf,
    file: PathBuf,
    said: Notified,
    /// Another process has it too, and goes on with it.
    shared: bool,
}

impl NotifyDesk {
    /// Opens the desk for a start that is about to happen; what earlier ones left behind is removed.
    pub(crate) fn bind(place: &Place, generation: u64) -> io::Result<Self> {
        let path = socket_path(place, generation)?;
        remove_earlier(place, generation);
        sys::remove_if_there(&path)?;
        let desk = NotifyDesk::at(path, place, Notified::nothing(generation))?;
        desk.publish()?;
        Ok(desk)
    }

    /// Opens it again for a start whose desk is gone with its starter: what the server says from now on is heard.
    /// `None` while somebody else hears it.
    pub(crate) fn take_over(place: &Place, generation: u64) -> io::Result<Option<Self>> {
        let path = socket_path(place, generation)?;
        if is_heard(&path) {
            return Ok(None);
        }
        sys::remove_if_there(&path)?;
        let said = Notified::read(place, generation).unwrap_or_else(|| Notified::nothing(generation));
        NotifyDesk::at(path, place, said).map(Some)
    }

    fn at(path: PathBuf, place: &Place, said: Notified) -> io::Result<Self> {
        let socket = UnixDatagram::bind(&path)?;
        socket.set_nonblocking(true)?;
        Ok(NotifyDesk { socket, path, file: place.notified(), said, shared: false })
    }

    /// The desk that another process opened, by its socket.
    pub(crate) fn shared_by(socket: OwnedFd, place: &Place, generation: u64) -> io::Result<Self> {
        let path = socket_path(place, generation)?;
        let said = Notified::read(place, generation).unwrap_or_else(|| Notified::nothing(generation));
        Ok(NotifyDesk { socket: UnixDatagram::from(socket), path, file: place.notified(), said, shared: false })
    }

    /// Its socket, for a process that goes on hearing when this one does no more.
    pub(crate) fn share(&self) -> io::Result<OwnedFd> {
        self.socket.as_fd().try_clone_to_owned()
    }

    /// From now on it is the other process's to remove.
    pub(crate) fn leave_it(&mut self) {
        self.shared = true;
    }

    /// Another process may have heard something since.
    pub(crate) fn catch_up(&mut self, place: &Place) {
        self.said = Notified::read(place, self.said.generation).unwrap_or_else(|| self.said.clone());
    }

    /// What the server gets as `NOTIFY_SOCKET`.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What was said so far.
    pub(crate) fn said(&self) -> &Notified {
        &self.said
    }

    /// Readable when something was said.
    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Hears what there is, without waiting, and publishes it. Whether it changes anything.
    ///
    /// # Errors
    /// What was heard could not be written down; it is known here all the same.
    pub(crate) fn hear(&mut self) -> io::Result<bool> {
        let before = self.said.clone();
        let mut buffer = [0u8; DATAGRAM_MOST];
        for _ in 0..AT_ONCE {
            match self.socket.recv(&mut buffer) {
                Ok(read) => self.said.take(&String::from_utf8_lossy(&buffer[..read])),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        if self.said == before {
            return Ok(false);
        }
        self.publish().map(|()| true)
    }

    fn publish(&self) -> io::Result<()> {
        place::write_json(&self.file, &self.said)
    }
}

impl Drop for NotifyDesk {
    fn drop(&mut self) {
        if !self.shared {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Where the socket of a start is: in its place, or, where that path is too long for a socket, in a directory of ours that
/// has a short one. It is the same for everybody, so that one who takes over finds it.
fn socket_path(place: &Place, generation: u64) -> io::Result<PathBuf> {
    let path = place.dir().join(socket_name("notify", generation));
    if sys::unix_path_fits(&path) {
        return Ok(path);
    }
    let dir = PathBuf::from(format!("/tmp/spawnlock-{}", sys::user_id()));
    let facts = match sys::inspect_dir(&dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => sys::make_private_dir(&dir).and_then(|()| sys::inspect_dir(&dir))?,
        facts => facts?,
    };
    if facts.symlink || !facts.ours || !facts.private {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, format!("{} is not a private directory of ours", dir.display())));
    }
    Ok(dir.join(socket_name(&place::short_name(place.dir()), generation)))
}

fn socket_name(stem: &str, generation: u64) -> String {
    format!("{stem}-{generation}.sock")
}

/// Removes the sockets of earlier starts. Whoever calls this is about to make a later one, so nothing of those lives.
fn remove_earlier(place: &Place, generation: u64) {
    for entry in fs::read_dir(place.dir()).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix("notify-")?.strip_suffix(".sock")?.parse::<u64>().ok());
        if number.is_some_and(|number| number < generation) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Whether somebody has the socket open: only a refusal, or no socket at all, says that nobody does.
fn is_heard(path: &Path) -> bool {
    let gone = [io::ErrorKind::ConnectionRefused, io::ErrorKind::NotFound];
    !UnixDatagram::unbound().and_then(|socket| socket.connect(path)).is_err_and(|error| gone.contains(&error.kind()))
}

#[cfg(test)]
mod tests {
    use super::Notified;

    #[test]
    fn lines_that_make_no_sense_are_left_out() {
        let mut said = Notified::nothing(1);
        said.take("STATUS=loading\u{7} models\nPORT=70000\nREADY=yes\nnonsense\n=\nFDSTORE=1");
        assert_eq!((said.ready, said.status.as_deref(), said.port), (false, Some("loading models"), None));
        said.take("PORT=4321\nREADY=1\n");
        assert_eq!((said.ready, said.port), (true, Some(4321)));
        said.take("STOPPING=1\nSTATUS=");
        assert_eq!((said.stopping, said.status), (true, None));
    }
}
