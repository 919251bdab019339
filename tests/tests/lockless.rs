//! Calls that have come past the spawn lock, beside those who hold it.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::fs;
use std::path::Path;
use std::process::Child;
use std::time::Duration;

use spawnlock::{ErrorCode, EventKind, State};
use spawnlock_tests::halt::tracer;
use spawnlock_tests::{Events, Scene, process_alive, strace, wait_until};

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(100);

/// A server that is being stopped, with more patience than any test has; and whoever stops it.
fn stopping(scene: &Scene, term: &Path, tracer: &[String]) -> (u32, Child) {
    let old = scene.client(&["--ignore-term", "--note-term", term.to_str().unwrap()]).run().pid();
    let stop = scene.native(tracer, &["stop", scene.name(), "--stop-timeout", "600s"]).spawn().unwrap();
    wait_until("the server was told to stop", LONG, || term.exists());
    assert_eq!(scene.status().state, State::Stopping);
    (old, stop)
}

/// Nobody but the one who stops it has told it anything.
#[track_caller]
fn assert_left_alone(term: &Path, old: u32) {
    assert!(process_alive(old), "it was ended although its time was not over");
    assert_eq!(fs::read_to_string(term).unwrap().lines().count(), 1, "it was told to stop twice");
}

#[test]
fn one_who_goes_on_without_the_lock_ends_no_stop_that_is_under_way() {
    let scene = Scene::new();
    let term = scene.path("term");
    let (old, mut stop) = stopping(&scene, &term, &[]);
    let events = Events::default();
    let hurried = |timeout| events.of(scene.spec(&[])).lock_patience(SHORT).stop_timeout(SHORT).timeout(timeout);
    let error = hurried(SHORT * 10).ensure().unwrap_err();
    assert_left_alone(&term, old);
    assert_eq!(error.code(), ErrorCode::LockTimeout, "{error}");
    assert!(error.to_string().contains(&format!("pid {}", stop.id())), "it names whom it waited for: {error}");
    let warnings = events.messages(EventKind::Warning);
    assert!(warnings.iter().any(|text| text.contains("lock patience")), "{warnings:?}");
    // Once the server is gone it goes on, whoever has the lock.
    scene.crash(old);
    let server = hurried(LONG).ensure().unwrap();
    assert_eq!((server.generation(), scene.living()), (Some(2), vec![server.pid().unwrap()]));
    assert!(stop.wait().unwrap().success());
}

#[test]
fn one_who_can_have_no_flock_ends_no_stop_by_one_who_has_the_lock_by_existence() {
    if !strace::is_here() {
        return;
    }
    let scene = Scene::new();
    let (term, trace) = (scene.path("term"), scene.path("trace"));
    // As on a file system that has none.
    let without: Vec<String> =
        tracer(&trace, "flock", None).into_iter().chain(["-e", "inject=flock:error=ENOSYS"].map(str::to_owned)).collect();
    let (old, mut stop) = stopping(&scene, &term, &without);
    assert!(scene.place().join("start.lock.excl").exists(), "the stop has the lock by existence");
    let words: Vec<&str> = without.iter().map(String::as_str).collect();
    let outcome = scene.client(&[]).under(&words).flag(&["--lock", "flock", "--events"]).timeout(SHORT * 10).run();
    assert_left_alone(&term, old);
    assert!(outcome.stderr.contains("going on without it"), "{outcome:#?}");
    assert_eq!(outcome.code(), "ERR_SPAWNLOCK_LOCK_TIMEOUT", "{outcome:#?}");
    scene.crash(old);
    assert!(stop.wait().unwrap().success());
}
