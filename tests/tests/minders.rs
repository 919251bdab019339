//! Minders that come to their work too late.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use spawnlock::{ErrorCode, EventKind};
use spawnlock_tests::halt::{Halt, go_on};
use spawnlock_tests::process::{children, kill_and_wait, process_state};
use spawnlock_tests::{Client, Events, Running, Scene, gate, process_alive, program, set_mode, strace, wait_until};

const LONG: Duration = Duration::from_secs(20);
/// Longer than a starter waits for the first word of its minder.
const LONGER: Duration = Duration::from_secs(60);

/// A file that is run as the native command, and runs it by these words.
fn native_after(scene: &Scene, words: &[String]) -> PathBuf {
    let file = scene.path("minder");
    fs::write(&file, format!("#!/bin/sh\nexec {} {} \"$@\"\n", words.join(" "), program("server-init").display())).unwrap();
    set_mode(&file, 0o755);
    file
}

/// A user until it is killed, whose minder is run by this file.
fn user(client: Client, command: &Path) -> Client {
    client.flag(&["--scoped", "--hold", "--events"]).env("SPAWNLOCK_COMMAND", command.display().to_string())
}

/// A minder that stands at a gate before it reads what it is to do.
struct Late {
    gate: PathBuf,
    command: PathBuf,
}

impl Late {
    fn new(scene: &Scene) -> Self {
        let gate = scene.path("gate");
        let words = [program("contender"), "--gate".into(), gate.clone(), "--exec".into(), "--".into()];
        let command = native_after(scene, &words.map(|word| word.display().to_string()));
        Late { gate, command }
    }

    /// It stands at the gate.
    #[track_caller]
    fn await_it(&self) -> u32 {
        wait_until("the minder is at the gate", LONG, || gate::waiting_at(&self.gate) == 1);
        fs::read_to_string(gate::waiting_file(&self.gate)).unwrap().trim().parse().unwrap()
    }

    /// The same, and the order is on its way: who sent it waits for an answer.
    #[track_caller]
    fn await_order(&self, starter: &Running) -> u32 {
        let minder = self.await_it();
        wait_until("its starter waits for it", LONG, || process_state(starter.pid()) == Some('S'));
        minder
    }
}

/// Lets the minder go to work, which must be none.
#[track_caller]
fn starts_nothing(scene: &Scene, minder: u32, go: impl FnOnce()) {
    let before = scene.starts();
    assert!(process_alive(minder) && scene.living().is_empty());
    go();
    wait_until("the minder has gone, or has started something", LONG, || !process_alive(minder) || scene.starts() != before);
    assert_eq!(scene.starts(), before, "nobody wants that any more");
}

/// Somebody who takes over, and is done with it.
#[track_caller]
fn another_comes_and_goes(scene: &Scene) {
    let server = scene.spec(&[]).scoped().unwrap();
    assert_eq!(scene.starts(), [server.pid().unwrap()]);
}

#[test]
fn a_minder_whose_starter_died_before_it_came_starts_nothing() {
    let scene = Scene::new();
    let late = Late::new(&scene);
    let starter = user(scene.client(&[]), &late.command).start();
    let minder = late.await_order(&starter);
    kill_and_wait(starter.pid());
    starter.finish(LONG);
    another_comes_and_goes(&scene);
    starts_nothing(&scene, minder, || gate::open(&late.gate).unwrap());
    scene.assert_nobody_is_left();
}

#[test]
fn a_minder_whose_starter_dies_while_it_is_about_to_start_starts_nothing() {
    if !strace::is_here() {
        return;
    }
    let scene = Scene::new();
    // It has asked whether its starter is there, and makes the pipe by which the server to be will tell it what went wrong.
    let halt = Halt::at("pipe2", scene.path("trace"));
    let starter = user(scene.client(&[]), &native_after(&scene, &halt.words())).start();
    wait_until("the minder is hired", LONG, || !children(starter.pid()).is_empty());
    let minder = halt.reached(children(starter.pid())[0]);
    kill_and_wait(starter.pid());
    starter.finish(LONG);
    another_comes_and_goes(&scene);
    starts_nothing(&scene, minder, || go_on(minder));
    scene.assert_nobody_is_left();
}

#[test]
fn a_minder_that_was_given_up_starts_nothing_when_it_comes_although_its_starter_lives() {
    let scene = Scene::new();
    let late = Late::new(&scene);
    let starter = user(scene.client(&[]).timeout(LONGER), &late.command).start();
    let minder = late.await_order(&starter);
    wait_until("the starter has started the server by itself", LONGER, || !starter.said("out").is_empty());
    assert!(starter.said("err").contains("no minder can be had"), "{}", starter.said("err"));
    assert_eq!(scene.living(), scene.starts());
    scene.stop().unwrap();
    starts_nothing(&scene, minder, || gate::open(&late.gate).unwrap());
    assert!(process_alive(starter.pid()));
    kill_and_wait(starter.pid());
    starter.finish(LONG);
    scene.assert_nobody_is_left();
}

#[test]
fn a_minder_of_an_earlier_start_leaves_alone_what_is_wished_of_a_later_one() {
    let scene = Scene::new();
    let late = Late::new(&scene);
    let first = scene.spec(&[]).scoped().unwrap();
    scene.minders().into_iter().for_each(kill_and_wait);
    // Who comes by finds nobody who watches, and hires one.
    assert!(scene.client(&[]).flag(&["--scoped"]).env("SPAWNLOCK_COMMAND", late.command.display().to_string()).run().is_ok());
    let minder = late.await_it();
    scene.stop().unwrap();
    drop(first);
    let second = scene.spec(&[]).scoped().unwrap();
    let kept = scene.spec(&[]).ensure().unwrap();
    assert_eq!((kept.generation(), kept.pid()), (Some(2), second.pid()));
    scene.minders().into_iter().for_each(kill_and_wait);
    gate::open(&late.gate).unwrap();
    wait_until("the minder has gone", LONG, || !process_alive(minder));
    drop(second);
    assert_eq!(scene.living(), [kept.pid().unwrap()], "somebody wants it kept");
    scene.stop().unwrap();
    scene.assert_nobody_is_left();
}

#[test]
fn a_minder_that_finds_the_servers_directory_gone_tells_who_waits() {
    let scene = Scene::new();
    let (late, dir) = (Late::new(&scene), scene.path("workshop"));
    fs::create_dir(&dir).unwrap();
    let kick = scene.client(&[]).flag(&["--kick"]).env("SPAWNLOCK_COMMAND", late.command.display().to_string());
    let kicked = kick.after_shell(&format!("cd {}", dir.display())).run();
    assert_eq!(kicked.text("kick"), "started", "{kicked:#?}");
    late.await_it();
    fs::remove_dir(&dir).unwrap();
    let events = Events::default();
    let waiting = events.of(scene.spec(&[]));
    let waiter = thread::spawn(move || waiting.ensure());
    wait_until("somebody waits for it", LONG, || events.kinds().contains(&EventKind::Waiting));
    gate::open(&late.gate).unwrap();
    let error = waiter.join().unwrap().expect_err("the reason why nothing was started");
    assert!(error.code() == ErrorCode::Config && error.to_string().contains("workshop"), "{error}");
    assert_eq!(scene.status().last_failure.unwrap().summary, error.failure().summary);
    assert!(scene.starts().is_empty());
}
