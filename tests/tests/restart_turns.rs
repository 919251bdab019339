//! Restarts beside each other, beside starts and stops, and after one that died halfway.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;
use spawnlock::{Cancel, ErrorCode, EventKind, Origin, RestartOptions, Server, State};
use spawnlock_tests::process::{kill_and_wait, signal};
use spawnlock_tests::{Client, Events, Language, Outcome, Running, Scene, gate, process_alive, wait_until};

const SOON: Duration = Duration::from_secs(15);
const LONG: Duration = Duration::from_secs(40);

fn restart(scene: &Scene, options: RestartOptions) -> spawnlock::Result<Server> {
    scene.states().restart(scene.name(), &options)
}

/// What clients come to that are let through one gate at the same moment.
fn at_one_gate(scene: &Scene, clients: Vec<Client>) -> Vec<Outcome> {
    let (gate, count) = (scene.path("gate"), clients.len());
    let clients: Vec<Running> = clients.into_iter().map(|client| client.gate(gate.clone()).start()).collect();
    wait_until("all clients wait at the gate", LONG, || gate::waiting_at(&gate) == count);
    gate::open(&gate).unwrap();
    clients.into_iter().map(|client| client.finish(LONG)).collect()
}

fn origins(outcomes: &[Outcome], origin: &str) -> usize {
    outcomes.iter().filter(|outcome| outcome.text("origin") == origin).count()
}

/// The note of a SIGTERM, and the flags of a server that leaves it.
fn noting_term<'a>(note: &'a str, flags: &[&'a str]) -> Vec<&'a str> {
    [&["--note-term", note], flags].concat()
}

#[test]
fn many_who_restart_at_once_in_any_language_are_one_restart() {
    let scene = Scene::new();
    let first = scene.spec(&["--die-slowly", "2500", "--initializing", "300"]).ensure().unwrap();
    let languages = Language::all();
    let client = |at: usize| scene.client(&[]).language(&languages[at % languages.len()]).restarting().timeout(LONG);
    let outcomes = at_one_gate(&scene, (0..16).map(client).collect());
    for outcome in &outcomes {
        assert_eq!((outcome.pid(), &outcome.line()["generation"]), (scene.starts()[1], &json!(2)), "{outcome:#?}");
    }
    assert_eq!(scene.starts().len(), 2, "one start more");
    assert_eq!((origins(&outcomes, "started"), origins(&outcomes, "joined")), (1, 15), "{outcomes:#?}");
    assert!(!process_alive(first.pid().unwrap()));
}

#[test]
fn threads_of_one_process_restart_once() {
    let scene = Scene::new();
    scene.spec(&["--die-slowly", "1000"]).ensure().unwrap();
    let servers: Vec<Server> = thread::scope(|scope| {
        let calls: Vec<_> = (0..12).map(|_| scope.spawn(|| scene.restart().unwrap())).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert!(servers.iter().all(|server| server.generation() == Some(2)), "{servers:?}");
    assert_eq!(scene.starts().len(), 2);
}

#[test]
fn one_who_asks_while_the_server_is_being_started_gets_that_start() {
    let scene = Scene::new();
    let starter = scene.client(&["--initializing", "1500"]).start();
    wait_until("the server is being started", SOON, || scene.starts().len() == 1);
    let server = scene.restart().unwrap();
    assert_eq!((server.origin(), server.generation()), (Origin::Joined, Some(1)));
    assert_eq!(server.pid(), Some(starter.finish(SOON).pid()));
    assert_eq!(scene.starts().len(), 1);
}

#[test]
fn those_who_ensure_meanwhile_wait_and_get_the_new_server() {
    let scene = Scene::new();
    let note = scene.path("term");
    let flags = noting_term(note.to_str().unwrap(), &["--hold-socket-late", "1500", "--initializing", "200"]);
    let old = scene.spec(&flags).ensure().unwrap().pid().unwrap();
    let restarter = scene.client(&[]).restarting().start();
    wait_until("the old server was told to stop", SOON, || note.exists());
    let languages = Language::all();
    let outcomes = at_one_gate(&scene, (0..12).map(|at| scene.client(&flags).language(&languages[at % languages.len()])).collect());
    let new = restarter.finish(SOON).pid();
    assert_ne!(new, old);
    assert!(outcomes.iter().all(|outcome| outcome.pid() == new && outcome.line()["generation"] == 2), "{outcomes:#?}");
    assert_eq!((scene.starts().len(), scene.living()), (2, vec![new]));
}

#[test]
fn restarts_stops_and_ensures_in_a_heap_never_make_two_servers() {
    let scene = Scene::new();
    let flags = ["--die-slowly", "20"];
    scene.spec(&flags).ensure().unwrap();
    thread::scope(|scope| {
        for at in 0..9 {
            let scene = &scene;
            scope.spawn(move || {
                for _ in 0..5 {
                    let outcome = match at % 3 {
                        0 => scene.restart().map(drop),
                        1 => scene.spec(&flags).ensure().map(drop),
                        _ => scene.stop(),
                    };
                    assert!(scene.living().len() <= 1, "{:?}", scene.living());
                    let code = outcome.err().map(|error| error.code());
                    // A start may be stopped before it was vouched for, and a stop may come when nothing runs.
                    assert!(matches!(code, None | Some(ErrorCode::NotRunning | ErrorCode::Exited)), "{code:?}");
                }
            });
        }
    });
    let server = scene.restart().unwrap();
    assert_eq!(scene.living(), [server.pid().unwrap()]);
    assert_eq!(server.generation(), Some(scene.starts().len() as u64));
}

#[test]
fn many_who_found_the_same_generation_bad_restart_it_once() {
    let scene = Scene::new();
    scene.spec(&["--die-slowly", "300"]).ensure().unwrap();
    // Some come when it is over, and are told so.
    for round in 1..=3_u64 {
        let servers: Vec<Server> = thread::scope(|scope| {
            let calls: Vec<_> =
                (0..8).map(|_| scope.spawn(|| restart(&scene, RestartOptions::new().only_generation(round)).unwrap())).collect();
            calls.into_iter().map(|call| call.join().unwrap()).collect()
        });
        let late = restart(&scene, RestartOptions::new().only_generation(round)).unwrap();
        assert!(servers.iter().chain([&late]).all(|server| server.generation() == Some(round + 1)), "{servers:?}");
        assert_eq!(scene.starts().len() as u64, round + 1);
    }
}

#[test]
fn a_restart_that_fails_gives_all_who_wait_one_reason() {
    let scene = Scene::new();
    let flag = scene.path("broken");
    let line = format!(
        "test -e '{}' && {{ sleep 0.3; echo no luck; exit 7; }}; exec {}",
        flag.display(),
        scene.command(&["--die-slowly", "1500"]).join(" ")
    );
    scene.looking().shell(line).ensure().unwrap();
    std::fs::write(&flag, "").unwrap();
    let languages = Language::all();
    let client = |at: usize| scene.client(&[]).language(&languages[at % languages.len()]).restarting();
    let outcomes = at_one_gate(&scene, (0..10).map(client).collect());
    for outcome in &outcomes {
        assert_eq!(outcome.code(), "ERR_SPAWNLOCK_EXITED", "{outcome:#?}");
        assert!(outcome.text("message").contains("code 7") && outcome.text("message").contains("no luck"), "{outcome:#?}");
        assert_eq!(outcome.text("message").lines().next(), outcomes[0].text("message").lines().next(), "one reason for all");
    }
    assert_eq!(scene.record()["generation"], 2, "one start for all of them");
    assert_eq!(scene.status().state, State::Stopped);
    // A failed start is restarted like a stopped one.
    assert_eq!(scene.restart().unwrap_err().code(), ErrorCode::Exited);
    std::fs::remove_file(&flag).unwrap();
    assert_eq!(scene.restart().unwrap().generation(), Some(4));
}

#[test]
fn a_restart_takes_no_longer_than_it_may_and_the_next_one_goes_on() {
    let scene = Scene::new();
    let note = scene.path("term");
    scene.spec(&noting_term(note.to_str().unwrap(), &["--die-slowly", "2500"])).ensure().unwrap();
    thread::scope(|scope| {
        let impatient = scope.spawn(|| restart(&scene, RestartOptions::new().timeout(Duration::from_millis(500))));
        wait_until("the server was told to stop", SOON, || note.exists());
        let patient = scope.spawn(|| scene.restart());
        let error = impatient.join().unwrap().unwrap_err();
        assert_eq!(error.code(), ErrorCode::Timeout, "{error}");
        assert!(error.to_string().contains("told to stop"), "{error}");
        assert_eq!(patient.join().unwrap().unwrap().generation(), Some(2));
    });
    assert_eq!(scene.living().len(), 1);
}

#[test]
fn a_restart_can_be_cancelled_and_names_the_one_it_waits_for() {
    let scene = Scene::new();
    let note = scene.path("term");
    scene.spec(&noting_term(note.to_str().unwrap(), &["--die-slowly", "3000"])).ensure().unwrap();
    let holder = scene.client(&[]).restarting().start();
    wait_until("the server was told to stop", SOON, || note.exists());
    let (events, cancel) = (Events::default(), Cancel::new());
    let options = RestartOptions::new().cancel(cancel.clone()).on_event(events.listener());
    thread::scope(|scope| {
        let call = scope.spawn(|| restart(&scene, options));
        wait_until("the waiter said on whom it waits", SOON, || !events.messages(EventKind::Waiting).is_empty());
        cancel.cancel();
        assert_eq!(call.join().unwrap().unwrap_err().code(), ErrorCode::Cancelled);
    });
    assert!(events.messages(EventKind::Waiting)[0].contains(&format!("pid {}", holder.pid())));
    let new = holder.finish(SOON).pid();
    assert_eq!(scene.living(), [new], "the other was not disturbed");
}

#[test]
fn waiters_go_on_when_the_restarter_is_killed_between_stop_and_start() {
    let scene = Scene::new();
    let (note, gate) = (scene.path("term"), scene.path("gate"));
    let old = scene.spec(&noting_term(note.to_str().unwrap(), &["--die-slowly", "1200"])).ensure().unwrap();
    let waiters: Vec<Running> = (0..6).map(|_| scene.client(&[]).restarting().gate(gate.clone()).start()).collect();
    wait_until("all waiters are at the gate", LONG, || gate::waiting_at(&gate) == 6);
    let restarter = scene.client(&[]).restarting().start();
    wait_until("the server was told to stop", SOON, || note.exists());
    gate::open(&gate).unwrap();
    let holder = thread::spawn(move || old.restart());
    kill_and_wait(restarter.pid());
    let new = holder.join().unwrap().unwrap();
    assert_eq!(new.generation(), Some(2));
    for waiter in waiters {
        assert_eq!(Some(waiter.finish(LONG).pid()), new.pid());
    }
    assert_eq!((scene.starts().len(), scene.living()), (2, vec![new.pid().unwrap()]));
    assert_eq!(restarter.finish(SOON).signal(), Some(9));
}

#[test]
fn a_restarter_that_was_killed_after_the_spawn_leaves_its_server_to_the_waiters() {
    let scene = Scene::new();
    let note = scene.path("term");
    let second = scene.path("second");
    // The second start of the server kills who started it.
    let plain = scene.command(&noting_term(note.to_str().unwrap(), &["--die-slowly", "1500"])).join(" ");
    let killing = scene.command(&["--kill-parent", "--initializing", "500"]).join(" ");
    let line = format!("if test -e '{0}'; then exec {killing}; else touch '{0}'; exec {plain}; fi", second.display());
    scene.looking().shell(line).ensure().unwrap();
    let restarter = scene.client(&[]).restarting().start();
    wait_until("the server was told to stop", SOON, || note.exists());
    let waiters: Vec<Running> = (0..4).map(|_| scene.client(&[]).restarting().start()).collect();
    let killed = restarter.finish(LONG);
    let outcomes: Vec<Outcome> = waiters.into_iter().map(|waiter| waiter.finish(LONG)).collect();
    assert_eq!(killed.signal(), Some(9), "{killed:#?}");
    assert!(outcomes.iter().all(|outcome| outcome.line()["generation"] == 2), "{outcomes:#?}");
    assert_eq!((scene.starts().len(), scene.living().len()), (2, 1));
}

#[test]
fn the_lock_that_a_server_was_declared_with_is_held_through_its_restart() {
    let scene = Scene::new();
    let (note, neighbours) = (scene.path("term"), scene.path("neighbours.lock"));
    let flags = noting_term(note.to_str().unwrap(), &["--die-slowly", "800"]);
    scene.spec(&flags).lock_file(&neighbours).ensure().unwrap();
    assert!(!neighbours.exists(), "the start let it go");
    for generation in 2..=3 {
        let restarter = scene.client(&[]).restarting().start();
        wait_until("the server was told to stop", SOON, || note.exists());
        let held = std::fs::read_to_string(&neighbours).expect("other tools see the restart");
        assert!(held.contains(&format!("\"pid\":{}", restarter.pid())), "{held}");
        assert_eq!(restarter.finish(SOON).line()["generation"], generation);
        assert!(!neighbours.exists());
        std::fs::remove_file(&note).unwrap();
    }
}

#[test]
fn break_after_goes_on_without_a_frozen_restarter_and_says_on_whom_it_waited() {
    let scene = Scene::new();
    let note = scene.path("term");
    scene.spec(&noting_term(note.to_str().unwrap(), &["--ignore-term"])).ensure().unwrap();
    let frozen = scene.client(&[]).restarting().flag(&["--stop-timeout-ms", "60000", "--timeout-ms", "120000"]).start();
    wait_until("the server was told to stop", SOON, || note.exists());
    signal(frozen.pid(), Signal::STOP);
    let events = Events::default();
    let hurried = || RestartOptions::new().timeout(Duration::from_millis(500));
    assert_eq!(restart(&scene, hurried()).unwrap_err().code(), ErrorCode::LockTimeout, "a frozen holder keeps its lock");
    let options = RestartOptions::new().break_after(Duration::from_millis(300)).stop_timeout(Duration::from_millis(300));
    let server = restart(&scene, options.on_event(events.listener())).unwrap();
    assert_eq!((server.origin(), server.generation()), (Origin::Started, Some(2)));
    let warning = events.messages(EventKind::Warning).join("\n");
    assert!(warning.contains("break after") && warning.contains(&format!("pid {}", frozen.pid())), "{warning}");
    assert_eq!(scene.living(), [server.pid().unwrap()]);
    // When it thaws it finds the successor, and leaves it alone.
    signal(frozen.pid(), Signal::CONT);
    let outcome = frozen.finish(LONG);
    assert_eq!((outcome.pid(), outcome.line()["generation"].clone()), (server.pid().unwrap(), json!(2)), "{outcome:#?}");
    assert_eq!((scene.starts().len(), scene.living()), (2, vec![server.pid().unwrap()]));
    assert_eq!(scene.status().state, State::Running);
}
