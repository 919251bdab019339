//! Sockets that the starter binds and the server is passed.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use spawnlock::{ErrorCode, Origin, Port, Scope, ServerSpec, State};
use spawnlock_tests::{Scene, wait_until};

const SOON: Duration = Duration::from_secs(15);

/// The scene's server, which serves what it is passed; its address is listened on for it.
fn passed(scene: &Scene, flags: &[&str]) -> ServerSpec {
    let address = format!("tcp:127.0.0.1:{}", scene.port());
    scene.looking().command(scene.fixture(&[&["--passed"], flags].concat())).listen(address)
}

fn ask(mut stream: impl Read + Write) -> String {
    stream.write_all(b"GET /pid HTTP/1.1\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").expect("an answer").1.to_owned()
}

#[test]
fn a_client_that_connects_before_the_server_accepts_gets_its_answer() {
    let scene = Scene::new();
    let starter = std::thread::spawn({
        let spec = passed(&scene, &["--delay", "1000"]);
        move || spec.ensure().unwrap()
    });
    wait_until("the address is listened on", SOON, || TcpStream::connect(("127.0.0.1", scene.port())).is_ok());
    wait_until("the server is starting", SOON, || scene.status().state == State::Starting);
    let answer = ask(TcpStream::connect(("127.0.0.1", scene.port())).unwrap());
    let server = starter.join().unwrap();
    assert_eq!(Some(answer), server.pid().map(|pid| pid.to_string()));
}

#[test]
fn from_the_first_connection_on_none_is_refused() {
    let scene = Scene::new();
    let starter = std::thread::spawn({
        let spec = passed(&scene, &["--delay", "500"]);
        move || spec.ensure().unwrap()
    });
    wait_until("the address is listened on", SOON, || TcpStream::connect(("127.0.0.1", scene.port())).is_ok());
    while !starter.is_finished() {
        let connected = TcpStream::connect(("127.0.0.1", scene.port()));
        assert!(connected.is_ok(), "{connected:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
    starter.join().unwrap();
}

#[test]
fn a_server_that_begins_to_accept_is_ready_at_once_however_often_a_question_ran_out_of_time() {
    let scene = Scene::new();
    let note = scene.path("accept");
    let flags = ["--delay", "1500", "--note-accept", note.to_str().unwrap()];
    let server = passed(&scene, &flags).probe_timeout(Duration::from_millis(100)).ensure().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64() * 1000.0;
    let accepted: f64 = fs::read_to_string(&note).unwrap().trim().parse().unwrap();
    assert_eq!(server.origin(), Origin::Started);
    // It is about a millisecond; what must not be is that a pause or a question that is given up lies between.
    assert!(now - accepted < 60.0, "noticed {} ms after the first accept", now - accepted);
}

#[test]
fn the_server_gets_exactly_its_sockets_from_three_on_and_their_names_and_its_own_pid() {
    let scene = Scene::new();
    let socket = scene.path("extra.sock");
    let spec = passed(&scene, &[]).listen(format!("admin=unix:{}", socket.display()));
    let server = spec.ensure().unwrap();
    let (fds, env) = (scene.page("/fds"), scene.page("/env"));
    let pid = server.pid().unwrap().to_string();
    assert_eq!((env["LISTEN_FDS"].as_str(), env["LISTEN_FDNAMES"].as_str()), (Some("2"), Some("tcp:admin")));
    assert_eq!(env["LISTEN_PID"].as_str(), Some(pid.as_str()), "without a zero before it");
    for number in ["3", "4"] {
        assert!(fds[number].as_str().is_some_and(|link| link.starts_with("socket:")), "{fds}");
    }
    let alive = scene.place().join("alive.lock");
    for (number, link) in fds.as_object().unwrap() {
        let link = link.as_str().unwrap();
        let known = link.starts_with("socket:") || link.starts_with("/proc/") || std::path::Path::new(link) == alive;
        assert!(known || number.parse::<u32>().unwrap() < 3, "descriptor {number} is the caller's: {fds}");
    }
    assert_eq!(ask(UnixStream::connect(&socket).unwrap()), pid);
}

#[test]
fn a_caller_with_few_descriptors_passes_them_all_the_same() {
    let scene = Scene::new();
    let address = format!("tcp:{}", scene.port());
    let command = scene.fixture(&["--passed"]);
    let client = scene
        .client(&[])
        .server(command)
        .flag(&["--listen", &address])
        .after_shell("ulimit -n 64; exec 3</dev/null 4</dev/zero 5</dev/null");
    assert!(client.run().is_ok());
    let fds = scene.page("/fds");
    assert!(fds["3"].as_str().is_some_and(|link| link.starts_with("socket:")), "{fds}");
    assert!(!fds.to_string().contains("/dev/zero"), "{fds}");
}

#[test]
fn an_address_that_a_stranger_has_is_told_with_its_owner() {
    let scene = Scene::new();
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let spec = scene.spec(&[]).listen(format!("tcp:{port}"));
    let error = spec.ensure().unwrap_err();
    assert_eq!(error.code(), ErrorCode::PortInUse, "{error}");
    assert!(error.to_string().contains(&format!("port {port} belongs to pid {}", std::process::id())), "{error}");
    assert!(scene.starts().is_empty());
}

#[test]
fn a_socket_that_a_dead_server_of_ours_left_is_replaced() {
    let scene = Scene::new();
    let socket = scene.path("it.sock");
    let ready = format!("http+unix:{}:/health", socket.display());
    let get = || {
        let spec = ServerSpec::new(scene.name()).state_dir(scene.state_dir()).ready(ready.as_str());
        spec.command(scene.fixture(&["--passed"])).listen(format!("unix:{}", socket.display())).ensure().unwrap()
    };
    let first = get();
    scene.crash(first.pid().unwrap());
    assert!(socket.exists());
    let second = get();
    assert_eq!((second.origin(), second.generation()), (Origin::Started, Some(2)));
}

#[test]
fn a_socket_that_is_not_ours_is_never_removed_even_when_it_refuses() {
    let scene = Scene::new();
    let socket = scene.path("theirs.sock");
    drop(UnixListener::bind(&socket).unwrap());
    let ready = format!("http+unix:{}:/health", socket.display());
    let spec = ServerSpec::new(scene.name()).state_dir(scene.state_dir()).ready(ready);
    let error = spec.command(scene.fixture(&["--passed"])).listen(format!("unix:{}", socket.display())).ensure().unwrap_err();
    assert_eq!(error.code(), ErrorCode::PortInUse, "{error}");
    assert!(socket.exists() && scene.starts().is_empty());
}

#[test]
fn a_start_that_comes_to_nothing_leaves_no_socket_behind() {
    let scene = Scene::new();
    let socket = scene.path("it.sock");
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let spec = passed(&scene, &[]).listen(format!("unix:{}", socket.display()));
    let error = spec.listen(format!("tcp:{}", taken.local_addr().unwrap().port())).ensure().unwrap_err();
    assert_eq!(error.code(), ErrorCode::PortInUse, "{error}");
    assert!(!socket.exists() && scene.port_is_free());
}

#[test]
fn a_mere_connection_to_a_listened_address_is_no_check() {
    let scene = Scene::new();
    let spec = ServerSpec::new(scene.name()).state_dir(scene.state_dir()).command(scene.fixture(&["--passed"]));
    let error = spec.ready(format!("tcp:localhost:{}", scene.port())).listen(format!("tcp:{}", scene.port())).ensure().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Config, "{error}");
    assert!(error.to_string().contains("accepted before the server is up"), "{error}");
}

#[test]
fn a_port_that_is_chosen_can_be_listened_on_and_stays() {
    let scene = Scene::new();
    let get = || {
        let spec = ServerSpec::new(scene.name()).state_dir(scene.state_dir()).scope(Scope::User).port(Port::Auto);
        spec.command(scene.fixture(&["--passed"])).listen("tcp:auto").ensure().unwrap()
    };
    let first = get();
    scene.crash(first.pid().unwrap());
    let second = get();
    assert_eq!((second.port(), second.generation()), (first.port(), Some(2)));
    assert_eq!(scene.restart().unwrap().port(), first.port());
}

#[test]
fn a_server_that_dies_before_it_accepts_gives_its_address_back() {
    let scene = Scene::new();
    let error = passed(&scene, &["--exit-after", "10", "--delay", "5000", "--exit-code", "7"]).ensure().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Exited, "{error}");
    assert!(scene.port_is_free());
}
