//! What is told of names, and what is kept of them on disk.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::fs;
use std::time::Duration;

use serde_json::json;
use spawnlock::{ErrorCode, EventKind, Kick, Origin, ServerSpec, State, Verdict};
use spawnlock_tests::{Events, Scene, process_alive, set_mode, wait_until};

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
fn a_kick_starts_and_does_not_wait() {
    let scene = Scene::new();
    let flags = ["--initializing", "500"];
    let Kick::Started { pid } = scene.spec(&flags).kick().unwrap() else { panic!("the first kick starts") };
    assert!(matches!(scene.spec(&flags).kick().unwrap(), Kick::Starting));
    assert_eq!(scene.status().state, State::Starting);
    let server = scene.spec(&flags).ensure().unwrap();
    assert_eq!((server.origin(), server.pid()), (Origin::Joined, Some(pid)));
    let Kick::Running(server) = scene.spec(&flags).kick().unwrap() else { panic!("the last kick finds it") };
    assert_eq!(server.pid(), Some(pid));
    assert_eq!(scene.starts(), [pid]);
}

#[test]
fn a_kick_of_a_command_that_cannot_be_run_is_an_error() {
    let scene = Scene::new();
    let error = scene.looking().command(["/no/such/program"]).kick().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Spawn);
}

#[test]
fn each_start_is_marked_in_the_log() {
    let scene = Scene::new();
    for _ in 0..3 {
        scene.spec(&["--print", "hello"]).ensure().unwrap();
        scene.stop().unwrap();
    }
    let log = fs::read_to_string(scene.place().join("server.log")).unwrap();
    let markers: Vec<&str> = log.lines().filter(|line| line.starts_with("--- spawnlock ")).collect();
    assert_eq!(markers.len(), 3, "{log}");
    assert!(markers[2].contains("start 3"), "{log}");
    assert_eq!(log.lines().filter(|line| *line == "hello").count(), 3);
}

#[test]
fn a_log_of_ten_megabytes_is_put_aside_before_the_next_start() {
    let scene = Scene::new();
    let (log, old) = (scene.place().join("server.log"), scene.place().join("server.log.1"));
    let megabytes = |file| fs::metadata(file).map_or(0, |meta| meta.len() / (1024 * 1024));
    for round in 0..3 {
        scene.spec(&["--print-bytes", "11000000"]).ensure().unwrap();
        scene.stop().unwrap();
        assert_eq!(megabytes(&log), 10);
        assert_eq!(old.exists(), round > 0);
    }
    assert_eq!(megabytes(&old), 10);
    let logs = fs::read_dir(scene.place())
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("server.log"))
        .count();
    assert_eq!(logs, 2, "one old file is kept");
}

#[test]
fn a_log_of_the_users_is_appended_to_and_never_rotated() {
    let scene = Scene::new();
    let log = scene.path("mine.log");
    fs::write(&log, "x".repeat(11_000_000) + "\n").unwrap();
    let server = scene.spec(&["--print", "hello"]).log(&log).ensure().unwrap();
    assert_eq!(server.log_file(), Some(log.as_path()));
    let text = fs::read_to_string(&log).unwrap();
    assert!(text.len() > 11_000_000 && text.ends_with("hello\n"));
    assert!(!scene.place().join("server.log").exists());
}

/// Garbage in one of our files while nothing runs: the next call works, and the file makes sense again.
#[track_caller]
fn garbage_is_replaced(file: &str, garbage: &[u8]) -> Vec<String> {
    let scene = Scene::new();
    scene.spec(&[]).ensure().unwrap();
    scene.stop().unwrap();
    fs::write(scene.place().join(file), garbage).unwrap();
    assert_eq!(scene.status().state, State::Stopped, "{file}");
    scene.states().list().expect("a list");
    let events = Events::default();
    let server = events.of(scene.spec(&[])).ensure().unwrap_or_else(|error| panic!("{file}: {error}"));
    assert_eq!(server.origin(), Origin::Started, "{file}");
    assert_eq!(scene.record()["state"], "ready", "{file}");
    scene.stop().unwrap();
    events.messages(EventKind::Warning)
}

const GARBAGE: &[&[u8]] = &[
    b"",
    b"{",
    b"\0\xff\xfe",
    b"[]",
    b"{\"format\":\"one\"}",
    b"{\"format\":99,\"name\":\"fixture\",\"state\":\"ready\",\"generation\":1,\"attempt\":\"x\"}",
];

#[test]
fn garbage_in_the_record_is_reported_and_replaced() {
    for garbage in GARBAGE {
        let warnings = garbage_is_replaced("server.json", garbage);
        assert!(warnings.iter().any(|text| text.contains("server.json")), "{garbage:?}: {warnings:?}");
    }
}

#[test]
fn garbage_in_the_other_files_is_no_obstacle() {
    for file in ["failure.json", "start.lock", "alive.lock", "server.log"] {
        for garbage in GARBAGE {
            garbage_is_replaced(file, garbage);
        }
    }
}

#[test]
fn garbage_in_the_record_of_a_running_server_does_not_start_a_second_one() {
    for garbage in GARBAGE {
        let scene = Scene::new();
        let pid = scene.spec(&[]).ensure().unwrap().pid();
        fs::write(scene.place().join("server.json"), garbage).unwrap();
        let server = scene.spec(&[]).ensure().unwrap();
        assert_eq!(server.pid(), pid, "the alive lock tells its pid: {garbage:?}");
        assert_eq!(scene.starts().len(), 1);
        scene.stop().unwrap();
        assert!(!process_alive(pid.unwrap()));
    }
}

#[test]
fn a_lost_record_of_a_running_server_does_not_start_a_second_one() {
    let scene = Scene::new();
    let pid = scene.spec(&[]).ensure().unwrap().pid();
    fs::remove_file(scene.place().join("server.json")).unwrap();
    assert_eq!(scene.spec(&[]).ensure().unwrap().pid(), pid);
    assert_eq!(scene.starts().len(), 1);
    scene.stop().unwrap();
    scene.assert_nobody_is_left();
}

#[test]
fn a_record_with_fields_of_a_later_version_is_accepted() {
    let scene = Scene::new();
    let server = scene.spec(&[]).ensure().unwrap();
    let mut record = scene.record();
    record["leases"] = json!([{"pid": 1}]);
    record["state"] = json!("ready");
    fs::write(scene.place().join("server.json"), record.to_string()).unwrap();
    let events = Events::default();
    let again = events.of(scene.spec(&[])).ensure().unwrap();
    assert_eq!((again.origin(), again.pid(), again.generation()), (Origin::Reused, server.pid(), Some(1)));
    assert_eq!(events.messages(EventKind::Warning), [""; 0]);
    assert_eq!(scene.status().state, State::Running);
}

#[test]
fn every_file_of_json_says_its_format() {
    let scene = Scene::new();
    scene.spec(&["--delay", "9000", "--exit-after", "20"]).ensure().unwrap_err();
    scene.spec(&[]).ensure().unwrap();
    for file in ["server.json", "failure.json"] {
        let text = fs::read_to_string(scene.place().join(file)).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["format"], 1, "{file}: {text}");
    }
}

#[test]
fn files_are_replaced_and_never_rewritten() {
    use std::os::unix::fs::MetadataExt;
    let scene = Scene::new();
    let inode = |file: &str| fs::metadata(scene.place().join(file)).unwrap().ino();
    scene.spec(&[]).ensure().unwrap();
    let (lock, alive) = (inode("start.lock"), inode("alive.lock"));
    let (before, mut open) = (scene.record(), fs::File::open(scene.place().join("server.json")).unwrap());
    scene.stop().unwrap();
    scene.spec(&[]).ensure().unwrap();
    assert_ne!(scene.record(), before);
    let seen: serde_json::Value = serde_json::from_reader(&mut open).unwrap();
    assert_eq!(seen, before, "a reader never sees half a record");
    assert_eq!((inode("start.lock"), inode("alive.lock")), (lock, alive), "a lock is never unlinked");
    let left: Vec<_> = fs::read_dir(scene.place()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with('.')), "no temporary file is left: {left:?}");
}

#[test]
fn a_place_that_was_opened_to_others_is_made_private_again() {
    use std::os::unix::fs::MetadataExt;
    let scene = Scene::new();
    scene.spec(&[]).ensure().unwrap();
    scene.stop().unwrap();
    set_mode(&scene.place(), 0o755);
    scene.spec(&[]).ensure().unwrap();
    assert_eq!(fs::metadata(scene.place()).unwrap().mode() & 0o777, 0o700);
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
