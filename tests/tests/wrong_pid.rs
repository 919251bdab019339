//! Records that speak of the wrong process: the stranger survives, and the server is started anew.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::time::Duration;

use serde_json::{Value, json};
use spawnlock::{ErrorCode, Origin, State};
use spawnlock_tests::process::{process_state, start_time};
use spawnlock_tests::{Scene, process_alive, wait_until};

/// A process that has nothing to do with anybody, in a group of its own.
struct Stranger(Child);

/// The unit of start times: no server of a test begins in the same tick as a stranger, as no reused pid does.
const TICK: Duration = Duration::from_millis(20);

impl Stranger {
    fn new() -> Self {
        Stranger::of(Command::new("sleep").arg("300"))
    }

    fn of(command: &mut Command) -> Self {
        std::thread::sleep(TICK);
        let stranger = Stranger(command.process_group(0).spawn().unwrap());
        std::thread::sleep(TICK);
        stranger
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A scene whose server was killed without a word, so that its record still says "ready".
fn crashed() -> Scene {
    let scene = Scene::new();
    let pid = scene.spec(&[]).ensure().unwrap().pid().unwrap();
    scene.crash(pid);
    assert_eq!(scene.record()["state"], "ready");
    scene
}

/// With this record `status` says stopped, `stop` signals nobody, and `ensure` starts a new server.
#[track_caller]
fn assert_taken_for_dead(scene: &Scene, fields: &[(&str, Value)], survives: impl Fn() -> bool) {
    scene.edit_record(fields);
    assert_eq!(scene.status().state, State::Stopped, "{fields:?}");
    assert_eq!(scene.stop().unwrap_err().code(), ErrorCode::NotRunning, "{fields:?}");
    assert!(survives(), "stop signalled a stranger: {fields:?}");
    let server = scene.spec(&[]).ensure().unwrap();
    assert_eq!((server.origin(), server.generation()), (Origin::Started, Some(2)), "{fields:?}");
    assert!(survives(), "ensure signalled a stranger: {fields:?}");
    assert_eq!(scene.living(), [server.pid().unwrap()]);
    scene.stop().unwrap();
    assert!(survives(), "stop of the new server signalled a stranger: {fields:?}");
    scene.assert_nobody_is_left();
}

/// Both ways in which a record says that its server lives.
fn both_ways(fields: &[(&str, Value)], survives: impl Fn() -> bool) {
    for alive in ["lock", "pid"] {
        let fields = [fields, &[("alive", json!(alive))]].concat();
        assert_taken_for_dead(&crashed(), &fields, &survives);
    }
}

#[test]
fn a_reused_pid_is_a_stranger() {
    let stranger = Stranger::new();
    both_ways(&[("pid", json!(stranger.pid()))], || process_alive(stranger.pid()));
}

#[test]
fn a_record_without_a_start_time_proves_nothing() {
    let stranger = Stranger::new();
    both_ways(&[("pid", json!(stranger.pid())), ("startTime", Value::Null)], || process_alive(stranger.pid()));
}

#[test]
fn a_pid_from_before_a_reboot_is_a_stranger() {
    let stranger = Stranger::new();
    let pid = stranger.pid();
    let fields = [("pid", json!(pid)), ("startTime", json!(start_time(pid))), ("bootId", json!("00000000-another-boot"))];
    both_ways(&fields, || process_alive(pid));
}

#[test]
fn a_pid_of_another_namespace_is_a_stranger() {
    let stranger = Stranger::new();
    let pid = stranger.pid();
    let fields = [("pid", json!(pid)), ("startTime", json!(start_time(pid))), ("pidNamespace", json!("pid:[1]"))];
    both_ways(&fields, || process_alive(pid));
}

#[test]
fn pid_one_is_never_ours() {
    both_ways(&[("pid", json!(1))], || process_alive(1));
    both_ways(&[("pid", json!(1)), ("startTime", json!(start_time(1).map_or(0, |time| time + 1)))], || process_alive(1));
}

#[test]
fn our_own_pid_is_not_the_server() {
    std::thread::sleep(TICK);
    both_ways(&[("pid", json!(std::process::id()))], || true);
}

#[test]
fn pids_that_no_process_can_have_are_nobody() {
    for pid in [0_u64, 4_194_305, u64::from(u32::MAX)] {
        both_ways(&[("pid", json!(pid))], || true);
    }
}

#[test]
fn a_zombie_is_dead() {
    let mut child = Command::new("true").process_group(0).spawn().unwrap();
    let pid = child.id();
    wait_until("the child is a zombie", Duration::from_secs(5), || process_state(pid) == Some('Z'));
    both_ways(&[("pid", json!(pid)), ("startTime", json!(start_time(pid)))], || true);
    child.wait().unwrap();
}

#[test]
fn a_living_server_is_stopped_although_its_record_names_a_stranger() {
    let scene = Scene::new();
    let stranger = Stranger::new();
    let pid = scene.spec(&[]).ensure().unwrap().pid().unwrap();
    scene.edit_record(&[("pid", json!(stranger.pid())), ("startTime", json!(1))]);
    assert_eq!(scene.status().state, State::Running, "the alive lock is held");
    scene.stop().unwrap();
    assert!(!process_alive(pid), "what holds the alive lock is ours");
    assert!(process_alive(stranger.pid()));
}

#[test]
fn another_users_process_is_never_signalled() {
    if !rustix::process::getuid().is_root() {
        eprintln!("skipped: only root may be somebody else");
        return;
    }
    let scene = crashed();
    let theirs = Stranger::of(Command::new("setpriv").args(["--reuid", "65534", "--clear-groups", "sleep", "300"]));
    assert_taken_for_dead(&scene, &[("pid", json!(theirs.pid()))], || process_alive(theirs.pid()));
}
