//! Servers that say themselves that they are ready, as under systemd.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use spawnlock::{ErrorCode, EventKind, Kick, Origin, ServerSpec, Verdict};
use spawnlock_tests::process::kill_and_wait;
use spawnlock_tests::{Events, Scene, wait_until};

const SOON: Duration = Duration::from_secs(10);

fn spec(scene: &Scene, flags: &[&str]) -> ServerSpec {
    ServerSpec::new(scene.name()).state_dir(scene.state_dir()).timeout(SOON * 2).command(scene.command(flags)).ready("notify")
}

fn notified(scene: &Scene) -> Value {
    serde_json::from_slice(&fs::read(scene.place().join("notify.json")).unwrap()).unwrap()
}

fn sockets(scene: &Scene) -> Vec<PathBuf> {
    let entries = fs::read_dir(scene.place()).unwrap().flatten().map(|entry| entry.path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "sock")).collect()
}

#[test]
fn a_server_that_says_ready_is_ready_and_what_it_said_can_be_read() {
    let scene = Scene::new();
    let events = Events::default();
    let flags = ["--delay", "200", "--notify", "STATUS=loading models", "--notify", "READY=1;PORT=4321;STATUS=at your service"];
    let server = events.of(spec(&scene, &flags)).ensure().unwrap();
    assert_eq!((server.origin(), server.port(), server.url()), (Origin::Started, Some(4321), Some("tcp://localhost:4321")));
    assert!(server.ready_ms().unwrap() >= 200);
    let said = json!({ "format": 1, "generation": 1, "ready": true, "status": "at your service", "port": 4321, "stopping": false });
    assert_eq!(notified(&scene), said);
    assert!(events.messages(EventKind::Status).iter().any(|text| text == "at your service"), "{:?}", events.messages(EventKind::Status));
    assert_eq!(sockets(&scene).len(), 1, "the minder goes on hearing it");
    let again = spec(&scene, &flags).ensure().unwrap();
    assert_eq!((again.origin(), again.pid()), (Origin::Reused, server.pid()));
    assert_eq!(scene.status().health, Some(Verdict::Ready));
}

#[test]
fn one_that_never_says_so_runs_out_of_time_and_the_error_has_its_last_status() {
    let scene = Scene::new();
    let call = spec(&scene, &["--notify", "STATUS=step 3 of 7: indexing"]).timeout(Duration::from_secs(1));
    let error = call.ensure().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Timeout);
    assert_eq!(error.failure().status.as_deref(), Some("step 3 of 7: indexing"));
    assert!(error.to_string().contains("\n  status   step 3 of 7: indexing\n"), "{error}");
    assert!(error.to_string().contains("notify: it has not said READY=1"), "{error}");
    wait_until("the socket went with the minder", SOON, || sockets(&scene).is_empty());
    scene.assert_nobody_is_left();
}

#[test]
fn what_an_earlier_start_said_is_nobodys_word() {
    let scene = Scene::new();
    let first = spec(&scene, &["--notify", "READY=1"]).ensure().unwrap();
    scene.crash(first.pid().unwrap());
    assert_eq!(notified(&scene)["ready"], true);
    let second = spec(&scene, &["--delay", "300", "--notify", "READY=1"]).ensure().unwrap();
    assert_eq!((second.origin(), second.generation()), (Origin::Started, Some(2)));
    assert!(second.ready_ms().unwrap() >= 300, "{second:?}");
}

#[test]
fn who_waits_with_the_starter_gets_the_same_server() {
    let scene = Scene::new();
    let flags = ["--delay", "500", "--notify", "READY=1"];
    let calls: Vec<_> = (0..5).map(|_| spec(&scene, &flags)).map(|call| thread::spawn(move || call.ensure().unwrap())).collect();
    let servers: Vec<_> = calls.into_iter().map(|call| call.join().unwrap()).collect();
    assert_eq!(scene.starts().len(), 1);
    assert!(servers.iter().all(|server| server.pid() == Some(scene.starts()[0])));
}

#[test]
fn who_waits_with_the_starter_hears_what_the_server_says_meanwhile() {
    let scene = Scene::new();
    let flags = ["--notify", "STATUS=step 1"];
    let starter = spec(&scene, &flags);
    let starter = thread::spawn(move || starter.ensure().unwrap());
    wait_until("the server has spoken", SOON, || !scene.starts().is_empty() && notified(&scene)["status"] == "step 1");
    let events = Events::default();
    let joiner = events.of(spec(&scene, &flags));
    let joiner = thread::spawn(move || joiner.ensure().unwrap());
    let heard = |text: &str| events.messages(EventKind::Status).iter().any(|message| message == text);
    wait_until("what was said before it came is told", SOON, || heard("step 1"));
    let server = UnixDatagram::unbound().unwrap();
    let say = |text: &str| server.send_to(text.as_bytes(), &sockets(&scene)[0]).unwrap();
    say("STATUS=step 2");
    wait_until("what is said now is told", SOON, || heard("step 2"));
    say("READY=1");
    let (started, joined) = (starter.join().unwrap(), joiner.join().unwrap());
    assert_eq!((joined.origin(), joined.pid()), (Origin::Joined, started.pid()));
    assert_eq!(events.messages(EventKind::Status), ["step 1", "step 2"], "each once");
}

#[test]
fn what_a_start_said_of_which_nothing_lives_is_told_to_nobody() {
    let scene = Scene::new();
    let client = scene.client(&["--notify", "STATUS=old"]).ready("notify").start();
    wait_until("the server has spoken", SOON, || !scene.starts().is_empty() && notified(&scene)["status"] == "old");
    scene.minders().into_iter().for_each(kill_and_wait);
    kill_and_wait(client.pid());
    let _ = client.finish(SOON);
    scene.crash(scene.starts()[0]);
    let events = Events::default();
    let server = events.of(spec(&scene, &["--notify", "READY=1"])).ensure().unwrap();
    assert_eq!((server.origin(), events.messages(EventKind::Status)), (Origin::Started, Vec::new()));
}

#[test]
fn a_kicked_server_is_heard_by_its_minder() {
    let scene = Scene::new();
    let flags = ["--delay", "1500", "--notify", "STATUS=up;READY=1"];
    assert!(matches!(spec(&scene, &flags).kick().unwrap(), Kick::Started { .. }));
    let server = spec(&scene, &flags).ensure().unwrap();
    assert_eq!((server.origin(), server.pid()), (Origin::Joined, Some(scene.starts()[0])));
    assert_eq!(notified(&scene)["status"], "up");
    assert_eq!(scene.starts().len(), 1);
}

#[test]
fn what_a_server_says_after_its_starter_was_killed_is_heard_by_its_minder() {
    let scene = Scene::new();
    let flags = ["--delay", "700", "--notify", "READY=1"];
    let client = scene.client(&flags).ready("notify").start();
    wait_until("it is started", SOON, || scene.starts().len() == 1);
    kill_and_wait(client.pid());
    let _ = client.finish(SOON);
    // Nobody but the minder is there when it says so.
    wait_until("it has said so", SOON, || notified(&scene)["ready"] == true);
    let server = spec(&scene, &flags).ensure().unwrap();
    assert_eq!((server.origin(), server.pid()), (Origin::Joined, Some(scene.starts()[0])));
    scene.stop().unwrap();
    wait_until("the socket went with the minder", SOON, || sockets(&scene).is_empty());
}

#[test]
fn a_killed_minder_is_followed_by_the_starter() {
    let scene = Scene::new();
    let flags = ["--kill-parent", "--delay", "500", "--notify", "READY=1"];
    // Killed before its first word, it leaves a server that is found again.
    let server = spec(&scene, &flags).ensure().unwrap();
    assert!(matches!(server.origin(), Origin::Started | Origin::Joined), "{:?}", server.origin());
    assert_eq!(scene.starts(), [server.pid().unwrap()]);
}

#[test]
fn a_place_with_a_long_path_is_no_hindrance() {
    let scene = Scene::new();
    let state_dir = scene.path(&"long".repeat(30));
    let call = || {
        let command = scene.command(&["--notify", "READY=1"]);
        ServerSpec::new(scene.name()).state_dir(&state_dir).timeout(SOON).command(command).ready("notify")
    };
    let server = call().ensure().unwrap();
    assert_eq!(call().ensure().unwrap().pid(), server.pid());
}

#[test]
fn notify_socket_is_told_only_where_it_is_asked_for() {
    let scene = Scene::new();
    scene.spec(&["--notify", "READY=1"]).env("NOTIFY_SOCKET", "").ensure().unwrap();
    assert!(scene.page("/env")["NOTIFY_SOCKET"].as_str().is_none_or(str::is_empty));
    scene.stop().unwrap();
    scene.spec(&["--notify", "READY=1"]).ready("notify").ensure().unwrap();
    let socket = scene.page("/env")["NOTIFY_SOCKET"].as_str().unwrap().to_owned();
    assert!(socket.ends_with("/notify-2.sock"), "{socket}");
}

#[test]
fn a_flood_of_words_and_nonsense_hinders_nobody() {
    let scene = Scene::new();
    let call = spec(&scene, &["--delay", "100000"]);
    let waiting = thread::spawn(move || call.ensure());
    let socket = scene.place().join("notify-1.sock");
    wait_until("the desk is open", SOON, || socket.exists());
    let say = UnixDatagram::unbound().unwrap();
    for round in 0..2000 {
        let _ = say.send_to(format!("STATUS=round {round}\nPORT=none\n\u{0}junk").as_bytes(), &socket);
    }
    say.send_to(&[0xff; 9000], &socket).unwrap();
    say.send_to(b"READY=1", &socket).unwrap();
    let server = waiting.join().unwrap().unwrap();
    assert_eq!(notified(&scene)["status"], "round 1999");
    assert_eq!(server.port(), None);
}
