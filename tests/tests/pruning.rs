//! Places that are removed while somebody comes to use them.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::fs;
use std::path::PathBuf;
use std::process::Output;
use std::time::Duration;

use spawnlock::State;
use spawnlock_tests::halt::{Halt, go_on, tracer};
use spawnlock_tests::process::kill_and_wait;
use spawnlock_tests::{Client, Running, Scene, strace, wait_until};

const LONG: Duration = Duration::from_secs(20);

/// A place in which nothing lives, left behind by a user who has come and gone.
fn dead_place() -> Scene {
    let scene = Scene::new();
    drop(scene.spec(&[]).scoped().unwrap());
    forget_starts(&scene);
    scene
}

/// From here on the oracle tells of the starts to come.
fn forget_starts(scene: &Scene) {
    scene.assert_nobody_is_left();
    fs::remove_file(scene.path("starts")).unwrap();
}

/// A user until it is killed.
fn user(scene: &Scene) -> Client {
    scene.client(&[]).flag(&["--scoped", "--hold", "--events"])
}

fn pruned(scene: &Scene) -> Output {
    scene.native(&[], &["prune"]).output().unwrap()
}

fn lease_holders(scene: &Scene) -> Vec<u32> {
    scene.status().leases.iter().map(|holder| holder.pid).collect()
}

fn drafts(scene: &Scene) -> Vec<PathBuf> {
    let entries = fs::read_dir(scene.place().join("leases")).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(".new-")).collect()
}

/// The user holds its lease, so that one who comes and goes is not the last, and nobody but this user is.
#[track_caller]
fn assert_keeps_its_server(scene: &Scene, pid: u32, user: Running) {
    wait_until("the user has its server", LONG, || !user.said("out").is_empty());
    assert_eq!(lease_holders(scene), [pid], "{}", user.said("err"));
    let server = scene.starts();
    drop(scene.spec(&[]).scoped().unwrap());
    assert_eq!((scene.starts(), scene.living()), (server.clone(), server), "{}", user.said("err"));
    assert_eq!(scene.status().state, State::Running);
    kill_and_wait(pid);
    user.finish(LONG);
    wait_until("the server has gone with its last user", LONG, || scene.living().is_empty());
    scene.assert_nobody_is_left();
}

#[test]
fn a_user_who_queues_behind_a_prune_keeps_its_lease_and_its_server() {
    if !strace::is_here() {
        return;
    }
    let scene = dead_place();
    // It has looked, for the second time, whether anything lives there, and is about to remove it.
    let halt = Halt::at("flock", scene.path("trace")).of(scene.place());
    let prune = scene.native(&halt.words(), &["prune"]).spawn().unwrap();
    let pruning = halt.reached(prune.id());
    let user = user(&scene).start();
    let pid = user.pid();
    wait_until("the user has its lease", LONG, || lease_holders(&scene) == [pid]);
    go_on(pruning);
    let output = prune.wait_with_output().unwrap();
    assert!(output.status.success() && output.stdout.is_empty(), "a place in use is not removed: {output:?}");
    assert_keeps_its_server(&scene, pid, user);
}

/// A user that stands still once it has made the draft of its lease, which it has not locked yet.
fn user_with_a_draft(scene: &Scene) -> (Halt, Running, u32) {
    let trace = scene.path("calls");
    let words = tracer(&trace, "openat", None);
    let last = user(scene).under(&words.iter().map(String::as_str).collect::<Vec<_>>()).start();
    wait_until("a user has its server", LONG, || !last.said("out").is_empty());
    kill_and_wait(spawnlock_tests::process::children(last.pid())[0]);
    last.finish(LONG);
    forget_starts(scene);
    let calls = fs::read_to_string(&trace).unwrap();
    let is_draft = |line: &str| line.contains("/leases/.new-") && !line.contains("ENOENT");
    let number = calls.lines().filter(|line| line.starts_with("openat(")).position(is_draft).expect("a draft of a lease") + 1;
    let halt = Halt::at("openat", scene.path("trace")).number(number);
    let user = halt.before(user(scene)).start();
    let pid = halt.reached(user.pid());
    (halt, user, pid)
}

#[test]
fn a_draft_of_a_lease_that_a_prune_has_removed_is_made_again() {
    if !strace::is_here() {
        return;
    }
    let scene = dead_place();
    let (_, user, pid) = user_with_a_draft(&scene);
    assert_eq!(drafts(&scene).len(), 1);
    let output = pruned(&scene);
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), scene.name(), "nobody holds anything: {output:?}");
    assert!(!scene.place().exists());
    go_on(pid);
    assert_keeps_its_server(&scene, pid, user);
}

/// Who finds its own draft locked takes it for another's, and goes on without a lease.
#[test]
fn a_prune_locks_no_draft_of_a_lease_that_is_being_made() {
    if !strace::is_here() {
        return;
    }
    let scene = dead_place();
    let (_, user, pid) = user_with_a_draft(&scene);
    let (draft, locks) = (drafts(&scene).remove(0), scene.path("locks"));
    let output = scene.native(&tracer(&locks, "flock", Some(&draft)), &["prune"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(fs::read_to_string(&locks).unwrap(), "", "nobody but its maker locks it");
    go_on(pid);
    assert_keeps_its_server(&scene, pid, user);
}
