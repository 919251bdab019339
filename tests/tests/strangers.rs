//! Strangers on the endpoint, and one server that goes by two addresses.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Child;
use std::time::Duration;

use serde_json::json;
use spawnlock::{ErrorCode, Origin};
use spawnlock_tests::{Running, Scene, gate, process_alive, wait_until};

const SOON: Duration = Duration::from_secs(15);

/// A fixture server on the scene's port that the library knows nothing of.
fn end(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_healthy_server_that_somebody_else_started_is_foreign() {
    let scene = Scene::new();
    let child = scene.stranger(&scene.command(&[]));
    let server = scene.spec(&[]).ensure().unwrap();
    assert_eq!((server.origin(), server.pid(), server.generation()), (Origin::Foreign, None, None));
    assert_eq!(scene.starts(), [child.id()]);
    end(child);
}

#[test]
fn a_foreign_server_is_never_stopped() {
    let scene = Scene::new();
    let child = scene.stranger(&scene.command(&[]));
    let server = scene.spec(&[]).ensure().unwrap();
    assert!(matches!(server.stop().unwrap_err().code(), ErrorCode::NotRunning | ErrorCode::Stop));
    assert!(matches!(scene.stop().unwrap_err().code(), ErrorCode::NotRunning | ErrorCode::Stop));
    assert!(process_alive(child.id()));
    end(child);
}

#[test]
fn a_stranger_on_the_port_without_our_identity_is_an_error() {
    let scene = Scene::new();
    let child = scene.stranger(&scene.command(&["--identity", "app=somebody-else"]));
    let error = scene.spec(&["--identity", "app=ours"]).identity(json!({"app": "ours"})).ensure().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Foreign, "{error}");
    let text = error.to_string();
    assert!(text.contains("somebody-else") && text.contains(&format!("pid {}", child.id())), "{text}");
    assert_eq!(scene.starts(), [child.id()], "nothing was started");
    end(child);
}

#[test]
fn our_identity_is_known_again() {
    let scene = Scene::new();
    let ask = || scene.spec(&["--identity", "app=ours"]).identity(json!({"app": "ours"})).ensure().unwrap();
    let first = ask();
    let second = ask();
    assert_eq!((first.origin(), second.origin(), first.pid()), (Origin::Started, Origin::Reused, second.pid()));
}

#[test]
fn a_server_of_ours_without_the_identity_asked_for_is_an_error() {
    let scene = Scene::new();
    let error = scene.spec(&[]).identity(json!({"app": "ours"})).timeout(Duration::from_secs(2)).ensure().unwrap_err();
    assert!(matches!(error.code(), ErrorCode::Timeout | ErrorCode::Foreign | ErrorCode::Unhealthy), "{error}");
    assert!(error.to_string().contains("app is missing"), "{error}");
}

#[test]
fn an_unhealthy_stranger_is_an_error_and_starts_nothing() {
    let scene = Scene::new();
    let child = scene.stranger(&scene.command(&["--status", "500"]));
    let error = scene.spec(&[]).timeout(Duration::from_secs(2)).ensure().unwrap_err();
    assert!(matches!(error.code(), ErrorCode::Foreign | ErrorCode::Unhealthy), "{error}");
    assert!(error.to_string().contains("HTTP 500"), "{error}");
    assert_eq!(scene.starts(), [child.id()]);
    end(child);
}

#[test]
fn a_stranger_that_is_still_coming_up_is_waited_for() {
    let scene = Scene::new();
    let child = scene.stranger(&scene.command(&["--initializing", "800"]));
    let server = scene.spec(&[]).ensure().unwrap();
    assert_eq!(server.origin(), Origin::Foreign);
    assert_eq!(scene.starts(), [child.id()]);
    end(child);
}

#[test]
fn a_home_and_a_symlink_to_it_are_one() {
    let scene = Scene::new();
    let (real, link) = (scene.path("home"), scene.path("link"));
    fs::create_dir(&real).unwrap();
    symlink(&real, &link).unwrap();
    let gate = scene.path("gate");
    let clients: Vec<Running> = (0..10)
        .map(|at| if at % 2 == 0 { &real } else { &link })
        .map(|home| {
            scene
                .client(&["--initializing", "100"])
                .bare_env()
                .env("HOME", home.display().to_string())
                .state_dir(None)
                .gate(gate.clone())
                .start()
        })
        .collect();
    wait_until("all clients wait at the gate", SOON, || gate::waiting_at(&gate) == 10);
    gate::open(&gate).unwrap();
    let pids: Vec<u32> = clients.into_iter().map(|client| client.finish(SOON).pid()).collect();
    assert!(pids.iter().all(|pid| scene.starts() == [*pid]), "{pids:?}");
}

#[test]
fn a_server_of_another_state_directory_is_foreign() {
    let scene = Scene::new();
    let first = scene.spec(&[]).ensure().unwrap();
    let second = scene.spec(&[]).state_dir(scene.path("another")).ensure().unwrap();
    assert_eq!((first.origin(), second.origin()), (Origin::Started, Origin::Foreign));
    assert_eq!(scene.starts().len(), 1);
    assert!(second.stop().is_err());
    assert_eq!(scene.living().len(), 1);
}

#[test]
fn two_state_directories_and_one_port_end_with_one_server_and_a_loud_word() {
    let scene = Scene::new();
    let gate = scene.path("gate");
    let client = |dir: &str| scene.client(&["--delay", "200"]).state_dir(Some(scene.path(dir))).gate(gate.clone()).start();
    let clients = [client("one"), client("two")];
    wait_until("both clients wait at the gate", SOON, || gate::waiting_at(&gate) == 2);
    gate::open(&gate).unwrap();
    let outcomes = clients.map(|client| client.finish(SOON * 2));
    wait_until("the loser of the bind is gone", SOON, || scene.living().len() == 1);
    for outcome in outcomes.iter().filter(|outcome| !outcome.is_ok()) {
        assert!(
            ["ERR_SPAWNLOCK_PORT_IN_USE", "ERR_SPAWNLOCK_EXITED", "ERR_SPAWNLOCK_FOREIGN"].contains(&outcome.code().as_str()),
            "{outcome:#?}"
        );
        assert!(outcome.text("message").contains(&format!("port {} belongs to pid {}", scene.port(), scene.living()[0])), "{outcome:#?}");
    }
    assert!(outcomes.iter().any(|outcome| outcome.is_ok()), "{outcomes:#?}");
}

#[test]
fn the_answer_of_a_server_that_was_faster_is_not_taken_for_our_own() {
    let scene = Scene::new();
    let slow = scene.client(&["--delay", "1000"]).start();
    wait_until("our server is being started", SOON, || scene.starts().len() == 1);
    let fast = scene.stranger(&scene.command(&[]));
    let outcome = slow.finish(SOON);
    // It may call the other one foreign or wait for the death of its own; it must not vouch for a server that is about to die.
    wait_until("our server is gone", SOON, || scene.living() == [fast.id()]);
    match outcome.is_ok() {
        true => assert_eq!(outcome.text("origin"), "foreign", "{outcome:#?}"),
        false => assert!(outcome.text("message").contains("EADDRINUSE"), "{outcome:#?}"),
    }
    end(fast);
}

#[test]
fn localhost_finds_a_server_on_either_family() {
    for host in ["127.0.0.1", "::1"] {
        let scene = Scene::new();
        let ready = format!("http://localhost:{}/health", scene.port());
        let ask = || {
            spawnlock::ServerSpec::new(scene.name())
                .state_dir(scene.state_dir())
                .command(scene.command(&["--host", host]))
                .ready(ready.clone())
        };
        let first = ask().ensure().unwrap();
        let second = ask().ensure().unwrap();
        assert_eq!((second.origin(), second.pid()), (Origin::Reused, first.pid()), "{host}");
    }
}

#[test]
fn localhost_and_its_addresses_are_one_endpoint() {
    let scene = Scene::new();
    let first = scene.spec(&["--host", "localhost"]).ensure().unwrap();
    for host in ["localhost", "127.0.0.1", "[::1]"] {
        let spec = spawnlock::ServerSpec::new(scene.name()).state_dir(scene.state_dir()).command(scene.command(&[]));
        let server = spec.ready(format!("http://{host}:{}/health", scene.port())).ensure().unwrap();
        assert_eq!(server.pid(), first.pid(), "{host}");
    }
    assert_eq!(scene.starts().len(), 1);
}

#[test]
fn another_endpoint_under_the_same_name_is_a_conflict_that_shows_both() {
    let scene = Scene::new();
    let other = Scene::new();
    let pid = scene.spec(&[]).ensure().unwrap().pid();
    let spec = spawnlock::ServerSpec::new(scene.name()).state_dir(scene.state_dir()).command(other.command(&[])).ready(other.url());
    let error = spec.clone().ensure().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Conflict, "{error}");
    let text = error.to_string();
    assert!(text.contains(&scene.port().to_string()) && text.contains(&other.port().to_string()), "{text}");
    assert_eq!(error.failure().pid, pid);
    assert_eq!(other.starts().len(), 0);
    scene.stop().unwrap();
    assert_eq!(spec.ensure().unwrap().port(), Some(other.port()), "once it is stopped the name is free");
}

#[test]
fn a_healthy_stranger_on_the_other_endpoint_is_a_conflict_as_well() {
    let scene = Scene::new();
    let other = Scene::new();
    scene.spec(&[]).ensure().unwrap();
    let child = other.stranger(&other.command(&[]));
    let spec = spawnlock::ServerSpec::new(scene.name()).state_dir(scene.state_dir()).command(other.command(&[])).ready(other.url());
    assert_eq!(spec.ensure().unwrap_err().code(), ErrorCode::Conflict);
    end(child);
}
