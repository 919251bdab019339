//! A server that another version takes the place of, while somebody comes to use it.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::thread;
use std::time::Duration;

use spawnlock::{EventKind, Origin, ServerSpec, State};
use spawnlock_tests::process::kill_and_wait;
use spawnlock_tests::{Events, Pause, Scene, wait_until};

const LONG: Duration = Duration::from_secs(20);

fn versioned(scene: &Scene, version: &str, flags: &[&str]) -> ServerSpec {
    scene.spec(flags).version(version)
}

#[test]
fn a_user_who_comes_while_the_replacement_is_decided_keeps_its_server() {
    let scene = Scene::new();
    let old = versioned(&scene, "1", &[]).ensure().unwrap();
    // Nobody uses it, so that it is to go; nobody has been told so.
    let (pause, decided) = Pause::at(|event| event.kind == EventKind::Stopping);
    let (events, tell) = (Events::default(), Events::default());
    let listeners = (events.listener(), decided);
    let newer = versioned(&scene, "2", &[]).on_event(move |event| {
        listeners.0(event);
        listeners.1(event);
    });
    let replacement = thread::spawn(move || newer.ensure().unwrap());
    pause.reached();
    let user = scene.client(&[]).flag(&["--scoped", "--hold"]).start();
    wait_until("the user has its server", LONG, || !user.said("out").is_empty());
    pause.go_on();
    let server = replacement.join().unwrap();
    assert_eq!((server.origin(), server.pid()), (Origin::Reused, old.pid()), "{events:?}");
    let warnings = events.messages(EventKind::Warning);
    assert!(warnings.iter().any(|text| text.contains("got other users just now")), "{warnings:?}");
    assert_eq!((scene.status().state, scene.living()), (State::Running, vec![old.pid().unwrap()]));
    kill_and_wait(user.pid());
    assert!(user.finish(LONG).stdout.contains(&format!("\"pid\":{}", old.pid().unwrap())));
    // Now it is nobody's any more.
    let newer = tell.of(versioned(&scene, "2", &[])).ensure().unwrap();
    assert_eq!((newer.origin(), newer.generation()), (Origin::Started, Some(2)), "{tell:?}");
}

#[test]
fn a_user_who_comes_once_it_is_being_replaced_gets_the_next_server() {
    let scene = Scene::new();
    let term = scene.path("term");
    let old = versioned(&scene, "1", &["--ignore-term", "--note-term", term.to_str().unwrap()]).ensure().unwrap().pid().unwrap();
    let newer = versioned(&scene, "2", &[]).stop_timeout(LONG);
    let replacement = thread::spawn(move || newer.ensure().unwrap());
    wait_until("the old server was told to stop", LONG, || term.exists());
    assert_eq!(scene.page("/pid"), old, "it answers still");
    let mut user = scene.client(&[]).flag(&["--scoped", "--hold", "--events"]).start();
    wait_until("the user waits, or has a server", LONG, || user.said("err").contains("waiting") || !user.said("out").is_empty());
    assert!(!user.has_ended() && user.said("out").is_empty(), "it was given a server that is about to go: {}", user.said("out"));
    kill_and_wait(old);
    let server = replacement.join().unwrap();
    assert_eq!((server.origin(), server.generation()), (Origin::Started, Some(2)));
    wait_until("the user has its server", LONG, || !user.said("out").is_empty());
    kill_and_wait(user.pid());
    let given = user.finish(LONG).stdout;
    assert!(given.contains(&format!("\"pid\":{}", server.pid().unwrap())), "{given}");
    assert_eq!((scene.starts().len(), scene.living()), (2, vec![server.pid().unwrap()]));
}
