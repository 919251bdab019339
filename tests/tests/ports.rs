//! Ports that are chosen at the start, and found again.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::net::TcpListener;
use std::time::Duration;

use spawnlock::{ErrorCode, Origin, Port, Scope, ServerSpec};
use spawnlock_tests::{Language, Running, Scene, gate, wait_until};

const HEALTH: &str = "http://127.0.0.1:{port}/health";

/// The scene's server on a port that is chosen for it.
fn auto(scene: &Scene, flags: &[&str]) -> ServerSpec {
    let command = scene.fixture(&[&["--port", "{port}"], flags].concat());
    let spec = ServerSpec::new(scene.name()).state_dir(scene.state_dir()).scope(Scope::User).port(Port::Auto);
    spec.command(command).ready(HEALTH).timeout(Duration::from_secs(20))
}

#[test]
fn twenty_clients_at_a_gate_get_one_server_and_one_port() {
    let scene = Scene::new();
    let gate = scene.path("gate");
    let languages = Language::all();
    let client = |at: usize| {
        let client = scene.client(&[]).language(&languages[at % languages.len()]).gate(gate.clone()).ready(HEALTH);
        client.server(scene.fixture(&["--port", "{port}", "--delay", "100"])).flag(&["--port", "auto", "--scope", "user"]).start()
    };
    let clients: Vec<Running> = (0..20).map(client).collect();
    wait_until("all clients wait at the gate", Duration::from_secs(60), || gate::waiting_at(&gate) == 20);
    gate::open(&gate).unwrap();
    let pids: Vec<u32> = clients.into_iter().map(|client| client.finish(Duration::from_secs(40)).pid()).collect();
    assert_eq!(scene.starts().len(), 1);
    assert!(pids.iter().all(|pid| *pid == scene.starts()[0]), "{pids:?}");
    let late = auto(&scene, &[]).ensure().unwrap();
    assert_eq!((late.origin(), late.pid()), (Origin::Reused, Some(pids[0])));
    assert_eq!(late.port().map(u64::from), scene.record()["port"].as_u64());
    assert_eq!(late.url(), Some(format!("http://127.0.0.1:{}", late.port().unwrap()).as_str()));
}

#[test]
fn the_port_stays_over_a_stop_a_crash_and_a_restart() {
    let scene = Scene::new();
    let first = auto(&scene, &[]).ensure().unwrap();
    scene.stop().unwrap();
    let second = auto(&scene, &[]).ensure().unwrap();
    scene.crash(second.pid().unwrap());
    let third = auto(&scene, &[]).ensure().unwrap();
    let fourth = scene.restart().unwrap();
    assert_eq!([second.port(), third.port(), fourth.port()], [first.port(); 3]);
    assert_eq!(fourth.generation(), Some(4));
}

#[test]
fn a_port_that_a_stranger_took_meanwhile_is_given_up_and_the_stranger_is_not_taken_for_ours() {
    let scene = Scene::new();
    let first = auto(&scene, &[]).ensure().unwrap();
    scene.stop().unwrap();
    let port = first.port().unwrap();
    let command = scene.fixture(&["--port", &port.to_string()]);
    let mut stranger = std::process::Command::new(&command[0]).args(&command[1..]).spawn().unwrap();
    wait_until("the stranger answers", Duration::from_secs(10), || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
    let second = auto(&scene, &[]).ensure().unwrap();
    assert_eq!(second.origin(), Origin::Started);
    assert_ne!(second.port(), Some(port));
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[test]
fn a_restart_moves_to_another_port_when_a_stranger_has_the_old_one() {
    let scene = Scene::new();
    let first = auto(&scene, &[]).ensure().unwrap();
    scene.crash(first.pid().unwrap());
    let _listener = TcpListener::bind(("127.0.0.1", first.port().unwrap())).unwrap();
    let second = scene.restart().unwrap();
    assert_ne!(second.port(), first.port());
    assert_eq!(scene.status().url.as_deref(), second.url());
}

#[test]
fn a_server_that_does_not_share_its_port_gets_it_too() {
    let scene = Scene::new();
    let server = auto(&scene, &["--no-reuse"]).ensure().unwrap();
    assert_eq!((server.origin(), scene.starts().len()), (Origin::Started, 1));
}

#[test]
fn a_server_that_finds_its_old_port_taken_is_started_once_more_on_another_and_nobody_hears_of_a_failure() {
    let scene = Scene::new();
    let first = auto(&scene, &[]).ensure().unwrap();
    let mut held = std::net::TcpStream::connect(("127.0.0.1", first.port().unwrap())).unwrap();
    std::io::Write::write_all(&mut held, b"GET /pid HTTP/1.1\r\n\r\n").unwrap();
    std::io::Read::read_exact(&mut held, &mut [0; 16]).unwrap();
    scene.stop().unwrap();
    // A connection that the first server closed keeps its port from one that does not share it, and from nobody else.
    // So is the next port, which would be tried after it.
    let next = first.port().unwrap() + 1;
    let next_held = closed_by_its_server(next);
    let second = auto(&scene, &["--no-reuse"]).ensure().unwrap();
    assert_eq!((second.origin(), scene.starts().len()), (Origin::Started, 3));
    assert!(second.port() != first.port() && second.port() != Some(next));
    assert!(scene.status().last_failure.is_none());
    drop((held, next_held));
}

/// The client's end of a connection to a port on which nobody listens any more; nothing where another test has the port.
fn closed_by_its_server(port: u16) -> Option<std::net::TcpStream> {
    let listener = TcpListener::bind(("127.0.0.1", port)).ok()?;
    let client = std::net::TcpStream::connect(("127.0.0.1", port)).ok()?;
    drop(listener.accept());
    Some(client)
}

#[test]
fn the_port_and_the_host_stand_in_every_word_and_are_told_to_the_server() {
    let scene = Scene::new();
    let spec = scene.looking().port(scene.port()).host("127.0.0.1").env("MINE", "{host}-{port}").log(scene.path("log-{port}"));
    let command = scene.fixture(&["--port", "{port}", "--host", "{host}", "--identity", "at={port}"]);
    spec.command(command).identity(serde_json::json!({"at": "{port}"})).ensure().unwrap();
    let (env, port) = (scene.page("/env"), scene.port().to_string());
    assert_eq!((env["PORT"].as_str(), env["HOST"].as_str()), (Some(port.as_str()), Some("127.0.0.1")));
    assert_eq!(env["MINE"], format!("127.0.0.1-{port}"));
    assert!(scene.path(&format!("log-{port}")).exists());
}

#[test]
fn a_variable_that_is_declared_overrules_the_port_that_is_told() {
    let scene = Scene::new();
    scene.looking().port(scene.port()).env("PORT", "mine").command(scene.command(&[])).ensure().unwrap();
    assert_eq!(scene.page("/env")["PORT"], "mine");
}

#[test]
fn without_a_check_the_usual_page_at_the_port_is_asked() {
    let scene = Scene::new();
    let server = ServerSpec::unnamed().state_dir(scene.state_dir()).port(scene.port()).command(scene.command(&[])).ensure().unwrap();
    assert_eq!(server.name(), format!("localhost_{}", scene.port()));
    assert_eq!(server.url(), Some(format!("http://localhost:{}", scene.port()).as_str()));
}

#[test]
fn what_cannot_be_is_told_before_anything_is_started() {
    let scene = Scene::new();
    let refused = |spec: ServerSpec, words: &str| {
        let error = spec.ensure().unwrap_err();
        assert_eq!(error.code(), ErrorCode::Config, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    };
    refused(ServerSpec::unnamed().state_dir(scene.state_dir()).port(Port::Auto).command(["true"]), "`name`");
    refused(scene.spec(&[]).host("::1"), "`host` needs `port`");
    refused(scene.spec(&[]).port(0), "`port` is 0");
    refused(auto(&scene, &[]).ready("tcp:nowhere"), "`ready` is `tcp:nowhere`");
    refused(scene.spec(&[]).listen("tcp:auto"), "`listen`");
    refused(scene.spec(&[]).listen("ftp:21"), "`listen` is `ftp:21`");
    refused(scene.spec(&[]).listen("tcp:example.org:80"), "IP address");
    refused(scene.spec(&[]).listen("unix:relative"), "absolute");
    refused(scene.spec(&[]).listen("a:b=tcp:80"), "`listen`");
    assert!(scene.starts().is_empty());
}

#[test]
fn a_call_that_only_looks_finds_the_port_and_starts_nothing() {
    let scene = Scene::new();
    let look = || {
        let spec = ServerSpec::new(scene.name()).state_dir(scene.state_dir()).scope(Scope::User).port(Port::Auto).ready(HEALTH);
        spec.timeout(Duration::from_secs(5)).ensure()
    };
    assert_eq!(look().unwrap_err().code(), ErrorCode::NotRunning);
    let server = auto(&scene, &[]).ensure().unwrap();
    assert_eq!(look().unwrap().port(), server.port());
}
