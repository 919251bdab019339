//! What stands at the path of a socket that is to be claimed: only what is dead is replaced.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, socket};
use rustix::process::Signal;
use spawnlock::{ErrorCode, LockKind, LockOptions, SpawnLock, claim_socket};
use spawnlock_tests::daemons::{Daemon, claimers, inode, left_by_a_killed_daemon, lock_of, refused, room, who_serves};
use spawnlock_tests::process;
use spawnlock_tests::strace::{self, Traced};

#[test]
fn a_daemon_that_is_stopped_by_a_signal_is_alive() {
    let (_dir, path) = room();
    let first = Daemon::start(&path).serves();
    process::signal(first.pid(), Signal::STOP);
    assert_eq!(refused(&path, ErrorCode::Running).failure().pid, Some(first.pid()));
    process::signal(first.pid(), Signal::CONT);
    assert_eq!(who_serves(&path), first.pid());
}

#[test]
fn a_daemon_whose_queue_is_full_is_alive() {
    let (_dir, path) = room();
    // One that knows nothing of the lock, with room for a single client.
    let address = SocketAddrUnix::new(&path).unwrap();
    let stranger = socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
    bind(&stranger, &address).unwrap();
    rustix::net::listen(&stranger, 0).unwrap();
    let _client = UnixStream::connect(&path).unwrap();
    let before = inode(&path);
    assert!(refused(&path, ErrorCode::Running).to_string().contains("cannot be asked"));
    assert_eq!(inode(&path), before);
}

#[test]
fn a_daemon_that_knows_nothing_of_the_lock_is_alive_while_it_answers() {
    let (_dir, path) = room();
    let _stranger = UnixListener::bind(&path).unwrap();
    assert_eq!(refused(&path, ErrorCode::Running).failure().pid, Some(std::process::id()));
}

#[test]
fn a_socket_of_another_kind_cannot_be_asked_and_counts_as_alive() {
    let (_dir, path) = room();
    let _datagrams = UnixDatagram::bind(&path).unwrap();
    refused(&path, ErrorCode::Running);
}

#[test]
fn a_stranger_that_is_bound_and_about_to_listen_is_seen_at_the_second_look() {
    // On a busy machine it may come too late for that look, which then is no mistake.
    let seen = (0..5).any(|_| {
        let (_dir, path) = room();
        let stranger = socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
        bind(&stranger, &SocketAddrUnix::new(&path).unwrap()).unwrap();
        let before = inode(&path);
        std::thread::scope(|scope| {
            let call = scope.spawn(|| claim_socket(&path));
            process::wait_until("the claim is under way", Duration::from_secs(10), || lock_of(&path).exists());
            rustix::net::listen(&stranger, 1).unwrap();
            call.join().unwrap().is_err_and(|error| error.code() == ErrorCode::Running && inode(&path) == before)
        })
    });
    assert!(seen);
}

#[test]
fn a_stranger_that_is_bound_and_never_listens_counts_as_dead() {
    let (_dir, path) = room();
    let stranger = socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
    bind(&stranger, &SocketAddrUnix::new(&path).unwrap()).unwrap();
    let daemon = Daemon::start(&path).serves();
    assert_eq!(who_serves(&path), daemon.pid());
}

#[test]
fn one_that_holds_the_lock_and_does_not_listen_is_never_replaced() {
    let (_dir, path) = room();
    left_by_a_killed_daemon(&path);
    let before = inode(&path);
    let _owner = SpawnLock::acquire(lock_of(&path), &LockOptions::new().kind(LockKind::Flock).owner(1)).unwrap();
    let start = Instant::now();
    assert_eq!(refused(&path, ErrorCode::Running).failure().pid, Some(std::process::id()));
    assert!(start.elapsed() < Duration::from_secs(20), "the wait has an end");
    assert_eq!(inode(&path), before);
}

#[test]
fn what_is_no_socket_is_left_alone() {
    let (dir, path) = room();
    fs::write(&path, "a letter").unwrap();
    refused(&path, ErrorCode::Config);
    assert_eq!(fs::read_to_string(&path).unwrap(), "a letter");

    let folder = dir.path().join("folder");
    fs::create_dir(&folder).unwrap();
    refused(&folder, ErrorCode::Config);
    assert!(folder.is_dir());

    let (link, dead) = (dir.path().join("link"), dir.path().join("dead"));
    left_by_a_killed_daemon(&dead);
    symlink(&dead, &link).unwrap();
    refused(&link, ErrorCode::Config);
    assert!(link.is_symlink() && dead.exists());
}

#[test]
fn a_path_that_no_socket_can_have_is_refused_with_its_length() {
    let (dir, _) = room();
    let longest = 103 - dir.path().as_os_str().len() - 1;
    drop(claim_socket(dir.path().join("x".repeat(longest))).unwrap());
    let error = refused(&dir.path().join("x".repeat(longest + 1)), ErrorCode::Config);
    assert!(error.to_string().contains("of 104 bytes"), "{error}");
    refused(Path::new(""), ErrorCode::Config);
}

/// For the system root may do everything.
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn a_socket_that_may_not_be_asked_counts_as_alive() {
    let (_dir, path) = room();
    left_by_a_killed_daemon(&path);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    let before = inode(&path);
    if is_root() {
        eprintln!("as nobody, since root may do everything");
        return as_nobody(&path, "ERR_SPAWNLOCK_RUNNING", before);
    }
    refused(&path, ErrorCode::Running);
    assert_eq!(inode(&path), before);
}

/// The same by a process of the user nobody, who owns nothing there.
fn as_nobody(path: &Path, code: &str, before: u64) {
    let dir = path.parent().unwrap();
    fs::set_permissions(dir, fs::Permissions::from_mode(0o777)).unwrap();
    fs::remove_file(lock_of(path)).unwrap();
    // Where nobody may run what we built, nothing can be said.
    let claimer = dir.join("claimer");
    fs::copy(&claimers()[0][0], &claimer).unwrap();
    let user = "setpriv --reuid=65534 --regid=65534 --clear-groups".split(' ').map(str::to_owned);
    let words: Vec<String> = user.chain([claimer.display().to_string()]).collect();
    let mut daemon = Daemon::of(&words, path, None);
    let line = daemon.line();
    assert_eq!(line["code"], code, "{line}");
    assert_eq!(inode(path), before);
}

#[test]
fn a_dead_socket_that_cannot_be_removed_is_told_about() {
    if !strace::is_here() {
        return;
    }
    let (_dir, path) = room();
    left_by_a_killed_daemon(&path);
    let words = [claimers()[0].clone(), vec![path.display().to_string()]].concat();
    let output = Traced::new(&words).inject("unlink", "error=EPERM").run();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("ERR_SPAWNLOCK_PLACE") && said.contains("cannot remove the socket"), "{said}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn without_a_lock_nobody_claims_and_who_serves_is_seen_all_the_same() {
    if !strace::is_here() {
        return;
    }
    let (_dir, path) = room();
    let words = [claimers()[0].clone(), vec![path.display().to_string()]].concat();
    let without = Traced::new(&words).inject("flock", "error=ENOLCK");
    let said = without.run();
    assert_eq!(said.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&said.stdout).contains("ERR_SPAWNLOCK_LOCK_UNAVAILABLE"), "{said:?}");
    assert!(!path.exists());

    let first = Daemon::start(&path).serves();
    let said = without.run();
    assert_eq!(said.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&said.stdout).contains("ERR_SPAWNLOCK_RUNNING"), "{said:?}");
    assert_eq!(who_serves(&path), first.pid());
}

#[test]
fn the_file_of_the_lock_is_never_reached_through_a_link() {
    let (dir, path) = room();
    let letter = dir.path().join("letter");
    fs::write(&letter, "a letter").unwrap();
    symlink(&letter, lock_of(&path)).unwrap();
    refused(&path, ErrorCode::LockUnavailable);
    assert_eq!(fs::read_to_string(&letter).unwrap(), "a letter");
    assert!(!path.exists());
}
