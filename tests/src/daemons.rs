//! Daemons in processes of their own that want one socket.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use spawnlock::{ErrorCode, claim_socket};
use tempfile::TempDir;

use crate::process::wait_until;
use crate::scene::program;

/// Longer than a claim may take, on a busy machine.
const BOUND: Duration = Duration::from_secs(60);

/// The command lines of claimers, one a language that can be run here; see CONTENDERS.md.
pub fn claimers() -> Vec<Vec<String>> {
    let given = |variable: &str| std::env::var(variable).ok().filter(|text| !text.trim().is_empty());
    let words = |text: String| text.split_whitespace().map(str::to_owned).collect();
    let others = ["SPAWNLOCK_TEST_NODE_CLAIMER", "SPAWNLOCK_TEST_PYTHON_CLAIMER"];
    let mut all = vec![vec![program("claimer").display().to_string()]];
    all.extend(others.into_iter().filter_map(given).map(words));
    all
}

/// One that was started.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Daemon {
    /// One in Rust, without a gate.
    pub fn start(path: &Path) -> Self {
        Daemon::of(&claimers()[0], path, None)
    }

    /// One by its command line.
    ///
    /// # Panics
    /// When it cannot be run.
    pub fn of(claimer: &[String], path: &Path, gate: Option<&Path>) -> Self {
        let mut command = Command::new(&claimer[0]);
        command.args(&claimer[1..]).arg(path).stdin(Stdio::piped()).stdout(Stdio::piped());
        if let Some(gate) = gate {
            command.arg("--gate").arg(gate);
        }
        let mut child = command.spawn().unwrap_or_else(|problem| panic!("cannot run {claimer:?}: {problem}"));
        let output = BufReader::new(child.stdout.take().expect("its output"));
        Daemon { child, output }
    }

    /// Its pid.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next line it prints.
    ///
    /// # Panics
    /// When it prints none.
    pub fn line(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("a line");
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("it said {line:?}"))
    }

    /// Waits until it serves.
    ///
    /// # Panics
    /// When it does not.
    pub fn serves(mut self) -> Self {
        let line = self.line();
        assert_eq!(line["ok"], true, "{line}");
        self
    }

    /// Whether it has ended.
    ///
    /// # Panics
    /// When the system does not tell.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_some()
    }

    /// Waits until it ends by itself, and gives its exit code and what it said.
    ///
    /// # Panics
    /// When it does not end.
    pub fn ended(mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        wait_until("the daemon ends", BOUND, || self.has_ended());
        self.output.read_to_string(&mut said).expect("a text");
        (self.child.wait().expect("its end").code(), said)
    }

    /// Asks it to end in good order, and gives what it said last.
    pub fn end(mut self) -> Value {
        drop(self.child.stdin.take());
        let line = self.line();
        self.ended();
        line
    }

    /// Kills it.
    ///
    /// # Panics
    /// When it cannot be killed.
    pub fn kill(mut self) {
        self.child.kill().expect("a process to kill");
        self.child.wait().expect("its end");
    }
}

impl Drop for Daemon {
    /// A test that failed leaves nobody behind.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The pid that answers at a socket.
///
/// # Panics
/// When nobody does.
#[track_caller]
pub fn who_serves(path: &Path) -> u32 {
    let mut answer = String::new();
    let mut stream = UnixStream::connect(path).unwrap_or_else(|problem| panic!("nobody serves {}: {problem}", path.display()));
    stream.set_read_timeout(Some(BOUND)).expect("a time-out");
    stream.read_to_string(&mut answer).expect("an answer");
    answer.trim().parse().unwrap_or_else(|_| panic!("it answered {answer:?}"))
}

/// The file beside a socket that carries the lock of its owner.
pub fn lock_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

/// A directory, and the path of a socket in it.
///
/// # Panics
/// When the system has no room for one.
pub fn room() -> (TempDir, PathBuf) {
    let dir = tempfile::Builder::new().prefix("sl-claim-").tempdir().expect("a temporary directory");
    let path = dir.path().join("d.sock");
    (dir, path)
}

/// Puts the socket of a daemon there that was killed.
///
/// # Panics
/// When it cannot.
pub fn left_by_a_killed_daemon(path: &Path) {
    Daemon::start(path).serves().kill();
    assert!(path.exists(), "its socket stays");
}

/// Which file it is.
///
/// # Panics
/// When there is none.
pub fn inode(path: &Path) -> u64 {
    fs::symlink_metadata(path).expect("a file").ino()
}

/// Why this process cannot claim a socket.
///
/// # Panics
/// When it can, or cannot for another reason.
#[track_caller]
pub fn refused(path: &Path, code: ErrorCode) -> spawnlock::Error {
    let error = claim_socket(path).expect_err("it is not to be had");
    assert_eq!(error.code(), code, "{error}");
    error
}
