//! What a minder and the one who hires it tell each other: a line of JSON a message, over a pair of sockets.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::launch::Refused;
use crate::place::{self, Place};
use crate::record::Record;
use crate::sys::{self, Ending};

/// A longer line is none of ours.
const LINE_MOST: usize = 16 * 1024 * 1024;

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

impl Post {
    pub(crate) fn of(place: &Place, name: &str, generation: u64) -> Self {
        Post { state_dir: place.state_dir().to_owned(), name: name.to_owned(), generation }
    }

    /// The directory of the name.
    pub(super) fn place(&self) -> PathBuf {
        self.state_dir.join(place::folder(&self.name))
    }
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

    pub(super) fn ending(self) -> Option<Ending> {
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
