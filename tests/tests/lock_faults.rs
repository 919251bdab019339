//! Each system call of taking a lock and of letting it go fails, in each way: the lock is had, or an error says why not; nothing leaks.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use spawnlock::LockKind;
use spawnlock_tests::lock_desk::{Before, Desk, make_old};
use spawnlock_tests::strace::{self, Step, Traced, each};
use spawnlock_tests::{phase, witness};

const FLAGS: &[&str] = &["--mark", "--again", "--count", "--timeout-ms", "60000"];
/// At once, on a machine that is busy.
const SOON: Duration = Duration::from_secs(15);
/// In which ways a call can fail; each of them can on a file system in another process or on another machine.
const FAULTS: &[(&str, i32, &[&str])] = &[
    ("ENOSPC", libc::ENOSPC, &["openat", "write", "pwrite64", "renameat2", "mkdir", "ftruncate", "clone3"]),
    ("EROFS", libc::EROFS, &["openat", "renameat2", "unlink", "mkdir", "rmdir"]),
    ("EACCES", libc::EACCES, &["openat", "statx", "newfstatat", "fstat", "renameat2", "unlink", "mkdir", "rmdir", "readlink"]),
    ("EMFILE", libc::EMFILE, &["openat"]),
    ("EINTR", libc::EINTR, &[]),
    ("ENOLCK", libc::ENOLCK, &["flock"]),
    ("EIO", libc::EIO, &[]),
];
/// `close` frees the descriptor whatever it says, and one that is not made at all is a leak of the tracer's; `uname` cannot fail.
const NEVER_FAIL: &[&str] = &["close", "uname"];

/// One call that fails in one way.
#[derive(Clone, Debug)]
struct Fault {
    step: Step,
    error: &'static str,
    errno: i32,
}

/// What a call of the process said about it, and how long all of it took.
fn run(desk: &Desk, fault: &Fault) -> (Value, Duration) {
    let what = format!("error={}:when={}", fault.error, fault.step.at);
    let start = Instant::now();
    let output = Traced::new(&desk.contender(FLAGS)).inject(&fault.step.call, &what).run();
    let line = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{fault:?}: {output:?}"));
    (line, start.elapsed())
}

fn faults_between(kind: LockKind, before: Before, from: &str, to: &str) -> Vec<Fault> {
    let steps = Traced::new(&Desk::with(kind, before).contender(FLAGS)).steps(from, to);
    let failing = steps.into_iter().filter(|step| !NEVER_FAIL.contains(&step.call.as_str()));
    let possible = |step: &Step, calls: &[&str]| calls.is_empty() || calls.contains(&step.call.as_str());
    let faults_at = |step: Step| {
        let faults = FAULTS.iter().filter(|(_, _, calls)| possible(&step, calls));
        faults.map(|&(error, errno, _)| Fault { step: step.clone(), error, errno }).collect::<Vec<_>>()
    };
    failing.flat_map(faults_at).collect()
}

/// Whether it got the lock; when not, the error must be the one that was made.
fn got_it(what: &str, fault: &Fault, line: &Value) -> bool {
    if line["ok"] == true {
        return true;
    }
    assert_ne!(fault.error, "EINTR", "{what}: a signal is no answer: {line}");
    assert_eq!(line["code"], "ERR_SPAWNLOCK_LOCK_UNAVAILABLE", "{what}: {line}");
    assert_eq!(line["errno"], fault.errno, "{what}: {line}");
    let text = io::Error::from_raw_os_error(fault.errno).to_string();
    assert!(line["message"].as_str().unwrap().contains(&text), "{what}: it does not say `{text}`: {line}");
    false
}

fn assert_nothing_leaked(what: &str, desk: &Desk, line: &Value) {
    for count in ["descriptors", "threads"] {
        assert_eq!(line[count][0], line[count][1], "{what}: {count} are left: {line}");
    }
    assert_eq!(line["again"], true, "{what}: it blocks itself: {line} in {:?}", desk.files());
    let drafts: Vec<String> = desk.files().into_iter().filter(|name| name.contains(".new")).collect();
    assert!(drafts.is_empty(), "{what}: {drafts:?} are left");
    desk.assert_free(what);
}

fn failing_to_take(kind: LockKind, before: Before) {
    if !strace::is_here() {
        return;
    }
    let faults = faults_between(kind, before, phase::ACQUIRE, phase::HOLD);
    let refused = AtomicUsize::new(0);
    each(&faults, |fault| {
        let desk = Desk::with(kind, before);
        let what = format!("{kind:?} after {before:?}, {} at {:?}", fault.error, fault.step);
        let (line, took) = run(&desk, fault);
        assert!(took < SOON, "{what}: not at once, {took:?}: {line}");
        refused.fetch_add(usize::from(!got_it(&what, fault, &line)), Ordering::SeqCst);
        assert_nothing_leaked(&what, &desk, &line);
    });
    assert!(refused.into_inner() > FAULTS.len(), "some of them cannot be borne");
}

#[test]
fn a_call_that_fails_while_a_kernel_lock_is_taken() {
    failing_to_take(LockKind::Flock, Before::Nothing);
}

#[test]
fn a_call_that_fails_while_an_existence_lock_is_taken() {
    failing_to_take(LockKind::Excl, Before::Nothing);
}

#[test]
fn a_call_that_fails_while_a_lock_is_taken_over_from_a_dead_owner() {
    failing_to_take(LockKind::Excl, Before::Killed);
}

#[test]
fn a_call_that_fails_while_an_old_directory_is_taken_over() {
    failing_to_take(LockKind::Excl, Before::Directory);
}

#[test]
fn a_call_that_fails_while_a_lock_is_let_go() {
    if !strace::is_here() {
        return;
    }
    for kind in [LockKind::Flock, LockKind::Excl] {
        let faults = faults_between(kind, Before::Nothing, phase::RELEASE, phase::END);
        each(&faults, |fault| {
            let desk = Desk::new(kind);
            let what = format!("{kind:?}, {} at {:?}", fault.error, fault.step);
            let (line, took) = run(&desk, fault);
            assert!(took < SOON, "{what}: not at once, {took:?}: {line}");
            let knows = line["ok"] == true || (line["code"] == witness::LOST && fault.error != "EINTR");
            assert!(knows, "{what}: {line}");
            assert_nothing_leaked(&what, &desk, &line);
        });
    }
}

/// A file system that has no `flock`, and another user's mutex, left behind in a directory in which one may remove only one's own.
#[test]
fn a_mutex_that_cannot_be_removed_is_an_error_at_once() {
    if !strace::is_here() {
        return;
    }
    let desk = Desk::with(LockKind::Excl, Before::Killed);
    let mutex = desk.path().with_extension("lock.mutex");
    std::fs::write(&mutex, "").unwrap();
    make_old(&mutex);
    let start = Instant::now();
    let traced = Traced::new(&desk.contender(&["--timeout-ms", "60000"]));
    let output = traced.inject("flock", "error=ENOSYS").inject("unlink", "error=EPERM").run();
    let line: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    assert_eq!((&line["code"], &line["errno"]), (&"ERR_SPAWNLOCK_LOCK_UNAVAILABLE".into(), &libc::EPERM.into()), "{line}");
}
