//! Jumps of the wall clock change nothing.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::fs;
use std::time::Duration;

use spawnlock_tests::{Client, Scene, wait_until};

const SOON: Duration = Duration::from_secs(15);

fn has_faketime() -> bool {
    let found = std::process::Command::new("faketime").arg("--version").output().is_ok();
    if !found {
        eprintln!("skipped: there is no faketime");
    }
    found
}

/// A client whose wall clock is off; the monotonic one is not, as after a jump.
fn at(client: Client, offset: &str) -> Client {
    client.under(&["faketime", "-m", "--exclude-monotonic", "-f", offset])
}

#[test]
fn a_waiter_a_year_ahead_or_behind_waits_as_any_other() {
    if !has_faketime() {
        return;
    }
    for offset in ["+365d", "-365d"] {
        let scene = Scene::new();
        let starter = scene.client(&["--initializing", "1500"]).start();
        wait_until("the server is being started", SOON, || scene.starts().len() == 1);
        let outcome = at(scene.client(&[]), offset).run();
        assert_eq!(scene.starts(), [outcome.pid()], "{offset}");
        assert!(outcome.took < Duration::from_secs(5), "{offset}: {outcome:#?}");
        assert!(starter.finish(SOON).is_ok());
    }
}

#[test]
fn a_starter_a_year_ahead_or_behind_is_waited_for_as_any_other() {
    if !has_faketime() {
        return;
    }
    for offset in ["+365d", "-365d"] {
        let scene = Scene::new();
        let starter = at(scene.client(&["--initializing", "1500"]), offset).start();
        wait_until("the server is being started", SOON, || scene.starts().len() == 1);
        let outcome = scene.client(&[]).run();
        assert_eq!(scene.starts(), [outcome.pid()], "{offset}");
        assert_eq!(starter.finish(SOON).pid(), outcome.pid(), "{offset}");
        assert_eq!(scene.status().pid, Some(outcome.pid()), "{offset}");
        scene.stop().unwrap();
    }
}

#[test]
fn a_clock_that_jumps_while_the_lock_is_held_changes_nothing() {
    if !has_faketime() {
        return;
    }
    let scene = Scene::new();
    let clock = scene.path("clock");
    fs::write(&clock, "+0\n").unwrap();
    let jumping =
        |client: Client| at(client, "+0").env("FAKETIME_TIMESTAMP_FILE", clock.display().to_string()).env("FAKETIME_NO_CACHE", "1");
    let starter = jumping(scene.client(&["--initializing", "2000"])).start();
    wait_until("the server is being started", SOON, || scene.starts().len() == 1);
    let waiter = jumping(scene.client(&[])).start();
    for offset in ["+365d\n", "-365d\n", "+0\n", "-1d\n"] {
        std::thread::sleep(Duration::from_millis(300));
        fs::write(&clock, offset).unwrap();
    }
    let (starter, waiter) = (starter.finish(SOON), waiter.finish(SOON));
    assert_eq!(scene.starts(), [starter.pid()]);
    assert_eq!(waiter.pid(), starter.pid());
    assert!(waiter.took < Duration::from_secs(6), "{waiter:#?}");
}

#[test]
fn a_timeout_is_as_long_as_it_says_whatever_the_wall_clock_does() {
    if !has_faketime() {
        return;
    }
    for offset in ["+365d", "-365d"] {
        let scene = Scene::new();
        let outcome = at(scene.client(&["--never-healthy"]), offset).timeout(Duration::from_secs(1)).run();
        assert_eq!(outcome.code(), "ERR_SPAWNLOCK_TIMEOUT", "{outcome:#?}");
        assert!((Duration::from_millis(900)..Duration::from_secs(4)).contains(&outcome.took), "{outcome:#?}");
    }
}
