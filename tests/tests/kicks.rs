//! Starts that nobody waits for.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::fs::File;
use std::io::Write;
use std::thread;
use std::time::Duration;

use spawnlock::{Check, ErrorCode, EventKind, Kick, Origin, ServerSpec, State, Verdict};
use spawnlock_tests::{Events, Pause, Running, Scene, gate, process_alive, wait_until};

const LONG: Duration = Duration::from_secs(20);

fn is_running(scene: &Scene) -> bool {
    scene.status().state == State::Running
}

#[test]
fn the_server_comes_up_although_who_asked_for_it_is_gone() {
    let scene = Scene::new();
    let outcome = scene.client(&["--delay", "300"]).flag(&["--kick"]).run();
    assert_eq!(outcome.line()["kick"], "started", "{outcome:#?}");
    wait_until("the server is ready", LONG, || is_running(&scene));
    assert_eq!(scene.page("/pid"), scene.starts()[0]);
    wait_until("nobody holds the lock any more", LONG, || scene.status().holder.is_none());
    wait_until("nor is there anything to watch", LONG, || scene.minders().is_empty());
    scene.stop().unwrap();
    scene.assert_nobody_is_left();
}

#[test]
fn of_many_who_kick_at_once_one_starts_the_server() {
    let scene = Scene::new();
    let gate = scene.path("gate");
    let clients: Vec<Running> = (0..20).map(|_| scene.client(&["--delay", "500"]).flag(&["--kick"]).gate(gate.clone()).start()).collect();
    wait_until("all wait at the gate", LONG, || gate::waiting_at(&gate) == 20);
    gate::open(&gate).unwrap();
    let words: Vec<String> = clients.into_iter().map(|client| client.finish(LONG).line()["kick"].as_str().unwrap().to_owned()).collect();
    assert_eq!(words.iter().filter(|word| *word == "started").count(), 1, "{words:?}");
    assert!(words.iter().all(|word| ["started", "starting", "running"].contains(&word.as_str())), "{words:?}");
    wait_until("the server is ready", LONG, || is_running(&scene));
    assert_eq!(scene.starts().len(), 1);
}

#[test]
fn a_server_that_runs_is_told_at_once() {
    let scene = Scene::new();
    let server = scene.spec(&[]).ensure().unwrap();
    match scene.spec(&[]).kick().unwrap() {
        Kick::Running(running) => assert_eq!((running.pid(), running.origin()), (server.pid(), Origin::Reused)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn who_asks_meanwhile_waits_for_the_minder_and_gets_its_server() {
    let scene = Scene::new();
    assert!(matches!(scene.spec(&["--delay", "2000"]).kick().unwrap(), Kick::Started { .. }));
    let events = Events::default();
    let server = events.of(scene.spec(&["--delay", "2000"])).ensure().unwrap();
    assert_eq!(server.origin(), Origin::Joined);
    assert_eq!(scene.starts(), [server.pid().unwrap()]);
    let told = events.messages(EventKind::Waiting);
    assert!(told.iter().any(|line| line.contains("server-init mind")), "the holder is the minder: {told:?}");
}

#[test]
fn who_asks_meanwhile_is_told_why_the_start_failed() {
    let scene = Scene::new();
    let flags = ["--exit-after", "400", "--exit-code", "7", "--never-healthy"];
    assert!(matches!(scene.spec(&flags).kick().unwrap(), Kick::Started { .. }));
    let error = scene.spec(&flags).ensure().unwrap_err();
    assert_eq!((error.code(), error.failure().exit_code), (ErrorCode::Exited, Some(7)), "{error}");
    assert_eq!(scene.starts().len(), 1, "nobody tries again at once");
    assert_eq!(scene.status().last_failure.unwrap().exit_code, Some(7));
}

#[test]
fn a_kick_during_a_stop_starts_the_server_again() {
    let scene = Scene::new();
    let old = scene.spec(&["--die-slowly", "700"]).ensure().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| scene.stop().unwrap());
        wait_until("it is being stopped", LONG, || scene.status().state == State::Stopping);
        assert!(matches!(scene.spec(&[]).kick().unwrap(), Kick::Started { .. }));
    });
    wait_until("another server is ready", LONG, || is_running(&scene) && scene.status().pid != old.pid());
}

#[test]
fn a_kick_ends_nothing_and_waits_for_nobody_when_the_lock_is_held() {
    let scene = Scene::new();
    std::fs::create_dir_all(scene.place()).unwrap();
    let mut lock = File::create(scene.place().join("start.lock")).unwrap();
    lock.lock().unwrap();
    assert!(matches!(scene.spec(&[]).kick().unwrap(), Kick::Starting { .. }));
    // Held for longer than a start may take: no starter's.
    write!(lock, r#"{{"pid":{},"timestamp":1000}}"#, std::process::id()).unwrap();
    match scene.spec(&[]).kick().unwrap() {
        Kick::Failed(error) => {
            assert_eq!(error.code(), ErrorCode::LockTimeout, "{error}");
            assert_eq!(error.failure().pid, Some(std::process::id()));
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(scene.spec(&[]).lock_patience(Duration::from_millis(100)).kick().unwrap(), Kick::Started { .. }));
    wait_until("the server is ready", LONG, || is_running(&scene));
}

#[test]
fn what_is_wrong_with_the_options_is_an_error_and_what_is_wrong_with_the_world_an_outcome() {
    let scene = Scene::new();
    let error = scene.looking().shell("true").command(["true"]).kick().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Config);
    match scene.looking().kick().unwrap() {
        Kick::Failed(error) => assert_eq!(error.code(), ErrorCode::NotRunning),
        other => panic!("{other:?}"),
    }
}

#[test]
fn without_a_minder_the_server_is_started_all_the_same() {
    let scene = Scene::new();
    let outcome = scene.client(&["--delay", "300"]).flag(&["--kick"]).env("SPAWNLOCK_COMMAND", "/no/such/command").run();
    assert_eq!(outcome.line()["kick"], "started", "{outcome:#?}");
    let server = scene.spec(&[]).ensure().unwrap();
    assert_eq!(scene.starts(), [server.pid().unwrap()]);
}

#[test]
fn a_minder_keeps_nothing_of_the_callers() {
    let scene = Scene::new();
    let held = scene.path("held");
    let line = format!("exec 9>{0}; flock 9; cd {1}", held.display(), scene.path("").display());
    let outcome = scene.client(&["--delay", "1500"]).flag(&["--kick"]).after_shell(&line).run();
    assert_eq!(outcome.line()["kick"], "started", "{outcome:#?}");
    wait_until("the caller's lock has ended with the caller", LONG, || File::open(&held).unwrap().try_lock().is_ok());
    // What the minder forks has its words until it is the server.
    wait_until("there is one minder", LONG, || scene.minders().len() == 1);
    let minders = scene.minders();
    assert_eq!(std::fs::read_link(format!("/proc/{}/cwd", minders[0])).unwrap().to_str(), Some("/"));
    wait_until("the server is ready", LONG, || is_running(&scene));
    assert_eq!(scene.page("/pid"), scene.starts()[0]);
}

/// With a check that is a function, which no minder can ask: the call starts the server itself.
fn with_function(spec: ServerSpec) -> ServerSpec {
    spec.ready(Check::function(|| (Verdict::Dead, "a function that sees nobody".to_owned())))
}

#[test]
fn a_kick_with_a_function_starts_the_server_itself() {
    let scene = Scene::new();
    assert!(matches!(with_function(scene.spec(&[])).kick().unwrap(), Kick::Started { .. }));
    wait_until("the server serves", LONG, || !scene.port_is_free());
    assert_eq!(scene.page("/pid"), scene.starts()[0]);
    assert!(scene.minders().is_empty());
}

#[test]
fn a_kick_with_a_function_leaves_a_stop_that_is_under_way_to_whoever_stops() {
    let scene = Scene::new();
    let term = scene.path("term");
    let old = scene.spec(&["--ignore-term", "--note-term", term.to_str().unwrap()]).ensure().unwrap().pid().unwrap();
    let mut stop = scene.native(&[], &["stop", scene.name(), "--stop-timeout", "60s"]).spawn().unwrap();
    wait_until("the server was told to stop", LONG, || term.exists());
    let events = Events::default();
    let hurried = with_function(scene.spec(&[])).stop_timeout(Duration::from_millis(100));
    match events.of(hurried).kick().unwrap() {
        Kick::Failed(error) => assert_eq!((error.code(), error.failure().pid), (ErrorCode::LockTimeout, Some(stop.id())), "{error}"),
        other => panic!("nobody is going to start it: {other:?}"),
    }
    assert!(process_alive(old), "it was ended although its time was not over: {events:?}");
    assert_eq!((scene.starts(), events.kinds()), (vec![old], Vec::new()));
    scene.crash(old);
    assert!(stop.wait().unwrap().success());
    assert!(scene.living().is_empty());
}

#[test]
fn a_kick_with_a_function_starts_nothing_past_a_lock_that_is_held() {
    let scene = Scene::new();
    std::fs::create_dir_all(scene.place()).unwrap();
    let mut lock = File::create(scene.place().join("start.lock")).unwrap();
    lock.lock().unwrap();
    assert!(matches!(with_function(scene.spec(&[])).kick().unwrap(), Kick::Starting { .. }));
    assert!(scene.everybody().is_empty());
    // Only who says so goes past it, once it has been held for so long.
    write!(lock, r#"{{"pid":{},"timestamp":1000}}"#, std::process::id()).unwrap();
    let events = Events::default();
    let hurried = events.of(with_function(scene.spec(&[]))).lock_patience(Duration::from_millis(100));
    assert!(matches!(hurried.kick().unwrap(), Kick::Started { .. }));
    let warnings = events.messages(EventKind::Warning);
    assert!(warnings.iter().any(|text| text.contains("lock patience")), "{warnings:?}");
}

/// A minder that cannot be had: its order is more than its socket takes.
fn without_a_minder(spec: ServerSpec) -> ServerSpec {
    (0..5).fold(spec, |spec, at| spec.env(format!("LONG_{at}"), "x".repeat(100_000)))
}

#[test]
fn a_kick_that_has_lost_the_lock_with_its_minder_starts_nothing_past_the_next_holder() {
    let scene = Scene::new();
    let (pause, no_minder) = Pause::at(|event| event.message.contains("no minder can be had"));
    let kicking = without_a_minder(scene.spec(&[])).on_event(no_minder);
    let kick = thread::spawn(move || kicking.kick().unwrap());
    pause.reached();
    let lock = File::open(scene.place().join("start.lock")).unwrap();
    lock.try_lock().expect("the lock went with the order");
    pause.go_on();
    let kicked = kick.join().unwrap();
    assert!(matches!(kicked, Kick::Starting { .. }), "{kicked:?}");
    assert!(scene.everybody().is_empty());
}
