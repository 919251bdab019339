//! A process that stands still just after one of its system calls, until it is told to go on.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;

use crate::client::Client;
use crate::process::{self, wait_until};

/// Longer than any process takes to come to its call, however busy the machine.
const LIMIT: Duration = Duration::from_secs(20);
/// What the tracer writes down of one that stands still.
const STOPPED: &str = "stopped by SIGSTOP";

/// The call after which a process stands still. Only its main thread is traced, and nothing that it starts.
#[derive(Clone, Debug)]
pub struct Halt {
    call: String,
    at: usize,
    file: Option<PathBuf>,
    trace: PathBuf,
}

impl Halt {
    /// The first call of this name; the tracer writes into `trace`.
    pub fn at(call: &str, trace: PathBuf) -> Self {
        Halt { call: call.to_owned(), at: 1, file: None, trace }
    }

    /// Only calls that this very file has a part in count.
    pub fn of(mut self, file: PathBuf) -> Self {
        self.file = Some(file);
        self
    }

    /// The call of this number, from 1.
    pub fn number(mut self, at: usize) -> Self {
        self.at = at;
        self
    }

    /// The words that come before those of the process.
    pub fn words(&self) -> Vec<String> {
        let mut words = tracer(&self.trace, &self.call, self.file.as_deref());
        words.extend(["-e".to_owned(), format!("inject={}:signal=SIGSTOP:when={}", self.call, self.at)]);
        words
    }

    /// The client that stands still.
    pub fn before(&self, client: Client) -> Client {
        client.under(&self.words().iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Waits until it stands still, and gives its pid.
    ///
    /// # Panics
    /// When it does not come to that call.
    #[track_caller]
    pub fn reached(&self, tracer: u32) -> u32 {
        let stands = || fs::read_to_string(&self.trace).is_ok_and(|trace| trace.contains(STOPPED));
        wait_until(&format!("a process stands still at {} {}", self.call, self.at), LIMIT, stands);
        process::children(tracer)[0]
    }
}

/// Lets one that stands still go on.
#[track_caller]
pub fn go_on(pid: u32) {
    process::signal(pid, Signal::CONT);
}

/// The words that come before those of a process whose calls of one name are only written down.
pub fn tracer(trace: &Path, call: &str, file: Option<&Path>) -> Vec<String> {
    let mut words = ["strace", "-qq", "-o", &trace.display().to_string(), "-e", &format!("trace={call}")].map(str::to_owned).to_vec();
    words.extend(file.into_iter().flat_map(|file| ["-P".to_owned(), file.display().to_string()]));
    words
}
