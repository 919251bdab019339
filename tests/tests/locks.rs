//! Locks that cannot be had, or not at once.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use spawnlock_tests::{Client, Running, Scene, gate, process_alive, wait_until};

const SOON: Duration = Duration::from_secs(15);

fn has_strace() -> bool {
    let found = std::process::Command::new("strace").arg("-V").output().is_ok();
    if !found {
        eprintln!("skipped: there is no strace");
    }
    found
}

/// Makes a system call of a client fail, and those of its children as long as they run no other program.
fn with_failing(client: Client, call: &str, fault: &str) -> Client {
    let (trace, inject) = (format!("trace={call}"), format!("inject={call}:{fault}"));
    client.under(&["strace", "-f", "-b", "execve", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject])
}

/// The client goes on without a lock, says so, and gets its server.
#[track_caller]
fn proceeds(scene: &Scene, client: Client) {
    let outcome = client.flag(&["--events"]).run();
    assert_eq!(scene.living(), [outcome.pid()]);
    assert_eq!(scene.starts().len(), 1);
    assert!(outcome.stderr.lines().any(|line| line.starts_with("warning") && line.contains("lock")), "{outcome:#?}");
}

/// Asked to, the client fails in place of going on.
#[track_caller]
fn fails(scene: &Scene, client: Client) {
    let outcome = client.flag(&["--on-lock-unavailable", "fail"]).run();
    assert_eq!(outcome.code(), "ERR_SPAWNLOCK_LOCK_UNAVAILABLE", "{outcome:#?}");
    assert!(outcome.ms() < 1000.0, "{outcome:#?}");
    assert_eq!(scene.starts().len(), 0);
}

#[test]
fn without_file_locks_the_start_goes_on_with_a_warning() {
    if has_strace() {
        let scene = Scene::new();
        proceeds(&scene, with_failing(scene.client(&[]), "flock", "error=ENOLCK"));
    }
}

#[test]
fn without_file_locks_the_start_fails_when_asked_to() {
    if has_strace() {
        let scene = Scene::new();
        fails(&scene, with_failing(scene.client(&[]), "flock", "error=EOPNOTSUPP"));
    }
}

#[test]
fn without_file_locks_the_bind_of_the_server_decides() {
    if !has_strace() {
        return;
    }
    let scene = Scene::new();
    let gate = scene.path("gate");
    let client = || with_failing(scene.client(&["--delay", "100"]), "flock", "error=ENOLCK").gate(gate.clone()).start();
    let clients: Vec<Running> = (0..6).map(|_| client()).collect();
    wait_until("all clients wait at the gate", SOON, || gate::waiting_at(&gate) == 6);
    gate::open(&gate).unwrap();
    let outcomes: Vec<_> = clients.into_iter().map(|client| client.finish(SOON * 2)).collect();
    wait_until("the losers of the bind are gone", SOON, || scene.living().len() == 1);
    for outcome in &outcomes {
        assert!(outcome.is_ok(), "the losers of the bind find the winner: {outcomes:#?}");
        let pid = &outcome.line()["pid"];
        assert!(pid.is_null() || *pid == scene.living()[0], "a loser vouches for a server that is about to die: {outcomes:#?}");
    }
}

#[test]
fn a_server_that_could_not_take_the_alive_lock_is_known_by_its_pid() {
    if !has_strace() {
        return;
    }
    let scene = Scene::new();
    let pid = with_failing(scene.client(&[]), "flock", "error=ENOLCK").run().pid();
    assert_eq!(scene.record()["alive"], "pid");
    assert_eq!(scene.spec(&[]).ensure().unwrap().pid(), Some(pid));
    scene.stop().unwrap();
    assert!(!process_alive(pid));
}

#[test]
fn interrupted_lock_calls_are_made_again() {
    if !has_strace() {
        return;
    }
    let scene = Scene::new();
    let outcome = with_failing(scene.client(&[]), "flock", "error=EINTR:when=1..3").flag(&["--events"]).run();
    assert_eq!(scene.living(), [outcome.pid()]);
    assert!(!outcome.stderr.contains("warning"), "{outcome:#?}");
}

#[test]
fn a_look_at_the_lock_from_elsewhere_delays_nobody() {
    let scene = Scene::new();
    scene.spec(&[]).ensure().unwrap();
    scene.stop().unwrap();
    // As a call for the status does, for a moment that happens to be the wrong one.
    let path = scene.place().join("start.lock");
    let lock = std::fs::File::open(&path).unwrap();
    lock.lock_shared().unwrap();
    let opened = inotify::init(CreateFlags::CLOEXEC).unwrap();
    inotify::add_watch(&opened, &path, WatchFlags::OPEN).unwrap();
    let client = scene.client(&[]).start();
    let most = Timespec { tv_sec: 15, tv_nsec: 0 };
    assert_eq!(poll(&mut [PollFd::new(&opened, PollFlags::IN)], Some(&most)).unwrap(), 1, "the client tries for the lock");
    std::thread::sleep(Duration::from_millis(2));
    drop(lock);
    let outcome = client.finish(SOON);
    assert!(outcome.is_ok() && outcome.ms() < 300.0, "{outcome:#?}");
}
