//! The first who waits for an existence lock has its file written: whatever happens to it then, the lock is had, or is free.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use spawnlock::{LockKind, SpawnLock};
use spawnlock_tests::lock_desk::Desk;
use spawnlock_tests::process::wait_until;
use spawnlock_tests::strace::{self, Traced};

const SOON: Duration = Duration::from_secs(20);
const NAMING: &str = "linkat";

/// One who waits, with its file written, and to whose `linkat` this is done.
fn waiter(desk: &Desk, injected: &str) -> Child {
    let words = Traced::new(&desk.contender(&["--timeout-ms", "60000"])).inject(NAMING, injected).words();
    let waiter = Command::new(&words[0]).args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    wait_until("its file is written", SOON, || has_written(desk));
    waiter
}

/// Whether somebody has a file in the directory that has no name there.
fn has_written(desk: &Desk) -> bool {
    let dir = desk.path().parent().unwrap().to_owned();
    let files = |pid: fs::DirEntry| fs::read_dir(pid.path().join("fd")).into_iter().flatten().flatten();
    let links = fs::read_dir("/proc").unwrap().flatten().flat_map(files).filter_map(|link| fs::read_link(link.path()).ok());
    links.into_iter().any(|file| file.starts_with(&dir) && file.to_string_lossy().ends_with(" (deleted)"))
}

#[test]
fn who_cannot_give_it_the_name_takes_the_lock_all_the_same() {
    if !strace::is_here() {
        return;
    }
    for error in ["EPERM", "ENOENT", "ENOSPC", "EINTR:when=1"] {
        let desk = Desk::new(LockKind::Excl);
        let lock = SpawnLock::acquire(desk.path(), &desk.options()).unwrap();
        let waiter = waiter(&desk, &format!("error={error}"));
        assert!(lock.release());
        let output = waiter.wait_with_output().unwrap();
        let line: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(line["ok"], true, "{error}: {line}");
        desk.assert_free(error);
    }
}

#[test]
fn who_is_killed_before_or_after_it_gives_it_the_name_blocks_nobody() {
    if !strace::is_here() {
        return;
    }
    for injected in ["signal=SIGKILL", "error=EIO:signal=SIGKILL"] {
        let desk = Desk::new(LockKind::Excl);
        let lock = SpawnLock::acquire(desk.path(), &desk.options()).unwrap();
        let waiter = waiter(&desk, injected);
        assert!(lock.release());
        assert!(!waiter.wait_with_output().unwrap().status.success(), "{injected}: it was not killed");
        desk.assert_free(injected);
    }
}

#[test]
fn a_file_that_was_written_long_ago_says_since_when_the_lock_is_held() {
    let desk = Desk::new(LockKind::Excl);
    let lock = SpawnLock::acquire(desk.path(), &desk.options()).unwrap();
    let words = desk.contender(&["--stay", "--timeout-ms", "60000"]);
    let mut waiter = Command::new(&words[0]).args(&words[1..]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    wait_until("its file is written", SOON, || has_written(&desk));
    // It is not fresh any more when half a second has passed, which nothing else tells.
    std::thread::sleep(Duration::from_secs(1));
    let released = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
    assert!(lock.release());
    let holder = || SpawnLock::holder_of(desk.path(), LockKind::Excl).unwrap().filter(|holder| holder.pid == waiter.id());
    wait_until("it has the lock", SOON, || holder().is_some());
    let since = holder().unwrap().since_ms;
    assert!(since >= released, "it was written {} ms before the lock was free", released - since);
    assert!(waiter.wait().unwrap().success());
    desk.assert_free("after it");
}
