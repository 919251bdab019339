//! What those who wait for somebody else's start may do to it, and what hosts may do to a start.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::process::Command;
use std::time::Duration;

use spawnlock::{ErrorCode, Origin};
use spawnlock_tests::Scene;

const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(300);

#[test]
fn who_waits_with_a_short_timeout_leaves_the_server_to_those_with_a_longer_one() {
    let scene = Scene::new();
    let pid = scene.orphaned(&["--delay", "1500"]);
    let error = scene.spec(&["--delay", "1500"]).timeout(SHORT).ensure().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Timeout);
    assert!(error.to_string().contains("left to those who still wait"), "{error}");
    let server = scene.spec(&["--delay", "1500"]).timeout(LONG).ensure().unwrap();
    assert_eq!((server.origin(), server.pid()), (Origin::Joined, Some(pid)));
    assert_eq!(scene.starts(), [pid]);
}

#[test]
fn who_only_looks_ends_nothing() {
    let scene = Scene::new();
    let pid = scene.orphaned(&["--delay", "1500"]);
    assert_eq!(scene.looking().timeout(SHORT).ensure().unwrap_err().code(), ErrorCode::Timeout);
    let server = scene.looking().timeout(LONG).ensure().unwrap();
    assert_eq!(server.pid(), Some(pid));
    assert_eq!(scene.starts(), [pid]);
}

#[test]
fn a_server_without_a_starter_that_never_gets_ready_is_stopped_by_those_who_waited_its_whole_time() {
    let scene = Scene::new();
    let flags = ["--never-healthy"];
    scene.orphaned(&flags);
    // As if its starter had meant to wait no longer than this.
    scene.edit_record(&[("timeoutMs", 300.into())]);
    let error = scene.spec(&flags).timeout(SHORT * 2).ensure().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Timeout);
    scene.assert_nobody_is_left();
}

#[test]
fn a_command_that_cannot_be_run_is_an_error_in_a_host_that_ignores_sigchld() {
    let scene = Scene::new();
    let outcome = scene.client(&[]).server(vec!["/no/such/program".into()]).after_shell("trap '' CHLD").run();
    assert_eq!(outcome.code(), "ERR_SPAWNLOCK_SPAWN", "{outcome:#?}");
    let server = scene.client(&[]).after_shell("trap '' CHLD").run();
    assert_eq!(scene.living(), [server.pid()]);
}

#[test]
fn being_inside_an_unrelated_server_is_no_recursion() {
    let scene = Scene::new();
    let outcome = scene.client(&[]).env("SPAWNLOCK_WITHIN", "/a/place/that/is/gone").run();
    assert!(outcome.is_ok(), "{outcome:#?}");
}

#[test]
fn a_pipe_that_nobody_reads_is_no_log() {
    let scene = Scene::new();
    let pipe = scene.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let error = scene.spec(&[]).log(&pipe).ensure().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Config);
    assert!(error.to_string().contains("option `log`"), "{error}");
    assert!(scene.starts().is_empty());
}
