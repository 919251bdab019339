//! Inside a daemon: of all that claim a socket one serves it, until it gives it up or dies.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use spawnlock::{ErrorCode, LockKind, LockOptions, SpawnLock, claim_socket};
use spawnlock_tests::daemons::{Daemon, claimers, left_by_a_killed_daemon, lock_of, refused, room, who_serves};
use spawnlock_tests::strace::{self, Step, Traced, each, files_in};
use spawnlock_tests::{phase, process};

#[test]
fn a_claimed_socket_is_served_and_private() {
    let (_dir, path) = room();
    let claim = claim_socket(&path).unwrap();
    let mut client = UnixStream::connect(&path).expect("it listens already");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let (mut served, _) = claim.take_listener().unwrap().accept().unwrap();
    served.write_all(b"hello").unwrap();
    drop(served);
    let mut text = String::new();
    client.read_to_string(&mut text).unwrap();
    assert_eq!(text, "hello");
    assert!(claim.take_listener().is_none(), "it is taken once");
}

#[test]
fn a_second_daemon_is_told_who_serves_and_exits_with_0() {
    let (_dir, path) = room();
    let first = Daemon::start(&path).serves();
    for claimer in claimers() {
        let mut second = Daemon::of(&claimer, &path, None);
        let line = second.line();
        assert_eq!((&line["code"], line["pid"].as_u64()), (&"ERR_SPAWNLOCK_RUNNING".into(), Some(first.pid().into())), "{line}");
        assert_eq!(second.ended().0, Some(0));
    }
    assert_eq!(who_serves(&path), first.pid());
}

#[test]
fn the_socket_of_a_killed_daemon_is_replaced() {
    let (_dir, path) = room();
    left_by_a_killed_daemon(&path);
    let next = Daemon::start(&path).serves();
    assert_eq!(who_serves(&path), next.pid());
}

#[test]
fn a_daemon_that_ends_leaves_its_lock_file_only() {
    let (dir, path) = room();
    let line = Daemon::start(&path).serves().end();
    assert_eq!((&line["stillOwned"], &line["removed"]), (&true.into(), &true.into()));
    assert_eq!(files_in(dir.path()), ["d.sock.lock"]);
    drop(claim_socket(&path).unwrap());
    assert_eq!(files_in(dir.path()), ["d.sock.lock"]);
}

#[test]
fn whoever_comes_while_a_daemon_ends_takes_its_place() {
    let (_dir, path) = room();
    let owner = SpawnLock::acquire(lock_of(&path), &LockOptions::new().kind(LockKind::Flock).owner(1)).unwrap();
    let opened = inotify::init(CreateFlags::CLOEXEC).unwrap();
    inotify::add_watch(&opened, lock_of(&path), WatchFlags::OPEN).unwrap();
    let mut next = Daemon::start(&path);
    let most = Timespec { tv_sec: 15, tv_nsec: 0 };
    assert_eq!(poll(&mut [PollFd::new(&opened, PollFlags::IN)], Some(&most)).unwrap(), 1, "it tries for the lock");
    owner.release();
    assert_eq!(next.line()["ok"], true);
}

#[test]
fn missing_directories_are_made() {
    let (dir, _) = room();
    let path = dir.path().join("run/app/d.sock");
    let _claim = claim_socket(&path).unwrap();
    assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_daemon_that_ends_while_others_come_has_one_successor() {
    let (_dir, path) = room();
    let mut owner = Daemon::start(&path).serves();
    for round in 0..30 {
        let mut others: Vec<Daemon> = (0..4).map(|_| Daemon::start(&path)).collect();
        owner.end();
        let told: Vec<_> = others.iter_mut().map(Daemon::line).collect();
        let serving: Vec<usize> = (0..4).filter(|at| told[*at]["ok"] == true).collect();
        assert!(serving.len() <= 1, "round {round}: {told:#?}");
        // Who asked while the old one still served was told so, and has gone.
        owner = match serving.first() {
            Some(at) => others.swap_remove(*at),
            None => Daemon::start(&path).serves(),
        };
        assert_eq!(who_serves(&path), owner.pid(), "round {round}");
    }
}

#[test]
fn one_whose_socket_was_replaced_is_told_when_it_asks_and_removes_nothing() {
    let (_dir, path) = room();
    let claim = claim_socket(&path).unwrap();
    assert!(claim.still_owned());
    fs::remove_file(&path).unwrap();
    assert!(!claim.still_owned());
    let _stranger = UnixListener::bind(&path).unwrap();
    assert!(!claim.still_owned());
    assert!(!claim.close().unwrap());
    UnixStream::connect(&path).expect("the stranger's socket is there still");
}

#[test]
fn a_number_that_was_given_to_a_later_socket_is_no_mistake() {
    let (_dir, path) = room();
    let claim = claim_socket(&path).unwrap();
    // The listener is gone: on many file systems the next file gets the number of the one that was removed.
    drop(claim.take_listener());
    for _ in 0..50 {
        fs::remove_file(&path).unwrap();
        drop(UnixListener::bind(&path).unwrap());
        assert!(!claim.still_owned());
    }
    assert!(!claim.close().unwrap());
    assert!(path.exists());
}

#[test]
fn closing_late_does_not_remove_the_socket_of_a_successor() {
    let (_dir, path) = room();
    let claim = claim_socket(&path).unwrap();
    assert!(claim.close().unwrap());
    let successor = Daemon::start(&path).serves();
    assert!(!claim.close().unwrap() && !claim.still_owned());
    drop(claim);
    assert_eq!(who_serves(&path), successor.pid());
}

#[test]
fn two_claims_of_one_process_exclude_each_other() {
    let (_dir, path) = room();
    let claim = claim_socket(&path).unwrap();
    assert_eq!(refused(&path, ErrorCode::Running).failure().pid, Some(std::process::id()));
    drop(claim);
    drop(claim_socket(&path).unwrap());
}

/// Kills a claimer at each of its calls between two marks: the next one serves, within the time a claim may take.
fn killed_everywhere(from: &str, to: &str, before: impl Fn(&Path) + Sync) {
    let words = |path: &Path| [claimers()[0].clone(), vec![path.display().to_string(), "--mark".to_owned()]].concat();
    let (_dir, path) = room();
    before(&path);
    let steps: Vec<Step> = Traced::new(&words(&path)).steps(from, to);
    let killed = AtomicUsize::new(0);
    each(&steps, |step| {
        let (dir, path) = room();
        before(&path);
        let output = Traced::new(&words(&path)).inject(&step.call, &format!("signal=SIGKILL:when={}", step.at)).run();
        let was_killed = output.status.signal() == Some(9);
        assert!(was_killed || output.status.success(), "{step:?}: {output:?}");
        killed.fetch_add(usize::from(was_killed), Ordering::SeqCst);
        let next = Daemon::start(&path).serves();
        assert_eq!(who_serves(&path), next.pid(), "killed at {step:?}");
        next.end();
        assert_eq!(files_in(dir.path()), ["d.sock.lock"], "killed at {step:?}");
    });
    let killed = killed.into_inner();
    assert!(killed >= steps.len() / 2, "only {killed} of {} were killed", steps.len());
}

#[test]
fn one_killed_while_it_claims_blocks_nobody() {
    if strace::is_here() {
        killed_everywhere(phase::ACQUIRE, phase::HOLD, |_| {});
    }
}

#[test]
fn one_killed_while_it_replaces_a_dead_socket_blocks_nobody() {
    if strace::is_here() {
        killed_everywhere(phase::ACQUIRE, phase::HOLD, |path| {
            left_by_a_killed_daemon(path);
        });
    }
}

#[test]
fn one_killed_while_it_closes_blocks_nobody() {
    if strace::is_here() {
        killed_everywhere(phase::RELEASE, phase::END, |_| {});
    }
}

#[test]
fn every_language_tells_its_starter_the_same() {
    let (dir, path) = room();
    let notices = dir.path().join("notify");
    let starter = UnixDatagram::bind(&notices).unwrap();
    starter.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let next = || {
        let mut text = [0; 1000];
        let length = starter.recv(&mut text).unwrap();
        String::from_utf8(text[..length].to_vec()).unwrap()
    };
    for claimer in claimers() {
        let words = [vec!["env".to_owned(), format!("NOTIFY_SOCKET={}", notices.display())], claimer].concat();
        let daemon = Daemon::of(&words, &path, None).serves();
        assert_eq!(next(), "PORT=1\nSTATUS=claimed\nREADY=1", "{words:?}");
        daemon.end();
        assert_eq!(next(), "STOPPING=1", "{words:?}");
    }
}

/// The example of the guide, in Rust.
#[test]
fn the_daemon_of_the_guide_runs() {
    let daemon = spawnlock_tests::program("claimer").with_file_name("examples/daemon");
    assert!(daemon.is_file(), "{} is not built: cargo build -p spawnlock --examples", daemon.display());
    let (_dir, path) = room();
    let start = || Command::new(&daemon).arg(&path).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut first = start();
    process::wait_until("it serves", Duration::from_secs(20), || UnixStream::connect(&path).is_ok());
    let mut answer = String::new();
    UnixStream::connect(&path).unwrap().read_to_string(&mut answer).unwrap();
    assert_eq!(answer, format!("hello from {}\n", first.id()));
    assert!(start().wait().unwrap().success(), "the second one exits with 0");
    first.kill().unwrap();
    first.wait().unwrap();
}
