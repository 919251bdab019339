//! The lock alone: of both kinds, between threads and owners of one process, and between processes.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use spawnlock::{Cancel, ErrorCode, FlockSupport, LockKind, LockOptions, SpawnLock};

const KINDS: [LockKind; 2] = [LockKind::Flock, LockKind::Excl];
const LONG: Duration = Duration::from_secs(30);

struct Desk {
    dir: tempfile::TempDir,
    kind: LockKind,
}

impl Desk {
    fn of(kind: LockKind) -> Self {
        Desk { dir: tempfile::tempdir().unwrap(), kind }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("the.lock")
    }

    fn options(&self) -> LockOptions {
        LockOptions::new().kind(self.kind).timeout(LONG)
    }

    fn acquire(&self) -> SpawnLock {
        SpawnLock::acquire(self.path(), &self.options()).unwrap()
    }

    /// What another thread gets at once.
    fn try_elsewhere(&self) -> Option<SpawnLock> {
        thread::scope(|scope| scope.spawn(|| SpawnLock::try_acquire(self.path(), &self.options()).unwrap()).join().unwrap())
    }

    fn files(&self) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(self.dir.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

#[test]
fn one_holds_it_and_others_find_it_busy_until_it_is_released() {
    for kind in KINDS {
        let desk = Desk::of(kind);
        let lock = desk.acquire();
        assert_eq!(lock.kind(), kind);
        assert!(lock.is_held() && desk.try_elsewhere().is_none(), "{kind:?}");
        let holder = SpawnLock::holder_of(desk.path(), kind).unwrap().unwrap();
        assert_eq!((holder.pid, holder.token), (std::process::id(), lock.holder().token), "{kind:?}");
        assert!(lock.release());
        assert!(SpawnLock::holder_of(desk.path(), kind).unwrap().is_none(), "{kind:?}");
        assert!(desk.try_elsewhere().is_some(), "{kind:?}");
    }
}

#[test]
fn dropping_it_releases_it() {
    for kind in KINDS {
        let desk = Desk::of(kind);
        drop(desk.acquire());
        assert!(desk.try_elsewhere().is_some(), "{kind:?}");
    }
}

#[test]
fn an_existence_lock_leaves_only_its_mutex() {
    let desk = Desk::of(LockKind::Excl);
    let lock = desk.acquire();
    assert_eq!(desk.files(), ["the.lock", "the.lock.mutex"]);
    drop(lock);
    assert_eq!(desk.files(), ["the.lock.mutex"]);
}

#[test]
fn directories_that_are_missing_are_made() {
    for kind in KINDS {
        let desk = Desk::of(kind);
        let path = desk.dir.path().join("a/b/the.lock");
        assert!(SpawnLock::acquire(&path, &desk.options()).unwrap().is_held());
    }
}

#[test]
fn threads_take_turns() {
    for kind in KINDS {
        let desk = Desk::of(kind);
        let inside = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..25 {
                        let lock = desk.acquire();
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "{kind:?}");
                        thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        assert!(lock.release());
                    }
                });
            }
        });
    }
}

#[test]
fn taking_it_twice_is_an_error_and_no_deadlock() {
    for kind in KINDS {
        let desk = Desk::of(kind);
        let _lock = desk.acquire();
        let error = SpawnLock::acquire(desk.path(), &desk.options()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Recursive, "{kind:?}");
    }
}

#[test]
fn a_reentrant_lock_is_shared_and_goes_with_its_last_share() {
    for kind in KINDS {
        let desk = Desk::of(kind);
        let outer = desk.acquire();
        let inner = SpawnLock::acquire(desk.path(), &desk.options().reentrant(true)).unwrap();
        assert!(outer.release());
        assert!(inner.is_held() && desk.try_elsewhere().is_none(), "{kind:?}");
        assert!(inner.release());
        assert!(desk.try_elsewhere().is_some(), "{kind:?}");
    }
}

#[test]
fn owners_of_one_thread_exclude_each_other() {
    for kind in KINDS {
        let desk = Desk::of(kind);
        let _one = SpawnLock::acquire(desk.path(), &desk.options().owner(1)).unwrap();
        assert!(SpawnLock::try_acquire(desk.path(), &desk.options().owner(2)).unwrap().is_none(), "{kind:?}");
        assert_eq!(SpawnLock::try_acquire(desk.path(), &desk.options().owner(1)).unwrap_err().code(), ErrorCode::Recursive, "{kind:?}");
    }
}

#[test]
fn what_kin_holds_counts_as_ones_own() {
    for kind in KINDS {
        let desk = Desk::of(kind);
        let outer = SpawnLock::acquire(desk.path(), &desk.options().owner(11)).unwrap();
        let of_kin = desk.options().owner(30).kin([1..3, 10..20]);
        assert_eq!(SpawnLock::acquire(desk.path(), &of_kin).unwrap_err().code(), ErrorCode::Recursive, "{kind:?}");
        let stranger = desk.options().owner(30).kin([1..3, 12..20]);
        assert!(SpawnLock::try_acquire(desk.path(), &stranger).unwrap().is_none(), "{kind:?}");
        let share = SpawnLock::acquire(desk.path(), &of_kin.reentrant(true)).unwrap();
        assert!(outer.release() && share.is_held(), "{kind:?}");
        assert!(share.release());
        assert!(SpawnLock::try_acquire(desk.path(), &stranger).unwrap().is_some(), "{kind:?}");
    }
}

#[test]
fn a_wait_ends_at_its_deadline_and_names_the_holder() {
    for kind in KINDS {
        let desk = Desk::of(kind);
        let _lock = desk.acquire();
        let options = desk.options().owner(7).timeout(Duration::from_millis(30));
        let error = SpawnLock::acquire(desk.path(), &options).unwrap_err();
        assert_eq!((error.code(), error.failure().pid), (ErrorCode::LockTimeout, Some(std::process::id())), "{error}");
    }
}

#[test]
fn a_wait_can_be_cancelled_and_the_next_one_still_gets_the_lock() {
    for kind in KINDS {
        let desk = Desk::of(kind);
        let lock = desk.acquire();
        let cancel = Cancel::new();
        let (tell, told) = mpsc::channel();
        thread::scope(|scope| {
            let options = desk.options().cancel(cancel.clone()).on_event(move |_| tell.send(()).unwrap());
            let wait = scope.spawn(move || SpawnLock::acquire(desk.path(), &options).map(drop).unwrap_err().code());
            told.recv_timeout(LONG).unwrap();
            cancel.cancel();
            assert_eq!(wait.join().unwrap(), ErrorCode::Cancelled, "{kind:?}");
        });
        drop(lock);
    }
}

#[test]
fn whoever_waits_after_a_cancelled_wait_is_served() {
    let desk = Desk::of(LockKind::Flock);
    let lock = desk.acquire();
    for owner in 2..20 {
        let options = desk.options().owner(owner).timeout(Duration::from_millis(5));
        assert_eq!(SpawnLock::acquire(desk.path(), &options).unwrap_err().code(), ErrorCode::LockTimeout);
    }
    let threads = fs::read_dir("/proc/self/task").map_or(0, Iterator::count);
    assert!(threads < 64, "waits that ended leave at most one thread for each lock: {threads}");
    thread::scope(|scope| {
        let next = scope.spawn(|| desk.acquire().is_held());
        drop(lock);
        assert!(next.join().unwrap());
    });
    assert!(desk.acquire().is_held());
}

#[test]
fn a_path_that_cannot_be_written_is_unavailable_at_once() {
    for kind in KINDS {
        let options = LockOptions::new().kind(kind).timeout(LONG);
        let error = SpawnLock::acquire("/proc/no/such/place.lock", &options).unwrap_err();
        assert_eq!(error.code(), ErrorCode::LockUnavailable, "{error:?}");
        assert!(error.failure().errno.is_some(), "{error:?}");
    }
}

#[test]
fn a_kernel_lock_cannot_be_broken_and_says_so() {
    let desk = Desk::of(LockKind::Flock);
    let error = SpawnLock::acquire(desk.path(), &desk.options().break_after(LONG)).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Config);
}

#[test]
fn this_file_system_has_locks_that_work() {
    let desk = Desk::of(LockKind::Auto);
    assert_eq!(SpawnLock::test_flock(desk.dir.path()).unwrap(), FlockSupport::Works);
    assert!(desk.files().is_empty());
    assert_eq!(desk.acquire().kind(), LockKind::Flock);
}
