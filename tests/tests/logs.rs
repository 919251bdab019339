//! Reading a server's log, and removing what is left of servers.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::fs;
use std::io::Write;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use spawnlock::{Cancel, ErrorCode, LogOptions};
use spawnlock_tests::{Scene, wait_until};

const SOON: Duration = Duration::from_secs(15);

#[test]
fn the_last_lines_are_those_of_the_last_start_unless_all_are_asked_for() {
    let scene = Scene::new();
    assert_eq!(scene.states().logs(scene.name(), &LogOptions::new()).unwrap_err().code(), ErrorCode::NotRunning);
    scene.spec(&["--print", "of the first"]).ensure().unwrap();
    scene.stop().unwrap();
    let server = scene.spec(&["--print", "one", "--print", "two"]).ensure().unwrap();
    let logs = |options: LogOptions| scene.states().logs(scene.name(), &options).unwrap();
    assert_eq!(logs(LogOptions::new()), ["one", "two"]);
    assert_eq!(logs(LogOptions::new().lines(1)), ["two"]);
    assert_eq!((server.logs(), server.tail(1)), (vec!["one".to_owned(), "two".to_owned()], vec!["two".to_owned()]));
    let all = logs(LogOptions::new().all_starts(true));
    assert!(all.contains(&"of the first".to_owned()) && all.iter().any(|line| line.contains("spawnlock")), "{all:?}");
}

#[test]
fn who_follows_a_log_hears_every_line_through_restarts_and_rotations() {
    let scene = Scene::new();
    let server = scene.spec(&["--print", "first"]).ensure().unwrap();
    let log = server.log_file().unwrap().to_owned();
    let (tell, heard) = mpsc::channel();
    let cancel = Cancel::new();
    let options = LogOptions::new().cancel(cancel.clone());
    let states = scene.states();
    let follower = thread::spawn(move || states.follow("fixture", &options, |line| tell.send(line.to_owned()).is_ok()));
    let await_line = |wanted: &str| while heard.recv_timeout(SOON).unwrap_or_else(|_| panic!("no {wanted}")) != wanted {};
    await_line("first");
    writeln!(fs::File::options().append(true).open(&log).unwrap(), "second").unwrap();
    await_line("second");
    fs::rename(&log, scene.place().join("server.log.1")).unwrap();
    fs::write(&log, "third\n").unwrap();
    await_line("third");
    scene.restart().unwrap();
    await_line("first");
    cancel.cancel();
    assert_eq!(follower.join().unwrap().unwrap_err().code(), ErrorCode::Cancelled);
}

#[test]
fn prune_removes_what_is_dead_and_nothing_else() {
    let scene = Scene::new();
    let states = scene.states();
    assert!(states.prune().unwrap().is_empty(), "there is nothing yet");
    scene.spec(&[]).ensure().unwrap();
    assert!(states.prune().unwrap().is_empty(), "it runs");
    scene.stop().unwrap();
    let other = scene.state_dir().join("not-a-place");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("thesis.txt"), "").unwrap();
    std::os::unix::fs::symlink(scene.place(), scene.state_dir().join("link")).unwrap();

    let lock = fs::File::open(scene.place().join("start.lock")).unwrap();
    lock.lock().unwrap();
    assert!(states.prune().unwrap().is_empty(), "somebody starts or stops it");
    drop(lock);
    fs::create_dir_all(scene.place().join("leases")).unwrap();
    let lease = fs::File::create(scene.place().join("leases/one.lease")).unwrap();
    lease.lock().unwrap();
    assert!(states.prune().unwrap().is_empty(), "somebody holds a lease");
    drop(lease);
    fs::write(scene.place().join("mine"), "").unwrap();
    assert!(states.prune().unwrap().is_empty(), "something else stands in it");
    fs::remove_file(scene.place().join("mine")).unwrap();

    assert_eq!(states.prune_dry_run().unwrap(), [scene.name()]);
    assert!(scene.place().exists());
    assert_eq!(states.prune().unwrap(), [scene.name()]);
    assert!(!scene.place().exists() && other.join("thesis.txt").exists());
    assert_eq!(scene.spec(&[]).ensure().unwrap().generation(), Some(1));
}

#[test]
fn prune_and_ensure_at_once_never_make_two_servers() {
    let scene = Scene::new();
    for _ in 0..20 {
        thread::scope(|scope| {
            let prune = scope.spawn(|| scene.states().prune().unwrap());
            scene.spec(&[]).ensure().unwrap();
            prune.join().unwrap();
        });
        assert_eq!(scene.living().len(), 1);
        wait_until("it is known", SOON, || scene.place().join("server.json").exists());
        scene.stop().unwrap();
    }
}
