//! What is told of names, and what a call for one may look like.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::fs;
use std::time::Duration;

use spawnlock::{ErrorCode, ServerSpec, State, Verdict};
use spawnlock_tests::{Scene, wait_until};

const SOON: Duration = Duration::from_secs(15);

#[test]
fn the_status_of_a_name_that_was_never_used_is_stopped() {
    let scene = Scene::new();
    let status = scene.status();
    assert_eq!((status.state, status.generation, status.pid), (State::Stopped, 0, None));
    assert!(!scene.state_dir().exists(), "looking leaves no trace");
}

#[test]
fn the_status_of_a_running_server_tells_where_it_is() {
    let scene = Scene::new();
    let server = scene.spec(&["--initializing", "100"]).ensure().unwrap();
    let status = scene.status();
    assert_eq!((status.state, status.health, status.generation), (State::Running, Some(Verdict::Ready), 1));
    assert_eq!((status.pid, status.url.as_deref()), (server.pid(), server.url()));
    assert_eq!(status.log_file.as_deref(), Some(scene.place().join("server.log").as_path()));
    assert!(status.ready_ms.is_some_and(|ms| (100..3000).contains(&ms)), "{status:?}");
    assert!(status.holder.is_none() && status.last_failure.is_none(), "{status:?}");
}

#[test]
fn the_status_of_a_start_under_way_names_its_holder() {
    let scene = Scene::new();
    let client = scene.client(&["--initializing", "1000"]).start();
    wait_until("the server is being started", SOON, || scene.starts().len() == 1 && scene.status().pid.is_some());
    let status = scene.status();
    assert_eq!((status.state, status.pid), (State::Starting, Some(scene.starts()[0])));
    assert_eq!(status.holder.map(|holder| holder.pid), Some(client.pid()));
    assert!(client.finish(SOON).is_ok());
    assert_eq!(scene.status().state, State::Running);
}

#[test]
fn the_status_after_a_failure_tells_why_until_a_start_succeeds() {
    let scene = Scene::new();
    scene.spec(&["--delay", "9000", "--exit-after", "20", "--exit-code", "8"]).ensure().unwrap_err();
    let failure = scene.status().last_failure.expect("a failure");
    assert_eq!((failure.code, failure.exit_code), (ErrorCode::Exited, Some(8)));
    scene.spec(&[]).ensure().unwrap();
    assert!(scene.status().last_failure.is_none());
}

#[test]
fn the_status_of_a_server_that_crashed_is_stopped() {
    let scene = Scene::new();
    let pid = scene.spec(&[]).ensure().unwrap().pid().unwrap();
    scene.crash(pid);
    let status = scene.status();
    assert_eq!((status.state, status.pid, status.health), (State::Stopped, None, None));
}

#[test]
fn the_list_has_every_name_that_was_used() {
    let scene = Scene::new();
    let other = Scene::new();
    scene.spec(&[]).ensure().unwrap();
    let name = "a name / with Ünsafe characters";
    ServerSpec::new(name).state_dir(scene.state_dir()).command(other.command(&[])).ready(other.url()).ensure().unwrap();
    fs::create_dir(scene.state_dir().join("something-else")).unwrap();
    fs::write(scene.state_dir().join("a-file"), "").unwrap();
    let mut names: Vec<String> = scene.states().list().unwrap().into_iter().map(|status| status.name).collect();
    names.sort();
    assert_eq!(names, [name, scene.name()]);
    scene.states().stop(name, &spawnlock::StopOptions::new()).unwrap();
    assert_eq!(scene.states().list().unwrap().iter().filter(|status| status.state == State::Running).count(), 1);
}

#[test]
fn wrong_options_are_named() {
    let scene = Scene::new();
    let named = |spec: ServerSpec, option: &str| {
        let error = spec.ensure().unwrap_err();
        assert_eq!(error.code(), ErrorCode::Config, "{error}");
        assert!(error.to_string().contains(&format!("`{option}`")), "no {option} in: {error}");
    };
    named(ServerSpec::new("x").state_dir(scene.state_dir()).command(["true"]), "ready");
    named(ServerSpec::new("").state_dir(scene.state_dir()).ready(scene.url()), "name");
    named(scene.spec(&[]).ready("ftp://x"), "ready");
    named(scene.spec(&[]).timeout(Duration::ZERO), "timeout");
    named(scene.spec(&[]).shell("true"), "shell");
    named(scene.spec(&[]).cwd("/no/such/directory"), "cwd");
    named(scene.spec(&[]).umask(0o1777), "umask");
    named(scene.spec(&[]).env("A=B", "c"), "env");
    named(scene.looking().command([""]), "command");
    named(scene.spec(&[]).log("/no/such/directory/log"), "log");
    assert_eq!(scene.starts().len(), 0);
}

#[test]
fn a_call_without_a_command_only_looks() {
    let scene = Scene::new();
    assert_eq!(scene.looking().ensure().unwrap_err().code(), ErrorCode::NotRunning);
    let pid = scene.spec(&[]).ensure().unwrap().pid();
    assert_eq!(scene.looking().ensure().unwrap().pid(), pid);
}

#[test]
fn a_server_without_a_name_is_named_after_its_endpoint() {
    let scene = Scene::new();
    let server = ServerSpec::unnamed()
        .state_dir(scene.state_dir())
        .command(scene.command(&[]))
        .ready(format!("http://localhost:{}/health", scene.port()))
        .ensure()
        .unwrap();
    assert_eq!(server.name(), format!("localhost_{}", scene.port()));
    assert_eq!(server.url(), Some(format!("http://localhost:{}", scene.port()).as_str()));
}
