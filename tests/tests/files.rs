//! What is kept on disk: the log, the record, the failure, and garbage in their place.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::fs;

use serde_json::json;
use spawnlock::{EventKind, Origin, State};
use spawnlock_tests::{Events, Scene, process_alive, set_mode};

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
        for garbage in &GARBAGE[..3] {
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
