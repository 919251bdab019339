//! A host that forks in one thread while another lets a lock go: what the child has of its parent's files must be whole.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "the bans are for core; a host sleeps as it likes, and fails loudly")]

use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::json;
use spawnlock::{LockKind, LockOptions, ServerSpec, SpawnLock};
use spawnlock_tests::sys;

const HELP: &str = "\
forker release LOCK KIND            lets the lock go
forker abandon LOCK KIND            the same, when somebody has waited for it in vain
forker wait LOCK KIND               waits for it in vain
forker nameless LOCK KIND           lets it go, with its file removed, to somebody who waits
forker lease STATE_DIR READY CMD…   lets go of a server that is used

A line is printed with the number of forks, and of those whose child had not all files that were open in its parent.
";
/// As many files as may have the numbers that become free.
const FILES: usize = 16;
/// How long a waiter has patience.
const A_WHILE: Duration = Duration::from_millis(50);

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (forks, broken) = match words[..] {
        ["release", lock, kind] => release(&Host::new(lock, kind)),
        ["abandon", lock, kind] => abandon(&Host::new(lock, kind)),
        ["wait", lock, kind] => wait(&Host::new(lock, kind)),
        ["nameless", lock, kind] => nameless(&Host::new(lock, kind)),
        ["lease", state_dir, ready, ref command @ ..] if !command.is_empty() => lease(state_dir, ready, command),
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    println!("{}", json!({"forks": forks, "broken": broken}));
    ExitCode::SUCCESS
}

/// One who takes a lock, by several owners.
struct Host {
    lock: PathBuf,
    kind: LockKind,
}

impl Host {
    fn new(lock: &str, kind: &str) -> Self {
        Host { lock: PathBuf::from(lock), kind: LockKind::parse(kind).unwrap() }
    }

    fn acquire(&self, owner: u64, timeout: Duration) -> spawnlock::Result<SpawnLock> {
        SpawnLock::acquire(&self.lock, &LockOptions::new().kind(self.kind).owner(owner).timeout(timeout))
    }

    fn take(&self, owner: u64) -> SpawnLock {
        self.acquire(owner, Duration::from_secs(60)).unwrap()
    }

    /// Whether this process has the file of the lock, or one beside it, open.
    fn is_open(&self) -> bool {
        let lock = self.lock.as_os_str().as_encoded_bytes();
        let leads = |entry: &Path| fs::read_link(entry).is_ok_and(|link| link.as_os_str().as_encoded_bytes().starts_with(lock));
        fs::read_dir("/proc/self/fd").unwrap().flatten().any(|entry| leads(&entry.path()))
    }

    fn await_closed(&self) {
        while self.is_open() {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

fn release(host: &Host) -> (usize, usize) {
    let lock = host.take(1);
    forks_while(|| assert!(lock.release()))
}

/// The seat of one who has no patience is given back by whoever sits in it.
fn abandon(host: &Host) -> (usize, usize) {
    let lock = host.take(1);
    assert!(host.acquire(2, A_WHILE).is_err());
    forks_while(|| {
        assert!(lock.release());
        host.await_closed();
    })
}

fn wait(host: &Host) -> (usize, usize) {
    let _lock = host.take(1);
    forks_while(|| assert!(host.acquire(2, A_WHILE).is_err()))
}

/// Who waits is given the lock of a file that is nobody's any more, and takes that of the next.
fn nameless(host: &Host) -> (usize, usize) {
    let lock = host.take(1);
    thread::scope(|scope| {
        let next = scope.spawn(|| host.take(2));
        // It waits once it has the file open as well.
        thread::sleep(A_WHILE);
        fs::remove_file(&host.lock).unwrap();
        forks_while(|| {
            assert!(lock.release());
            assert!(next.join().unwrap().release());
        })
    })
}

fn lease(state_dir: &str, ready: &str, command: &[&str]) -> (usize, usize) {
    let spec = ServerSpec::new("fixture").state_dir(state_dir).ready(ready).command(command.iter().copied());
    let server = spec.ensure_scoped().unwrap();
    forks_while(|| server.release())
}

/// Opens files and forks for as long as something else goes on: how often, and how often a child had not all of them.
fn forks_while(work: impl FnOnce()) -> (usize, usize) {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let forks = scope.spawn(|| {
            let (mut forks, mut broken) = (0, 0);
            while !over.load(Ordering::SeqCst) {
                let files: Vec<File> = (0..FILES).map(|_| File::open("/dev/null").unwrap()).collect();
                let numbers: Vec<i32> = files.iter().map(AsRawFd::as_raw_fd).collect();
                forks += 1;
                broken += usize::from(!sys::open_in_a_fork(&numbers).unwrap());
            }
            (forks, broken)
        });
        work();
        over.store(true, Ordering::SeqCst);
        forks.join().unwrap()
    })
}
