//! Restarting a server: as it was declared, and only what is ours.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;
use spawnlock::{Check, ErrorCode, EventKind, Origin, RestartOptions, Server, Verdict};
use spawnlock_tests::process::signal;
use spawnlock_tests::{Events, Scene, process_alive, program, wait_until};

const SOON: Duration = Duration::from_secs(15);

fn restart(scene: &Scene, options: RestartOptions) -> spawnlock::Result<Server> {
    scene.states().restart(scene.name(), &options)
}

#[test]
fn a_restart_ends_the_old_server_and_starts_it_again_as_it_was_declared() {
    let scene = Scene::new();
    let home = scene.path("home");
    std::fs::create_dir(&home).unwrap();
    let declared = scene.spec(&["--identity", "app=api"]).cwd(&home).env("COLOUR", "blue").inherit_env(false).umask(0o077);
    let old = declared.identity(json!({"app": "api"})).log(scene.path("log")).ensure().unwrap();
    let events = Events::default();
    let new = restart(&scene, RestartOptions::new().on_event(events.listener())).unwrap();
    assert_eq!((new.origin(), new.generation(), new.url()), (Origin::Started, Some(2), old.url()));
    assert!(!process_alive(old.pid().unwrap()));
    assert_eq!(scene.living(), [new.pid().unwrap()]);
    assert_eq!(events.kinds(), [EventKind::Stopping, EventKind::Starting, EventKind::Ready]);
    assert_eq!(scene.page("/env")["COLOUR"], "blue");
    assert!(scene.page("/env").get("CARGO_MANIFEST_DIR").is_none(), "what was kept out stays out");
    assert_eq!(scene.record()["cwd"], home.display().to_string());
    assert_eq!(new.log_file(), Some(scene.path("log").as_path()));
    let umask = std::fs::read_to_string(format!("/proc/{}/status", new.pid().unwrap())).unwrap();
    assert!(umask.lines().any(|line| line.starts_with("Umask:") && line.ends_with("0077")), "{umask}");
    // And a restart of the restarted one knows no less.
    assert_eq!(new.restart().unwrap().generation(), Some(3));
    assert_eq!(scene.page("/env")["COLOUR"], "blue");
    assert_eq!(scene.record()["declared"]["identity"], json!({"app": "api"}));
}

#[test]
fn what_a_server_was_declared_with_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let scene = Scene::new();
    scene.spec(&[]).env("SECRET", "x").ensure().unwrap();
    assert_eq!(std::fs::metadata(scene.place().join("server.json")).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(scene.record()["declared"]["env"], json!({"SECRET": "x"}), "declared ones, and no others");
}

#[test]
fn one_who_asks_when_a_restart_is_over_gets_another() {
    let scene = Scene::new();
    scene.spec(&[]).ensure().unwrap();
    for generation in 2..=4 {
        let server = scene.restart().unwrap();
        assert_eq!((server.origin(), server.generation()), (Origin::Started, Some(generation)));
        assert_eq!(scene.living(), [server.pid().unwrap()]);
    }
}

#[test]
fn a_server_that_nobody_waits_for_is_restarted() {
    let scene = Scene::new();
    scene.orphaned(&["--never-healthy"]);
    let error = restart(&scene, RestartOptions::new().timeout(Duration::from_secs(1))).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Timeout, "{error}");
    assert_eq!((scene.starts().len(), scene.living()), (2, vec![]));
}

#[test]
fn a_stopped_and_a_crashed_server_are_started() {
    let scene = Scene::new();
    scene.spec(&[]).ensure().unwrap();
    scene.stop().unwrap();
    let events = Events::default();
    let server = restart(&scene, RestartOptions::new().on_event(events.listener())).unwrap();
    assert_eq!((server.origin(), server.generation()), (Origin::Started, Some(2)));
    assert_eq!(events.kinds(), [EventKind::Starting, EventKind::Ready], "there was nothing to stop");
    scene.crash(server.pid().unwrap());
    assert_eq!(scene.restart().unwrap().generation(), Some(3));
    assert_eq!(scene.living().len(), 1);
}

#[test]
fn a_server_that_hangs_is_restarted() {
    let scene = Scene::new();
    let old = scene.spec(&[]).ensure().unwrap().pid().unwrap();
    signal(old, Signal::STOP);
    let server = restart(&scene, RestartOptions::new().stop_timeout(Duration::from_millis(300))).unwrap();
    assert_eq!(server.generation(), Some(2));
    assert!(!process_alive(old));
}

#[test]
fn a_shell_line_is_run_again_by_the_shell() {
    let scene = Scene::new();
    let line = format!("exec {} '--word' 'ok'", scene.command(&[]).join(" "));
    scene.looking().shell(line).ensure().unwrap();
    assert_eq!(scene.restart().unwrap().generation(), Some(2));
    assert_eq!(scene.living().len(), 1);
}

#[test]
fn a_name_that_was_never_used_cannot_be_restarted() {
    let scene = Scene::new();
    let error = scene.restart().unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotRunning);
    assert!(error.to_string().contains("ensure"), "{error}");
    assert!(!scene.place().exists(), "asking leaves no trace");
}

#[test]
fn a_server_that_could_not_be_started_again_is_not_stopped() {
    let scene = Scene::new();
    let pid = scene.spec(&[]).ensure().unwrap().pid().unwrap();
    scene.edit_record(&[("command", json!([]))]);
    let error = scene.restart().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Stop);
    assert!(error.to_string().contains("command"), "{error}");
    scene.edit_record(&[("command", json!(scene.command(&[]))), ("cwd", json!("/no/such/directory"))]);
    assert_eq!(scene.restart().unwrap_err().code(), ErrorCode::Config);
    assert!(process_alive(pid), "it was left alone");
}

#[test]
fn a_record_of_an_earlier_version_is_good_enough() {
    let scene = Scene::new();
    scene.spec(&[]).ensure().unwrap();
    let mut record = scene.record();
    record.as_object_mut().unwrap().remove("declared").expect("what an earlier version did not write");
    std::fs::write(scene.place().join("server.json"), record.to_string()).unwrap();
    let events = Events::default();
    let server = restart(&scene, RestartOptions::new().on_event(events.listener())).unwrap();
    assert_eq!(server.generation(), Some(2));
    assert!(events.messages(EventKind::Warning)[0].contains("earlier version"), "{:?}", events.messages(EventKind::Warning));
}

#[test]
fn a_server_whose_only_check_is_a_function_is_left_alone() {
    let scene = Scene::new();
    let port = scene.port();
    let check = Check::function(move || match std::net::TcpStream::connect(("127.0.0.1", port)) {
        Ok(_) => (Verdict::Ready, "it answers".to_owned()),
        Err(problem) => (Verdict::Dead, problem.to_string()),
    });
    let spec = spawnlock::ServerSpec::new(scene.name()).state_dir(scene.state_dir());
    let server = spec.command(scene.command(&[])).ready(check).ensure().unwrap();
    let error = server.restart().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Stop);
    assert!(error.to_string().contains("function"), "{error}");
    assert_eq!(scene.living(), [server.pid().unwrap()]);
}

#[test]
fn a_server_that_somebody_else_started_is_not_restarted() {
    let scene = Scene::new();
    scene.spec(&[]).ensure().unwrap();
    scene.stop().unwrap();
    let command = scene.command(&[]);
    let mut stranger = std::process::Command::new(&command[0]).args(&command[1..]).spawn().unwrap();
    wait_until("the stranger serves", SOON, || scene.looking().ensure().is_ok());
    let error = scene.restart().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Stop, "{error}");
    assert!(process_alive(stranger.id()));
    let foreign = scene.looking().ensure().unwrap();
    assert_eq!(foreign.restart().unwrap_err().code(), ErrorCode::Stop);
    assert!(process_alive(stranger.id()));
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[test]
fn only_the_generation_that_was_asked_for_is_restarted() {
    let scene = Scene::new();
    let first = scene.spec(&[]).ensure().unwrap();
    let only = |generation| restart(&scene, RestartOptions::new().only_generation(generation));
    assert_eq!(only(2).unwrap_err().code(), ErrorCode::NotRunning, "it has not been");
    let second = only(1).unwrap();
    assert_eq!((second.origin(), second.generation()), (Origin::Started, Some(2)));
    // The first is gone by now; who held it is told the second.
    for later in [only(1).unwrap(), first.restart().unwrap()] {
        assert_eq!((later.origin(), later.generation(), later.pid()), (Origin::Joined, Some(2), second.pid()));
    }
    assert_eq!(scene.starts().len(), 2);
    second.stop().unwrap();
    let error = only(1).unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotRunning, "{error}");
    assert!(error.to_string().contains("start 2"), "{error}");
    assert_eq!(only(2).unwrap().generation(), Some(3), "the current one, though stopped");
}

#[test]
fn a_restart_from_within_a_restart_is_refused() {
    let scene = Scene::new();
    scene.spec(&[]).ensure().unwrap();
    let (states, name, codes) = (scene.states(), scene.name(), Arc::new(Mutex::new(Vec::new())));
    let told = Arc::clone(&codes);
    let options = RestartOptions::new().on_event(move |event| {
        if event.kind == EventKind::Stopping {
            let outcome = states.restart(name, &RestartOptions::new());
            told.lock().unwrap().push(outcome.unwrap_err().code());
        }
    });
    assert_eq!(restart(&scene, options).unwrap().generation(), Some(2));
    assert_eq!(*codes.lock().unwrap(), [ErrorCode::Recursive]);
}

#[test]
fn a_process_of_the_server_cannot_restart_it() {
    let scene = Scene::new();
    let answer = scene.path("answer");
    // A script of the server's that asks for a new server would end itself halfway.
    let asks = format!(
        "'{}' --restart --name {} --state-dir '{}' > '{}'",
        program("contender").display(),
        scene.name(),
        scene.state_dir().display(),
        answer.display()
    );
    let line = format!(
        "(until test -e '{}'; do sleep 0.05; done; {asks}; sleep 60) & exec {}",
        scene.path("go").display(),
        scene.command(&[]).join(" ")
    );
    let pid = scene.looking().shell(line).ensure().unwrap().pid().unwrap();
    std::fs::write(scene.path("go"), "").unwrap();
    let text = || std::fs::read_to_string(&answer).unwrap_or_default();
    wait_until("it has its answer", SOON, || text().ends_with('\n'));
    assert!(text().contains("ERR_SPAWNLOCK_RECURSIVE"), "{}", text());
    assert!(process_alive(pid));
    scene.stop().unwrap();
}
