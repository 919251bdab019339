//! Inside a daemon: of all that claim a socket one serves it, and what is not provably dead is left alone.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, socket};
use rustix::process::Signal;
use spawnlock::{ErrorCode, LockKind, LockOptions, SpawnLock, claim_socket};
use spawnlock_tests::daemons::{Daemon, claimers, lock_of, who_serves};
use spawnlock_tests::strace::{self, Step, Traced, each, files_in};
use spawnlock_tests::{phase, process};
use tempfile::TempDir;

fn room() -> (TempDir, PathBuf) {
    let dir = tempfile::Builder::new().prefix("sl-claim-").tempdir().unwrap();
    let path = dir.path().join("d.sock");
    (dir, path)
}

/// The socket of a daemon that was killed.
fn left_by_a_killed_daemon(path: &Path) {
    Daemon::start(path).serves().kill();
    assert!(path.exists());
}

fn inode(path: &Path) -> u64 {
    fs::symlink_metadata(path).unwrap().ino()
}

#[track_caller]
fn refused(path: &Path, code: ErrorCode) -> spawnlock::Error {
    let error = claim_socket(path).expect_err("it is not to be had");
    assert_eq!(error.code(), code, "{error}");
    error
}

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

#[test]
fn missing_directories_are_made() {
    let (dir, _) = room();
    let path = dir.path().join("run/app/d.sock");
    let _claim = claim_socket(&path).unwrap();
    assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
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
