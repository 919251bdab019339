//! What makes a lock stale, and what does not: frozen owners, clocks that jump, odd names.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use rustix::process::Signal;
use serde_json::json;
use spawnlock::{ErrorCode, LockKind, SpawnLock};
use spawnlock_tests::lock_desk::{Desk, Stayer};
use spawnlock_tests::process::{process_state, signal, start_time};
use spawnlock_tests::wait_until;

const KINDS: [LockKind; 2] = [LockKind::Flock, LockKind::Excl];
const SOON: Duration = Duration::from_secs(15);
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

fn host_name() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim().to_owned()
}

/// Nobody gets it in a time that is several times what makes a lock without an owner stale.
#[track_caller]
fn nobody_gets_it(desk: &Desk) {
    let options = desk.options().timeout(Duration::from_millis(1200));
    assert_eq!(SpawnLock::acquire(desk.path(), &options).unwrap_err().code(), ErrorCode::LockTimeout, "{:?}", desk.kind);
}

#[test]
fn a_frozen_owner_keeps_its_lock() {
    for kind in KINDS {
        let desk = Desk::new(kind);
        let holder = Stayer::start(&desk);
        signal(holder.pid(), Signal::STOP);
        wait_until("the holder is frozen", SOON, || process_state(holder.pid()) == Some('T'));
        nobody_gets_it(&desk);
        signal(holder.pid(), Signal::CONT);
        assert!(holder.finish(), "it was held all the time, and is let go");
        desk.assert_free("after a frozen owner");
    }
}

#[test]
fn a_file_time_that_is_a_year_off_makes_no_living_owners_lock_stale() {
    for at in [SystemTime::now() - YEAR, SystemTime::now() + YEAR] {
        let desk = Desk::new(LockKind::Excl);
        let holder = Stayer::start(&desk);
        File::open(desk.path()).unwrap().set_modified(at).unwrap();
        nobody_gets_it(&desk);
        assert!(holder.finish());
        desk.assert_free("after a jump");
    }
}

/// One of another pid namespace, whose pid says nothing: all that vouches for it is that it refreshes its lock, by whatever clock.
#[test]
fn a_lock_that_is_refreshed_by_a_clock_a_year_off_is_never_stale() {
    let stale_after = Duration::from_secs(3);
    let refreshed_from = |begin: SystemTime| {
        let desk = Desk::new(LockKind::Excl);
        let content = json!({"pid": 2, "timestamp": 1, "token": "t", "host": host_name(), "startTime": 7, "pidNamespace": "pid:[1]"});
        fs::write(desk.path(), content.to_string()).unwrap();
        let file = File::open(desk.path()).unwrap();
        file.set_modified(begin).unwrap();
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                for round in 1u64.. {
                    if over.load(Ordering::SeqCst) {
                        return;
                    }
                    file.set_modified(begin + Duration::from_millis(round)).unwrap();
                    thread::sleep(Duration::from_millis(20));
                }
            });
            let options = desk.options().stale_after(stale_after).timeout(stale_after * 4 / 3);
            let taken = SpawnLock::acquire(desk.path(), &options).map(drop);
            over.store(true, Ordering::SeqCst);
            assert_eq!(taken.unwrap_err().code(), ErrorCode::LockTimeout);
        });
        // Nobody refreshes it any more.
        desk.assert_free("after its owner");
    };
    thread::scope(|scope| {
        for begin in [SystemTime::now() - YEAR, SystemTime::now() + YEAR] {
            scope.spawn(move || refreshed_from(begin));
        }
    });
}

#[test]
fn a_pid_that_belongs_to_another_by_now_vouches_for_nobody_whatever_that_one_is_called() {
    let dir = tempfile::tempdir().unwrap();
    // A name is cut off after 15 bytes, in the middle of a letter.
    for name in [b"sleeper".as_slice(), b"ein-sch\xc3\xb6ner-b\xc3\xa4r", b"(odd) Z 1 1"] {
        let program = dir.path().join(OsStr::from_bytes(name));
        fs::copy("/bin/sleep", &program).unwrap();
        let mut other = Command::new(&program).arg("100").stdin(Stdio::null()).spawn().unwrap();
        let desk = Desk::new(LockKind::Excl);
        let began = start_time_of(other.id());
        let content = |began| json!({"pid": other.id(), "timestamp": 1, "token": "t", "host": host_name(), "startTime": began}).to_string();
        fs::write(desk.path(), content(began)).unwrap();
        let of_a_living_owner = SpawnLock::try_acquire(desk.path(), &desk.options()).unwrap();
        fs::write(desk.path(), content(began - 1)).unwrap();
        let of_an_earlier_one = SpawnLock::try_acquire(desk.path(), &desk.options()).unwrap();
        other.kill().unwrap();
        other.wait().unwrap();
        assert!(of_a_living_owner.is_none(), "{name:?}");
        assert!(of_an_earlier_one.is_some(), "{name:?}");
    }
}

/// As [`start_time`], of a process whose name need not be a text.
fn start_time_of(pid: u32) -> u64 {
    start_time(pid).unwrap_or_else(|| {
        let stat = fs::read(format!("/proc/{pid}/stat")).unwrap();
        String::from_utf8_lossy(&stat).rsplit_once(") ").unwrap().1.split(' ').nth(19).unwrap().parse().unwrap()
    })
}
