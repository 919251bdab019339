//! Starts that take long, and starters that die halfway.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::thread;
use std::time::Duration;

use spawnlock::{EventKind, Origin};
use spawnlock_tests::{Events, Running, Scene, gate, process_alive, wait_until};

const LONG: Duration = Duration::from_secs(30);

#[test]
fn a_start_slower_than_any_staleness_threshold_happens_once_while_clients_trickle_in() {
    let scene = Scene::new();
    let clients: Vec<Running> = (0..12)
        .map(|_| {
            let client = scene.client(&["--delay", "12000"]).timeout(LONG).start();
            thread::sleep(Duration::from_millis(900));
            client
        })
        .collect();
    let pids: Vec<u32> = clients.into_iter().map(|client| client.finish(LONG).pid()).collect();
    assert_eq!(scene.starts().len(), 1);
    assert!(pids.iter().all(|pid| scene.living() == [*pid]), "{pids:?}");
}

#[test]
fn a_waiter_is_told_who_holds_the_lock_after_about_a_second() {
    let scene = Scene::new();
    let starter = scene.client(&["--delay", "2500"]).start();
    wait_until("the server is being started", LONG, || scene.starts().len() == 1);
    let events = Events::default();
    let server = events.of(scene.spec(&[])).ensure().unwrap();
    let told = events.messages(EventKind::Waiting);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains(&starter.pid().to_string()) && told[0].contains("contender"), "the holder is named: {told:?}");
    assert_eq!(server.origin(), Origin::Joined);
    assert!(starter.finish(LONG).is_ok());
}

#[test]
fn a_hundred_waiters_do_not_poll_a_starting_server() {
    let scene = Scene::new();
    let (requests, gate) = (scene.path("requests"), scene.path("gate"));
    let flags = ["--initializing", "1500", "--count-requests", requests.to_str().unwrap()];
    let starter = scene.client(&flags).start();
    wait_until("the server is being started", LONG, || scene.starts().len() == 1);
    let clients: Vec<Running> = (0..100).map(|_| scene.client(&flags).gate(gate.clone()).start()).collect();
    wait_until("all clients wait at the gate", LONG, || gate::waiting_at(&gate) == 100);
    gate::open(&gate).unwrap();
    for client in clients {
        assert_eq!(scene.living(), [client.finish(LONG).pid()]);
    }
    assert!(starter.finish(LONG).is_ok());
    let asked = std::fs::read_to_string(&requests).unwrap().lines().count();
    // The starter's own questions, and two at most from each waiter.
    assert!(asked < 150 + 200, "{asked} health requests for a hundred waiters");
}

/// Some clients at one gate, of which one starts the server and is killed by it; the others go on with that server.
fn starter_killed_by_its_server(flags: &[&str], most_ms: f64) {
    let scene = Scene::new();
    let gate = scene.path("gate");
    let clients: Vec<Running> = (0..6).map(|_| scene.client(flags).gate(gate.clone()).start()).collect();
    wait_until("all clients wait at the gate", LONG, || gate::waiting_at(&gate) == 6);
    gate::open(&gate).unwrap();
    let outcomes: Vec<_> = clients.into_iter().map(|client| client.finish(LONG)).collect();
    let (killed, rest): (Vec<_>, Vec<_>) = outcomes.iter().partition(|outcome| outcome.signal() == Some(9));
    assert_eq!(killed.len(), 1, "only the starter is killed: {outcomes:#?}");
    assert_eq!(scene.starts().len(), 1, "{rest:#?}");
    for outcome in rest {
        assert_eq!(scene.living(), [outcome.pid()]);
        assert!(outcome.ms() < most_ms, "a waiter took too long: {outcome:#?}");
    }
    // A later caller finds it, too, and a stop ends it.
    assert_eq!(scene.spec(&[]).ensure().unwrap().pid(), Some(scene.starts()[0]));
    scene.stop().unwrap();
    scene.assert_nobody_is_left();
}

#[test]
fn waiters_adopt_the_server_of_a_starter_that_is_killed_right_after_the_spawn() {
    starter_killed_by_its_server(&["--kill-parent", "--delay", "500"], 1500.0);
}

#[test]
fn waiters_adopt_the_server_of_a_starter_that_is_killed_while_it_initializes() {
    starter_killed_by_its_server(&["--kill-parent", "--initializing", "500"], 1500.0);
}

#[test]
fn waiters_go_on_when_the_starter_is_killed_just_before_it_can_publish() {
    starter_killed_by_its_server(&["--kill-parent-when", "ready"], 1000.0);
}

#[test]
fn an_adopted_server_that_dies_fails_the_one_who_adopted_it_at_once() {
    let scene = Scene::new();
    let starter =
        scene.client(&["--kill-parent", "--delay", "60000", "--exit-after", "700", "--exit-code", "3", "--print", "no luck today"]).start();
    wait_until("the starter is killed", LONG, || scene.starts().len() == 1 && !process_alive(starter.pid()));
    let outcome = scene.client(&[]).run();
    assert_eq!(outcome.code(), "ERR_SPAWNLOCK_EXITED", "{outcome:#?}");
    assert!(outcome.text("message").contains("no luck today"), "{outcome:#?}");
    assert!(outcome.ms() < 1500.0, "{outcome:#?}");
    assert_eq!(starter.finish(LONG).signal(), Some(9));
}

/// Kills a starter at its `when`th call of a system call, and lets a second client have its turn.
/// `false` when the starter lived, so that there is nothing further to try.
fn starter_killed_at(call: &str, when: u32) -> bool {
    let scene = Scene::new();
    let inject = format!("inject={call}:signal=SIGKILL:when={when}");
    let flags = ["--delay", "30"];
    let starter = scene.client(&flags).under(&["strace", "-qq", "-o", "/dev/null", "-e", &format!("trace={call}"), "-e", &inject]).run();
    let killed = !starter.is_ok();
    let second = scene.client(&flags).run();
    let pid = second.pid();
    assert_eq!(scene.living(), [pid], "killed at {call} {when}: {starter:#?} {second:#?}");
    assert_eq!(scene.starts().len(), 1, "killed at {call} {when}: {starter:#?} {second:#?}");
    scene.stop().unwrap();
    scene.assert_nobody_is_left();
    killed
}

fn has_strace() -> bool {
    let found = std::process::Command::new("strace").arg("-V").output().is_ok();
    if !found {
        eprintln!("skipped: there is no strace");
    }
    found
}

/// Every point between two system calls at which a starter may die; the test ends where it lives to the end.
fn sweep(call: &str) {
    if !has_strace() {
        return;
    }
    let survived = (1..40).find(|when| !starter_killed_at(call, *when));
    assert!(survived.is_some_and(|when| when > 1), "a starter makes at least one {call} and comes to an end: {survived:?}");
}

#[test]
fn a_starter_may_be_killed_at_any_lock_operation() {
    sweep("flock");
}

#[test]
fn a_starter_may_be_killed_at_any_rename() {
    sweep("/^rename");
}

#[test]
fn a_starter_may_be_killed_at_any_fork() {
    sweep("/^(clone|fork|vfork)");
}
