//! Locks where only root can arrange it: full and read-only disks, layers, file systems that lie.
//! `make test-root`; each test skips, and says why, where it cannot run.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use spawnlock::{ErrorCode, FlockSupport, LockKind, LockOptions, SpawnLock};
use spawnlock_tests::lock_desk::{Before, Desk, Stayer, make_old};
use spawnlock_tests::process::kill_and_wait;
use spawnlock_tests::root::{Mounted, can};
use spawnlock_tests::strace::files_in;
use spawnlock_tests::witness::Witness;

const KINDS: [LockKind; 2] = [LockKind::Flock, LockKind::Excl];
const SOON: Duration = Duration::from_secs(15);

fn options(kind: LockKind) -> LockOptions {
    LockOptions::new().kind(kind).timeout(Duration::from_secs(20)).stale_after(Duration::from_millis(300))
}

#[test]
#[ignore = "needs root: make test-root"]
fn a_full_disk_is_an_error_that_leaves_nothing() {
    let Some(disk) = Mounted::new(&["mount", "-t", "tmpfs", "-o", "size=8k", "none"]) else { return };
    let lock = disk.path("the.lock");
    // The mutex has its page; the other one is taken by somebody else.
    assert!(SpawnLock::acquire(&lock, &options(LockKind::Excl)).unwrap().release());
    fs::write(disk.path("full"), [0; 4096]).unwrap();
    let start = Instant::now();
    let error = SpawnLock::acquire(&lock, &options(LockKind::Excl)).unwrap_err();
    assert!(start.elapsed() < SOON / 2);
    assert_eq!((error.code(), error.failure().errno), (ErrorCode::LockUnavailable, Some(libc::ENOSPC)), "{error}");
    assert_eq!(files_in(disk.dir()), ["full", "the.lock.mutex"]);
    // What is written in a kernel lock is for people; without it the lock is as good.
    let held = SpawnLock::acquire(disk.path("kernel.lock"), &options(LockKind::Flock)).unwrap();
    assert!(SpawnLock::try_acquire(disk.path("kernel.lock"), &options(LockKind::Flock).owner(2)).unwrap().is_none());
    assert!(held.release());
    fs::remove_file(disk.path("full")).unwrap();
    assert!(SpawnLock::acquire(&lock, &options(LockKind::Excl)).unwrap().release());
}

#[test]
#[ignore = "needs root: make test-root"]
fn a_disk_of_one_page_is_too_small_for_an_existence_lock_and_says_so() {
    let Some(disk) = Mounted::new(&["mount", "-t", "tmpfs", "-o", "size=4k", "none"]) else { return };
    fs::write(disk.path("full"), [0; 4096]).unwrap();
    let error = SpawnLock::acquire(disk.path("the.lock"), &options(LockKind::Excl)).unwrap_err();
    assert_eq!((error.code(), error.failure().errno), (ErrorCode::LockUnavailable, Some(libc::ENOSPC)), "{error}");
    assert_eq!(files_in(disk.dir()), ["full"]);
}

#[test]
#[ignore = "needs root: make test-root"]
fn a_read_only_mount_is_an_error_at_once_and_a_kernel_lock_that_is_there_can_be_had() {
    let desk = Desk::new(LockKind::Flock);
    fs::write(desk.path(), "").unwrap();
    let behind = desk.path().parent().unwrap().display().to_string();
    let Some(view) = Mounted::new(&["mount", "--bind", &behind]) else { return };
    assert!(can("remount", &["mount", "-o", "remount,bind,ro", view.dir().to_str().unwrap()]));
    for kind in KINDS {
        let error = SpawnLock::acquire(view.path("new.lock"), &options(kind)).unwrap_err();
        assert_eq!((error.code(), error.failure().errno), (ErrorCode::LockUnavailable, Some(libc::EROFS)), "{kind:?}: {error}");
    }
    let held = SpawnLock::acquire(view.path("the.lock"), &options(LockKind::Flock)).unwrap();
    assert!(SpawnLock::try_acquire(desk.path(), &options(LockKind::Flock).owner(2)).unwrap().is_none(), "it is one file");
    assert!(held.release());
    desk.assert_free("after a reader");
}

/// A file of the lower layer becomes another one when it is first written to.
#[test]
#[ignore = "needs root: make test-root"]
fn on_an_overlay_a_file_that_is_copied_up_is_one_lock_all_the_same() {
    let layers = tempfile::Builder::new().prefix("layers").tempdir_in("/dev/shm").unwrap();
    let part = |name: &str| {
        let dir = layers.path().join(name);
        fs::create_dir(&dir).unwrap();
        dir.display().to_string()
    };
    let (lower, upper, work) = (part("lower"), part("upper"), part("work"));
    fs::write(Path::new(&lower).join("the.lock"), "").unwrap();
    fs::write(Path::new(&lower).join("excl.lock"), "~~~").unwrap();
    make_old(&Path::new(&lower).join("excl.lock"));
    let places = format!("lowerdir={lower},upperdir={upper},workdir={work}");
    let Some(merged) = Mounted::new(&["mount", "-t", "overlay", "-o", &places, "none"]) else { return };
    for (kind, name) in [(LockKind::Flock, "the.lock"), (LockKind::Excl, "excl.lock")] {
        let held = SpawnLock::acquire(merged.path(name), &options(kind)).unwrap();
        assert!(SpawnLock::try_acquire(merged.path(name), &options(kind).owner(2)).unwrap().is_none(), "{kind:?}");
        assert!(held.is_held() && held.release(), "{kind:?}");
        assert!(SpawnLock::try_acquire(merged.path(name), &options(kind)).unwrap().is_some_and(SpawnLock::release), "{kind:?}");
    }
}

/// A file system in a process of ours, odd in one way; see tests/fuse.
struct Odd {
    child: Child,
    mounted: Mounted,
}

impl Odd {
    fn new(way: &str) -> Option<Self> {
        let Some(program) = std::env::var_os("SPAWNLOCK_TEST_ODD_FS").filter(|program| Path::new(program).exists()) else {
            eprintln!("skipped: SPAWNLOCK_TEST_ODD_FS names no program; make test-root builds it");
            return None;
        };
        if !Path::new("/dev/fuse").exists() {
            eprintln!("skipped: there is no /dev/fuse");
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let device = || fs::metadata(dir.path()).map(|meta| meta.dev());
        let outside = device().unwrap();
        let mut child = Command::new(program).arg(way).arg(dir.path()).stdin(Stdio::null()).spawn().unwrap();
        let start = Instant::now();
        while device().is_ok_and(|inside| inside == outside) {
            if child.try_wait().unwrap().is_some() || start.elapsed() > SOON {
                eprintln!("skipped: a file system of ours cannot be mounted");
                return None;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Some(Odd { child, mounted: Mounted::over(dir) })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.mounted.path(name)
    }

    /// A lock excludes other processes here, is taken over from the dead, and goes.
    fn excludes(&self, kind: LockKind, made_of: LockKind) {
        let desk = Desk::at(self.mounted.dir(), kind);
        let holder = Stayer::start(&desk);
        let waiting = desk.options().timeout(Duration::from_millis(700));
        assert_eq!(SpawnLock::acquire(desk.path(), &waiting).unwrap_err().code(), ErrorCode::LockTimeout);
        assert!(holder.finish());
        Stayer::start(&desk).kill();
        fs::remove_file(Witness::path(&desk.path())).unwrap();
        let mutex = files_in(self.mounted.dir());
        let next = SpawnLock::acquire(desk.path(), &desk.options()).unwrap();
        assert_eq!(next.kind(), made_of, "{mutex:?}");
        assert!(SpawnLock::try_acquire(desk.path(), &desk.options().owner(2)).unwrap().is_none());
        assert!(next.is_held() && next.release(), "{:?}", files_in(self.mounted.dir()));
        assert!(SpawnLock::try_acquire(desk.path(), &desk.options()).unwrap().is_some_and(SpawnLock::release));
    }
}

impl Drop for Odd {
    fn drop(&mut self) {
        self.mounted.end();
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            kill_and_wait(self.child.id());
        }
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "needs root: make test-root"]
fn where_flock_says_yes_to_everybody_the_test_of_it_tells_and_an_existence_lock_excludes() {
    let Some(odd) = Odd::new("flock-lies") else { return };
    assert_eq!(SpawnLock::test_flock(odd.mounted.dir()).unwrap(), FlockSupport::Lies);
    let held = SpawnLock::acquire(odd.path("trusted.lock"), &options(LockKind::Flock)).unwrap();
    assert!(SpawnLock::try_acquire(odd.path("trusted.lock"), &options(LockKind::Flock).owner(2)).unwrap().is_some(), "it lies indeed");
    drop(held);
    odd.excludes(LockKind::Excl, LockKind::Excl);
}

#[test]
#[ignore = "needs root: make test-root"]
fn where_flock_is_refused_auto_takes_an_existence_lock() {
    for way in ["flock-enolck", "flock-enosys", "flock-eopnotsupp"] {
        let Some(odd) = Odd::new(way) else { return };
        assert_eq!(SpawnLock::test_flock(odd.mounted.dir()).unwrap(), FlockSupport::Refused, "{way}");
        odd.excludes(LockKind::Auto, LockKind::Excl);
        odd.excludes(LockKind::Excl, LockKind::Excl);
    }
}

#[test]
#[ignore = "needs root: make test-root"]
fn where_names_cannot_be_exchanged_a_lock_is_taken_over_all_the_same() {
    for way in ["no-rename-flags", "no-rename-flags,flock-enosys"] {
        let Some(odd) = Odd::new(way) else { return };
        odd.excludes(LockKind::Excl, LockKind::Excl);
        for before in [Before::Garbage, Before::Directory, Before::Killed] {
            let desk = Desk::at(odd.mounted.dir(), LockKind::Excl);
            desk.put(before);
            desk.assert_free(&format!("{way} after {before:?}"));
        }
    }
}
