//! A lock that is asked for and not waited for: the answer comes by a call, once.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::fs::File;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::fs::FlockOperation;
use spawnlock::{Asked, Cancel, ErrorCode, EventKind, LockKind, LockOptions, Result, SpawnLock, Won};
use tempfile::TempDir;

/// Longer than any of these takes, however busy the machine.
const LONG: Duration = Duration::from_secs(30);
const KINDS: [LockKind; 2] = [LockKind::Flock, LockKind::Excl];

fn options(kind: LockKind, owner: u64) -> LockOptions {
    LockOptions::new().kind(kind).owner(owner).timeout(LONG)
}

/// The answer to come, or the one that is there.
fn ask(dir: &TempDir, options: &LockOptions) -> Receiver<Result<SpawnLock>> {
    let (tell, hear) = channel();
    match SpawnLock::ask(dir.path().join("lock"), options).unwrap() {
        Asked::Held(lock) => tell.send(Ok(lock)).unwrap(),
        Asked::Later(request) => request.then(move |answer| drop(tell.send(answer.map(Won::finish)))),
    }
    hear
}

fn answer(hear: &Receiver<Result<SpawnLock>>) -> Result<SpawnLock> {
    hear.recv_timeout(LONG).expect("an answer")
}

#[test]
fn a_lock_that_is_free_is_given_and_one_that_is_held_comes_with_its_release() {
    for kind in KINDS {
        let dir = tempfile::tempdir().unwrap();
        let first = answer(&ask(&dir, &options(kind, 1))).unwrap();
        let second = ask(&dir, &options(kind, 2));
        assert!(second.try_recv().is_err(), "{kind:?}: two hold it");
        assert!(first.release());
        assert!(answer(&second).unwrap().is_held(), "{kind:?}");
    }
}

#[test]
fn an_answer_that_does_not_come_in_time_names_the_holder() {
    for kind in KINDS {
        let dir = tempfile::tempdir().unwrap();
        let _first = answer(&ask(&dir, &options(kind, 1))).unwrap();
        let error = answer(&ask(&dir, &options(kind, 2).timeout(Duration::from_millis(30)))).unwrap_err();
        assert_eq!(error.code(), ErrorCode::LockTimeout, "{kind:?}");
        assert_eq!(error.failure().pid, Some(std::process::id()), "{kind:?}");
    }
}

#[test]
fn who_cancels_is_told_so_and_the_next_one_gets_the_lock() {
    for kind in KINDS {
        let dir = tempfile::tempdir().unwrap();
        let first = answer(&ask(&dir, &options(kind, 1))).unwrap();
        let cancel = Cancel::new();
        let second = ask(&dir, &options(kind, 2).cancel(cancel.clone()));
        cancel.cancel();
        assert_eq!(answer(&second).unwrap_err().code(), ErrorCode::Cancelled, "{kind:?}");
        let third = ask(&dir, &options(kind, 3));
        assert!(first.release());
        assert!(answer(&third).unwrap().is_held(), "{kind:?}");
    }
}

#[test]
fn one_that_was_cancelled_before_it_was_asked_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let _first = answer(&ask(&dir, &options(LockKind::Flock, 1))).unwrap();
    let cancel = Cancel::new();
    cancel.cancel();
    let error = answer(&ask(&dir, &options(LockKind::Flock, 2).cancel(cancel))).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Cancelled);
}

#[test]
fn after_a_second_it_is_told_on_whom_one_waits() {
    let dir = tempfile::tempdir().unwrap();
    let first = answer(&ask(&dir, &options(LockKind::Flock, 1))).unwrap();
    let (tell, hear) = channel();
    let tell = Mutex::new(tell);
    let listening = options(LockKind::Flock, 2).on_event(move |event| {
        let holder = event.holder.as_ref().map(|holder| holder.pid);
        let _ = tell.lock().unwrap().send((event.kind, holder));
    });
    let second = ask(&dir, &listening);
    assert_eq!(hear.recv_timeout(LONG), Ok((EventKind::Waiting, Some(std::process::id()))));
    assert!(first.release());
    assert!(answer(&second).unwrap().is_held());
}

#[test]
fn all_who_ask_get_it_one_after_the_other() {
    for kind in KINDS {
        let dir = tempfile::tempdir().unwrap();
        let inside = Arc::new(AtomicUsize::new(0));
        let (tell, hear) = channel();
        for owner in 0..40 {
            let (inside, tell) = (Arc::clone(&inside), tell.clone());
            let enter = move |answer: Result<SpawnLock>| {
                let lock = answer.unwrap();
                let alone = inside.fetch_add(1, Ordering::SeqCst) == 0;
                inside.fetch_sub(1, Ordering::SeqCst);
                let released = lock.release();
                let _ = tell.send(alone && released);
            };
            match SpawnLock::ask(dir.path().join("lock"), &options(kind, owner)).unwrap() {
                Asked::Held(lock) => enter(Ok(lock)),
                Asked::Later(request) => request.then(move |answer| enter(answer.map(Won::finish))),
            }
        }
        assert!((0..40).all(|_| hear.recv_timeout(LONG).expect("each has its turn")), "{kind:?}");
    }
}

#[test]
fn a_request_that_is_dropped_holds_nobody_up() {
    let dir = tempfile::tempdir().unwrap();
    let first = answer(&ask(&dir, &options(LockKind::Flock, 1))).unwrap();
    drop(SpawnLock::ask(dir.path().join("lock"), &options(LockKind::Flock, 2)).unwrap());
    assert!(first.release());
    assert!(answer(&ask(&dir, &options(LockKind::Flock, 3))).unwrap().is_held());
}

/// The place of the first in line for the existence lock in this directory, who is frozen there.
fn frozen_first(dir: &TempDir) -> File {
    let file = File::create(dir.path().join("lock.queue")).unwrap();
    rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).unwrap();
    file
}

#[test]
fn who_stands_in_line_for_an_existence_lock_can_give_up_and_is_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let holder = answer(&ask(&dir, &options(LockKind::Excl, 1))).unwrap();
    let first = frozen_first(&dir);
    let cancel = Cancel::new();
    let cancelled = ask(&dir, &options(LockKind::Excl, 2).cancel(cancel.clone()));
    let late = ask(&dir, &options(LockKind::Excl, 3).timeout(Duration::from_millis(30)));
    let stays = ask(&dir, &options(LockKind::Excl, 4));
    cancel.cancel();
    assert_eq!(answer(&cancelled).unwrap_err().code(), ErrorCode::Cancelled);
    assert_eq!(answer(&late).unwrap_err().code(), ErrorCode::LockTimeout);
    drop(first);
    assert!(stays.try_recv().is_err(), "two hold it");
    assert!(holder.release());
    assert!(answer(&stays).unwrap().is_held());
}

#[test]
fn one_who_is_frozen_at_the_head_of_the_line_holds_up_nobody_who_asked() {
    let dir = tempfile::tempdir().unwrap();
    let holder = answer(&ask(&dir, &options(LockKind::Excl, 1))).unwrap();
    let _first = frozen_first(&dir);
    let (tell, hear) = channel();
    let tell = Mutex::new(tell);
    let listening = options(LockKind::Excl, 2).on_event(move |event| {
        let _ = tell.lock().unwrap().send(event.kind);
    });
    let second = ask(&dir, &listening);
    assert_eq!(hear.recv_timeout(LONG), Ok(EventKind::Waiting));
    assert!(holder.release());
    assert!(answer(&second).unwrap().is_held());
}
