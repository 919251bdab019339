//! Locks that cannot be had, or not at once.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use spawnlock_tests::without_lock::{fails, proceeds};
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

#[test]
fn without_file_locks_the_start_goes_on_with_a_warning() {
    if has_strace() {
        let scene = Scene::new();
        proceeds(&scene, with_failing(scene.client(&[]).flag(&["--lock", "flock"]), "flock", "error=ENOLCK"));
    }
}

#[test]
fn without_file_locks_the_start_fails_when_asked_to() {
    if has_strace() {
        let scene = Scene::new();
        fails(&scene, with_failing(scene.client(&[]).flag(&["--lock", "flock"]), "flock", "error=EOPNOTSUPP"));
    }
}

#[test]
fn without_file_locks_the_bind_of_the_server_decides() {
    if !has_strace() {
        return;
    }
    let scene = Scene::new();
    let gate = scene.path("gate");
    let client =
        || with_failing(scene.client(&["--delay", "100"]).flag(&["--lock", "flock"]), "flock", "error=ENOLCK").gate(gate.clone()).start();
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
fn without_file_locks_an_existence_lock_does() {
    if !has_strace() {
        return;
    }
    let scene = Scene::new();
    let gate = scene.path("gate");
    let client = || with_failing(scene.client(&["--delay", "100"]), "flock", "error=ENOLCK").flag(&["--events"]).gate(gate.clone()).start();
    let clients: Vec<Running> = (0..6).map(|_| client()).collect();
    wait_until("all clients wait at the gate", SOON, || gate::waiting_at(&gate) == 6);
    gate::open(&gate).unwrap();
    let outcomes: Vec<_> = clients.into_iter().map(|client| client.finish(SOON * 2)).collect();
    assert_eq!(scene.starts().len(), 1, "{outcomes:#?}");
    for outcome in &outcomes {
        assert_eq!([outcome.pid()], *scene.living());
        assert!(!outcome.stderr.contains("warning"), "{outcome:#?}");
    }
    assert!(!scene.place().join("start.lock.excl").exists());
}

#[test]
fn every_kind_of_lock_makes_one_start() {
    for kind in ["auto", "flock", "excl"] {
        for file in [false, true] {
            let scene = Scene::new();
            let path = scene.path("old/init.lock").display().to_string();
            let flags: &[&str] = if file { &["--lock", kind, "--lock-file", &path] } else { &["--lock", kind] };
            let gate = scene.path("gate");
            let clients: Vec<Running> = (0..6).map(|_| scene.client(&["--delay", "100"]).flag(flags).gate(gate.clone()).start()).collect();
            wait_until("all clients wait at the gate", SOON, || gate::waiting_at(&gate) == 6);
            gate::open(&gate).unwrap();
            let outcomes: Vec<_> = clients.into_iter().map(|client| client.finish(SOON * 2)).collect();
            assert_eq!(scene.starts().len(), 1, "{kind} {file}: {outcomes:#?}");
            assert!(outcomes.iter().all(|outcome| outcome.pid() == scene.living()[0]), "{kind} {file}: {outcomes:#?}");
        }
    }
}

#[test]
fn an_old_script_that_holds_the_lock_file_is_waited_for() {
    let scene = Scene::new();
    let path = scene.path("init.lock");
    // As the script writes it: its pid, ours here, and the time.
    std::fs::write(&path, format!(r#"{{"pid":{},"timestamp":1700000000000}}"#, std::process::id())).unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    let spec = scene.spec(&[]).lock_file(&path).on_event(move |event| tell.send(event.message.clone()).unwrap());
    std::thread::scope(|scope| {
        let client = scope.spawn(|| spec.ensure());
        let line = told.recv_timeout(SOON).unwrap();
        assert!(line.contains("waiting for the spawn lock") && line.contains(&std::process::id().to_string()), "{line}");
        assert_eq!(scene.starts().len(), 0);
        std::fs::remove_file(&path).unwrap();
        client.join().unwrap().unwrap();
    });
    assert!(!path.exists(), "the lock is let go");
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
