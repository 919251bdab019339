//! The time line of a name.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::world::{World, until};

fn steps(start: &Value) -> Vec<&str> {
    start["steps"].as_array().expect("steps").iter().map(|step| step["step"].as_str().expect("a word")).collect()
}

fn step<'a>(start: &'a Value, kind: &str) -> &'a Value {
    start["steps"].as_array().expect("steps").iter().find(|step| step["step"] == kind).unwrap_or_else(|| panic!("no {kind} in {start}"))
}

#[test]
fn a_start_and_its_stop_are_told_with_who_did_them() {
    let world = World::new();
    world.run_ensure(&[], &["--initializing", "50"]).expect(0);
    world.run(&["stop", "api"]).expect(0);
    let story = world.run(&["explain", "api", "--json"]).expect(0).json();
    let start = &story["starts"][0];
    assert_eq!(steps(start), ["asked", "started", "ready", "stopping", "ended"], "{start}");
    assert_eq!(step(start, "started")["pid"].to_string(), world.starts()[0]);
    assert!(step(start, "ready")["tookMs"].as_u64().is_some_and(|took| took >= 50), "{start}");
    assert_eq!(
        (&step(start, "asked")["program"], &step(start, "stopping")["program"]),
        (&Value::from("server-init ensure"), &Value::from("server-init stop"))
    );
    let told = world.run(&["explain", "api"]).expect(0).stdout;
    for part in ["api, start 1, ", "asked for by pid ", "(server-init ensure)", "started as pid ", "ready after ", "stopping, by pid "] {
        assert!(told.contains(part), "{part:?} is missing in {told}");
    }
}

#[test]
fn a_start_that_failed_says_why() {
    let world = World::new();
    world.run_ensure(&["-q"], &["--delay", "60000", "--exit-after", "30", "--exit-code", "7"]).expect(1);
    let story = world.run(&["explain", "api", "--json"]).expect(0).json();
    let failed = step(&story["starts"][0], "failed");
    assert_eq!(failed["code"], "ERR_SPAWNLOCK_EXITED");
    assert!(failed["text"].as_str().is_some_and(|text| text.contains("exited with code 7")), "{failed}");
}

#[test]
fn one_that_ended_unseen_is_found_gone_by_the_next_start() {
    let world = World::new();
    world.run_ensure(&[], &[]).expect(0);
    world.kill_server();
    world.run_ensure(&[], &[]).expect(0);
    let story = world.run(&["explain", "api", "--json"]).expect(0).json();
    assert_eq!(steps(&story["starts"][0]), ["asked", "started", "ready", "ended"], "{story}");
    assert_eq!(steps(&story["starts"][1]), ["asked", "started", "ready"], "{story}");
}

#[test]
fn only_so_many_of_the_last_starts_are_told() {
    let world = World::new();
    for _ in 0..3 {
        world.run_ensure(&[], &[]).expect(0);
        world.run(&["stop", "api"]).expect(0);
    }
    let story = world.run(&["explain", "api", "-n", "2", "--json"]).expect(0).json();
    let told: Vec<_> = story["starts"].as_array().expect("starts").iter().map(|start| start["generation"].as_u64()).collect();
    assert_eq!(told, [Some(2), Some(3)]);
}

#[test]
fn of_a_name_that_nobody_used_there_is_nothing_to_tell() {
    let told = World::new().run(&["explain", "api"]).expect(1);
    assert!(told.stderr.contains("nothing is written down of a server \"api\""), "{}", told.stderr);
    World::new().run(&["explain"]).expect(2);
    World::new().run(&["explain", "api", "-n", "0"]).expect(2);
}

#[test]
fn the_history_is_private_and_loses_its_older_half_when_it_is_large() {
    let world = World::new();
    world.run_ensure(&[], &[]).expect(0);
    let history = world.state_dir().join("api/history.jsonl");
    assert_eq!(fs::metadata(&history).expect("a history").permissions().mode() & 0o777, 0o600);
    let line = fs::read_to_string(&history).expect("a text").lines().next().expect("a line").to_owned();
    fs::write(&history, format!("{line}\n").repeat(300 * 1024 / line.len())).expect("a large history");
    world.run(&["stop", "api"]).expect(0);
    let size = fs::metadata(&history).expect("a history").len();
    assert!((100 * 1024..200 * 1024).contains(&size), "{size}");
    let text = fs::read_to_string(&history).expect("a text");
    assert!(text.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    assert!(text.lines().last().is_some_and(|last| last.contains("ended")), "{text}");
}

#[test]
fn a_history_that_cannot_be_written_is_in_nobodys_way() {
    let world = World::new();
    fs::create_dir_all(world.state_dir().join("api/history.jsonl")).expect("a directory in its place");
    let done = world.run_ensure(&["-q"], &[]).expect(0);
    assert_eq!(done.stderr, "");
}

#[test]
fn a_start_that_has_a_minder_ends_once_and_says_how() {
    let world = World::new();
    let socket = world.path("socket").display().to_string();
    let server = format!("exec {} --unix {socket}", crate::world::fixture().display());
    world.run(&["run", "web", "-r", &format!("http+unix:{socket}:/health"), "-q", "--shell", &server, "--", "true"]).expect(0);
    until("its end", || steps(&world.run(&["explain", "web", "--json"]).expect(0).json()["starts"][0]).contains(&"ended"));
    let story = world.run(&["explain", "web", "--json"]).expect(0).json();
    let start = &story["starts"][0];
    assert_eq!(steps(start), ["asked", "started", "ready", "stopping", "ended"], "{start}");
    assert_eq!(step(start, "stopping")["text"], "last-user");
}
