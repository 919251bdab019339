//! A start that fails costs one timeout in all, and everybody gets the same reason.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::fs;
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use spawnlock::{Error, ErrorCode, EventKind, Origin, ServerSpec};
use spawnlock_tests::{Events, Outcome, Pause, Running, Scene, gate, wait_until};

const LONG: Duration = Duration::from_secs(30);

/// Thirty clients that want a server which cannot be had. Gives their outcomes and how long it took in all.
fn thirty(scene: &Scene, flags: &[&str], timeout: Duration) -> (Vec<Outcome>, Duration) {
    let gate = scene.path("gate");
    let clients: Vec<Running> = (0..30).map(|_| scene.client(flags).gate(gate.clone()).timeout(timeout).start()).collect();
    wait_until("all clients wait at the gate", LONG, || gate::waiting_at(&gate) == 30);
    let start = Instant::now();
    gate::open(&gate).unwrap();
    let outcomes = clients.into_iter().map(|client| client.finish(LONG)).collect();
    (outcomes, start.elapsed())
}

#[track_caller]
fn assert_one_reason(outcomes: &[Outcome], code: &str) {
    let first = outcomes[0].text("message");
    for outcome in outcomes {
        assert_eq!(outcome.code(), code, "{outcome:#?}");
        assert_eq!(outcome.text("message").lines().next(), first.lines().next(), "one reason for all");
    }
}

#[test]
fn a_server_that_never_gets_healthy_costs_thirty_waiters_one_timeout() {
    let scene = Scene::new();
    let (outcomes, took) = thirty(&scene, &["--never-healthy"], Duration::from_secs(2));
    assert_one_reason(&outcomes, "ERR_SPAWNLOCK_TIMEOUT");
    assert!(took < Duration::from_millis(3500), "{took:?}");
    assert!(scene.starts().len() <= 2, "{:?}", scene.starts());
    scene.assert_nobody_is_left();
    let server = scene.spec(&[]).ensure().expect("a later caller may try again");
    assert_eq!(server.origin(), Origin::Started);
}

#[test]
fn a_server_that_dies_early_costs_thirty_waiters_one_death() {
    let scene = Scene::new();
    let (outcomes, took) = thirty(&scene, &["--delay", "9000", "--exit-after", "700", "--exit-code", "5"], Duration::from_secs(20));
    assert_one_reason(&outcomes, "ERR_SPAWNLOCK_EXITED");
    assert!(outcomes.iter().all(|outcome| outcome.text("message").contains("exited with code 5")), "{:#?}", outcomes[0]);
    assert!(took < Duration::from_millis(2500), "{took:?}");
    assert!(scene.starts().len() <= 2, "{:?}", scene.starts());
    assert!(scene.spec(&[]).ensure().is_ok(), "a later caller may try again");
}

#[test]
fn a_command_that_cannot_be_run_costs_no_waiter_its_timeout() {
    let scene = Scene::new();
    let gate = scene.path("gate");
    let command = vec!["/no/such/program".to_owned()];
    let client = || scene.client(&[]).server(command.clone()).gate(gate.clone()).start();
    let clients: Vec<Running> = (0..30).map(|_| client()).collect();
    wait_until("all clients wait at the gate", LONG, || gate::waiting_at(&gate) == 30);
    gate::open(&gate).unwrap();
    for client in clients {
        let outcome = client.finish(LONG);
        assert_eq!(outcome.code(), "ERR_SPAWNLOCK_SPAWN", "{outcome:#?}");
        assert!(outcome.ms() < 3000.0, "{outcome:#?}");
    }
}

#[test]
fn a_patient_waiter_fails_with_the_reason_of_the_impatient_starter() {
    let scene = Scene::new();
    let starter = scene.client(&["--never-healthy"]).timeout(Duration::from_secs(1)).start();
    wait_until("the server is being started", LONG, || scene.starts().len() == 1);
    let outcome = scene.client(&["--never-healthy"]).timeout(Duration::from_secs(20)).run();
    let reason = starter.finish(LONG);
    assert_eq!(outcome.code(), "ERR_SPAWNLOCK_TIMEOUT", "{outcome:#?}");
    assert_eq!(outcome.text("message").lines().next(), reason.text("message").lines().next());
    assert!(outcome.ms() < 3000.0, "the holder's timeout counts, not the waiter's: {outcome:#?}");
    assert_eq!(scene.starts().len(), 1);
}

#[test]
fn an_impatient_waiter_names_the_holder_and_leaves_the_start_alone() {
    let scene = Scene::new();
    let starter = scene.client(&["--initializing", "2500"]).start();
    wait_until("the server is being started", LONG, || scene.starts().len() == 1);
    let outcome = scene.client(&[]).timeout(Duration::from_millis(500)).run();
    assert_eq!(outcome.code(), "ERR_SPAWNLOCK_LOCK_TIMEOUT", "{outcome:#?}");
    assert!(outcome.text("message").contains(&format!("pid {}", starter.pid())), "{outcome:#?}");
    assert!(outcome.ms() < 1500.0, "{outcome:#?}");
    assert_eq!(scene.living(), [starter.finish(LONG).pid()]);
}

#[test]
fn lock_patience_starts_anyway_and_says_so() {
    let scene = Scene::new();
    // The holder starts something else, so that two starts do not fight for a port.
    let starter = scene.client(&["--never-healthy"]).timeout(Duration::from_secs(20)).ready("http://127.0.0.1:9/").start();
    wait_until("the server is being started", LONG, || scene.starts().len() == 1);
    let events = Events::default();
    let outcome = events.of(scene.spec(&[])).lock_patience(Duration::from_millis(300)).timeout(Duration::from_secs(3)).ensure();
    let warnings = events.messages(EventKind::Warning);
    assert!(warnings.iter().any(|text| text.contains("lock patience")), "{outcome:?} {warnings:?}");
    drop(starter);
}

/// A start that fails before its command runs, while another waits for it whose own start would not: the other is told the reason.
#[track_caller]
fn told_to_who_waits(scene: &Scene, failing: ServerSpec, meanwhile: impl FnOnce()) -> Error {
    fs::create_dir_all(scene.place()).unwrap();
    fs::write(scene.place().join("server.json"), "{").unwrap();
    // It has the lock, and has just looked at what is written down.
    let (pause, looked) = Pause::at(|event| event.message.contains("makes no sense"));
    let start = thread::spawn(move || failing.on_event(looked).ensure().unwrap_err());
    pause.reached();
    let events = Events::default();
    let waiting = events.of(scene.spec(&[]));
    let waiter = thread::spawn(move || waiting.ensure());
    wait_until("the other waits", LONG, || events.kinds().contains(&EventKind::Waiting));
    meanwhile();
    pause.go_on();
    let reason = start.join().unwrap();
    let told = waiter.join().unwrap().expect_err("the reason why the start failed");
    assert_eq!((told.code(), &told.failure().summary), (reason.code(), &reason.failure().summary));
    assert_eq!(scene.status().last_failure.unwrap().summary, reason.failure().summary);
    assert!(scene.starts().is_empty(), "{:?}", scene.starts());
    assert_eq!(scene.spec(&[]).ensure().expect("a later caller may try again").origin(), Origin::Started);
    reason
}

#[test]
fn a_log_that_cannot_be_opened_is_told_to_who_waits() {
    let scene = Scene::new();
    let failing = scene.spec(&[]).log(scene.path("no-such-directory").join("log"));
    let reason = told_to_who_waits(&scene, failing, || {});
    assert!(reason.code() == ErrorCode::Config && reason.to_string().contains("no-such-directory"), "{reason}");
}

#[test]
fn a_socket_for_the_servers_word_that_cannot_be_bound_is_told_to_who_waits() {
    let scene = Scene::new();
    fs::create_dir_all(scene.place().join("notify-1.sock")).unwrap();
    let reason = told_to_who_waits(&scene, scene.spec(&[]).ready("notify"), || {});
    assert!(reason.code() == ErrorCode::Place && reason.to_string().contains("no socket can be made"), "{reason}");
}

#[test]
fn a_directory_that_is_missing_is_told_to_who_waits() {
    let scene = Scene::new();
    let dir = scene.path("workshop");
    fs::create_dir(&dir).unwrap();
    let reason = told_to_who_waits(&scene, scene.spec(&[]).cwd(&dir), || fs::remove_dir(&dir).unwrap());
    assert!(reason.code() == ErrorCode::Spawn && reason.to_string().contains("workshop does not exist"), "{reason}");
}

#[test]
fn an_address_that_somebody_else_has_is_told_to_who_waits() {
    let scene = Scene::new();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap();
    let reason = told_to_who_waits(&scene, scene.spec(&[]).listen(format!("tcp:{address}")), || {});
    assert!(reason.code() == ErrorCode::PortInUse && reason.to_string().contains(&address.to_string()), "{reason}");
}
