//! Hosts that fork, and run no other program, while they let locks go in another thread.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::process::Command;

use serde_json::Value;
use spawnlock_tests::halt::tracer;
use spawnlock_tests::strace::{self, Traced};
use spawnlock_tests::{Scene, program};

/// How long a close takes to return, in microseconds: for so long its number is another's, and who closes it does not know.
const SLOW_CLOSE: &str = "delay_exit=200000";

/// Fails unless every forked child had all files that were open in its parent.
#[track_caller]
fn assert_whole(what: &str, output: &std::process::Output) {
    let line: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{what}: {output:?}"));
    assert_ne!(line["forks"], 0, "{what}: {line}");
    assert_eq!(line["broken"], 0, "{what}: children without some of their parent's files: {line}");
}

/// With each close of the lock's file, or of the one beside it, a slow one.
fn let_go(how: &str, kind: &str, beside: &str) {
    if !strace::is_here() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let lock = dir.path().join("lock").display().to_string();
    let command = [program("forker").display().to_string(), how.to_owned(), lock.clone(), kind.to_owned()];
    let output = Traced::new(&command).inject("close", SLOW_CLOSE).of(format!("{lock}{beside}").into()).run();
    assert_whole(&format!("{how} {kind} {beside}"), &output);
}

#[test]
fn a_kernel_lock_that_is_let_go_takes_no_file_from_a_child() {
    let_go("release", "flock", "");
}

#[test]
fn a_seat_that_was_given_up_takes_no_file_from_a_child() {
    let_go("abandon", "flock", "");
}

#[test]
fn a_lock_whose_file_was_removed_takes_no_file_from_a_child() {
    let_go("nameless", "flock", "");
}

#[test]
fn the_mutex_of_an_existence_lock_takes_no_file_from_a_child() {
    let_go("release", "excl", ".mutex");
}

#[test]
fn the_line_for_an_existence_lock_takes_no_file_from_a_child() {
    let_go("wait", "excl", ".queue");
}

#[test]
fn a_lease_that_is_let_go_takes_no_file_from_a_child() {
    if !strace::is_here() {
        return;
    }
    let scene = Scene::new();
    // Only the main thread, which lets it go: the name of its file is nobody's to know.
    let mut words = tracer(&scene.path("trace"), "close", None);
    words.extend(["-e".to_owned(), "inject=close:delay_exit=20000".to_owned(), program("forker").display().to_string()]);
    words.extend(["lease".to_owned(), scene.state_dir().display().to_string(), scene.url()]);
    words.extend(scene.command(&[]));
    assert_whole("lease", &Command::new(&words[0]).args(&words[1..]).output().unwrap());
    scene.assert_nobody_is_left();
}
