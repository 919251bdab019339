//! Servers that live and do not answer, and endpoints that cannot be asked.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use spawnlock::{ErrorCode, Origin, State, Verdict};
use spawnlock_tests::process::{kill_and_wait, signal};
use spawnlock_tests::{Scene, process_alive, set_mode, wait_until};

const SOON: Duration = Duration::from_secs(10);
/// The user `nobody`, who exists everywhere.
const NOBODY: u32 = 65534;

fn am_root() -> bool {
    let root = rustix::process::getuid().is_root();
    if !root {
        eprintln!("skipped: only root may be somebody else");
    }
    root
}

/// A fixture server that the library knows nothing of.
#[test]
fn a_stopped_server_is_unresponsive_and_never_replaced() {
    let scene = Scene::new();
    let pid = scene.spec(&[]).ensure().unwrap().pid().unwrap();
    signal(pid, Signal::STOP);
    let start = Instant::now();
    let error = scene.spec(&[]).probe_timeout(Duration::from_millis(300)).timeout(Duration::from_secs(4)).ensure().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unresponsive, "{error}");
    assert_eq!(error.failure().pid, Some(pid));
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(scene.status().state, State::Running);
    assert_eq!(scene.status().health, Some(Verdict::Busy));
    signal(pid, Signal::CONT);
    let server = scene.spec(&[]).ensure().unwrap();
    assert_eq!((server.origin(), server.pid()), (Origin::Reused, Some(pid)));
    assert_eq!(scene.starts(), [pid]);
}

#[test]
fn a_server_that_is_stopped_for_a_moment_is_waited_for() {
    let scene = Scene::new();
    let pid = scene.spec(&[]).ensure().unwrap().pid().unwrap();
    signal(pid, Signal::STOP);
    let client = scene.client(&[]).start();
    std::thread::sleep(Duration::from_millis(700));
    signal(pid, Signal::CONT);
    assert_eq!(client.finish(SOON).pid(), pid);
    assert_eq!(scene.starts(), [pid]);
}

#[test]
fn a_stopped_server_can_be_stopped_for_good() {
    let scene = Scene::new();
    let pid = scene.spec(&[]).ensure().unwrap().pid().unwrap();
    signal(pid, Signal::STOP);
    scene.states().stop(scene.name(), &spawnlock::StopOptions::new().stop_timeout(Duration::from_millis(300))).unwrap();
    assert!(!process_alive(pid));
}

#[test]
fn a_server_that_is_bound_and_does_not_listen_is_neither_replaced_nor_unlinked() {
    let scene = Scene::new();
    let socket = scene.path("s");
    let path = socket.to_str().unwrap();
    let spec = |flags: &[&str]| {
        let ready = format!("http+unix:{path}:/health");
        spawnlock::ServerSpec::new(scene.name())
            .state_dir(scene.state_dir())
            .command(scene.fixture(&[&["--unix", path], flags].concat()))
            .ready(ready)
    };
    let ready = format!("http+unix:{path}:/health");
    let bound_only = scene.fixture(&["--unix", path, "--bound-only", "--ignore-term"]);
    let starter = scene.client(&[]).server(bound_only).ready(ready).start();
    wait_until("the socket is bound", SOON, || socket.exists());
    kill_and_wait(starter.pid());
    starter.finish(SOON);
    let inode = fs::metadata(&socket).unwrap().ino();
    let error = spec(&[]).timeout(Duration::from_secs(1)).stop_timeout(Duration::from_millis(100)).ensure().unwrap_err();
    assert!(matches!(error.code(), ErrorCode::Timeout | ErrorCode::Unresponsive), "{error}");
    assert_eq!(scene.starts().len(), 1, "no second server");
    assert_eq!(fs::metadata(&socket).map(|meta| meta.ino()).ok(), Some(inode), "the socket is still the same");
}

#[test]
fn a_ready_server_whose_socket_refuses_is_not_replaced() {
    let scene = Scene::new();
    let pid = scene.spec(&[]).ensure().unwrap().pid().unwrap();
    // To the caller a port nobody listens on and a server that stopped listening look alike; the alive lock tells.
    scene.edit_record(&[("endpoint", "http://127.0.0.1:9".into())]);
    let spec = spawnlock::ServerSpec::new(scene.name())
        .state_dir(scene.state_dir())
        .command(scene.command(&[]))
        .ready("http://127.0.0.1:9/health");
    let error = spec.timeout(Duration::from_secs(1)).ensure().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unresponsive, "{error}");
    assert_eq!(scene.living(), [pid]);
    assert_eq!(scene.starts().len(), 1);
}

#[test]
fn a_full_accept_queue_is_busy_and_starts_nothing() {
    let scene = Scene::new();
    let socket = scene.path("s");
    let path = socket.to_str().unwrap();
    let mut stranger = scene.stranger(&scene.fixture(&["--unix", path, "--no-accept"]));
    let inode = fs::metadata(&socket).unwrap().ino();
    let outcome = scene
        .client(&[])
        .server(scene.fixture(&["--unix", path]))
        .ready(format!("unix:{path}"))
        .flag(&["--probe-timeout-ms", "400"])
        .timeout(Duration::from_secs(2))
        .run();
    assert_eq!(outcome.code(), "ERR_SPAWNLOCK_UNRESPONSIVE", "{outcome:#?}");
    assert!(outcome.text("message").contains("full"), "{outcome:#?}");
    assert_eq!(scene.starts(), [stranger.id()], "only the stranger ever started");
    assert_eq!(fs::metadata(&socket).unwrap().ino(), inode);
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[test]
fn a_full_accept_queue_of_a_port_is_busy_and_starts_nothing() {
    let scene = Scene::new();
    let mut stranger = scene.stranger(&scene.command(&["--no-accept"]));
    let outcome = scene.client(&[]).flag(&["--probe-timeout-ms", "400"]).timeout(Duration::from_secs(2)).run();
    assert_eq!(outcome.code(), "ERR_SPAWNLOCK_UNRESPONSIVE", "{outcome:#?}");
    assert_eq!(scene.starts(), [stranger.id()], "only the stranger ever started");
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[test]
fn a_socket_without_permission_is_denied_and_starts_nothing() {
    if !am_root() {
        return;
    }
    let scene = Scene::new();
    scene.open_to_others();
    let socket = scene.path("s");
    let path = socket.to_str().unwrap();
    let mut stranger = scene.stranger(&scene.fixture(&["--unix", path]));
    set_mode(&socket, 0o600);
    let state = scene.path("theirs");
    fs::create_dir(&state).unwrap();
    std::os::unix::fs::chown(&state, Some(NOBODY), Some(NOBODY)).unwrap();
    let outcome = scene
        .client(&[])
        .under(&["setpriv", "--reuid", &NOBODY.to_string(), "--regid", &NOBODY.to_string(), "--clear-groups"])
        .server(scene.fixture(&["--unix", path]))
        .ready(format!("http+unix:{path}:/health"))
        .state_dir(Some(state))
        .run();
    assert_eq!(outcome.code(), "ERR_SPAWNLOCK_DENIED", "{outcome:#?}");
    assert_eq!(scene.starts(), [stranger.id()]);
    assert!(socket.exists());
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[test]
fn a_caller_out_of_descriptors_starts_no_second_server() {
    let scene = Scene::new();
    let pid = scene.spec(&[]).ensure().unwrap().pid().unwrap();
    let mut worked = 0;
    for limit in 4..24 {
        let outcome = scene
            .client(&[])
            .after_shell(&format!("ulimit -n {limit}"))
            .timeout(Duration::from_secs(2))
            .flag(&["--probe-timeout-ms", "200"])
            .run();
        let ran = outcome.status.code() != Some(127) && outcome.signal().is_none();
        if ran && !outcome.is_ok() {
            assert!(outcome.code().starts_with("ERR_SPAWNLOCK_"), "limit {limit}: {outcome:#?}");
        }
        worked += usize::from(outcome.is_ok());
        assert_eq!(scene.starts(), [pid], "limit {limit}: {outcome:#?}");
    }
    assert!(worked > 0, "with enough descriptors it works");
    assert_eq!(scene.living(), [pid]);
}

#[test]
fn a_caller_out_of_descriptors_starts_the_server_or_says_that_it_cannot() {
    for limit in 5..24 {
        let scene = Scene::new();
        let outcome = scene.client(&[]).after_shell(&format!("ulimit -n {limit}")).timeout(Duration::from_secs(2)).run();
        let (starts, living) = (scene.starts().len(), scene.living().len());
        match outcome.is_ok() {
            true => assert_eq!((starts, living), (1, 1), "limit {limit}: {outcome:#?}"),
            false => assert_eq!((starts <= 1, living), (true, 0), "limit {limit}: {outcome:#?}"),
        }
    }
}

#[test]
fn rlimit_nofile_of_sixty_four_is_plenty() {
    let scene = Scene::new();
    let outcome = scene.client(&[]).after_shell("ulimit -n 64").run();
    assert_eq!(scene.living(), [outcome.pid()]);
    assert_eq!(scene.page("/limits")["nofile"], 64);
}
