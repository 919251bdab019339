//! What the exit code says.

use crate::world::{World, free_port};

#[test]
fn a_server_that_gets_ready_is_0_and_prints_ok() {
    let world = World::new();
    let first = world.run_ensure(&[], &["--initializing", "100"]).expect(0);
    assert_eq!(first.stdout, "ok\n");
    let second = world.run_ensure(&[], &[]).expect(0);
    assert_eq!((second.stdout.as_str(), second.stderr.as_str()), ("ok\n", ""), "a server that runs is not worth a word");
    assert_eq!(world.starts().len(), 1);
}

#[test]
fn a_server_that_dies_early_is_1_and_its_last_words_are_told() {
    let world = World::new();
    let failed =
        world.run_ensure(&[], &["--print", "no such table", "--delay", "60000", "--exit-after", "50", "--exit-code", "9"]).expect(1);
    assert_eq!(failed.stdout, "");
    for part in ["ERR_SPAWNLOCK_EXITED", "code 9", "| no such table", "command  "] {
        assert!(failed.stderr.contains(part), "{part:?} is missing in {}", failed.stderr);
    }
}

#[test]
fn a_server_that_never_gets_ready_is_124() {
    let world = World::new();
    let failed = world.run_ensure(&["--timeout", "300ms"], &["--never-healthy"]).expect(124);
    assert!(failed.stderr.contains("ERR_SPAWNLOCK_TIMEOUT"), "{}", failed.stderr);
}

#[test]
fn a_lock_that_is_never_free_is_124() {
    let world = World::new();
    let starter = world.begin(&world.ensure(&["--timeout", "20s"], &["--delay", "60000"]), "starter");
    starter.wait_until_told("started");
    let failed = world.run_ensure(&["--timeout", "300ms"], &[]).expect(124);
    assert!(failed.stderr.contains("ERR_SPAWNLOCK_LOCK_TIMEOUT"), "{}", failed.stderr);
    starter.signal(rustix::process::Signal::TERM);
    starter.finish().expect(143);
}

#[test]
fn a_missing_program_is_127_with_its_cause() {
    let failed = World::new().run(&["ensure", "--ready", "tcp:localhost:1", "--", "/nowhere/at-all"]).expect(127);
    assert!(failed.stderr.contains("\n  cause    No such file"), "{}", failed.stderr);
}

#[test]
fn a_file_that_is_no_program_is_126() {
    let world = World::new();
    let file = world.path("text");
    std::fs::write(&file, "no program").expect("a file");
    world.run(&["ensure", "--ready", "tcp:localhost:1", "--", &file.display().to_string()]).expect(126);
}

#[test]
fn without_a_command_a_server_that_does_not_run_is_3() {
    let port = free_port().to_string();
    let failed = World::new().run(&["ensure", "--port", &port]).expect(3);
    assert!(failed.stderr.contains("ERR_SPAWNLOCK_NOT_RUNNING"), "{}", failed.stderr);
}

#[test]
fn status_is_3_before_0_while_and_3_after() {
    let world = World::new();
    assert_eq!(world.run(&["status", "api"]).expect(3).stdout, "api: stopped\n");
    world.run(&["status"]).expect(3);
    world.run_ensure(&[], &[]).expect(0);
    let running = world.run(&["status", "api"]).expect(0);
    assert!(running.stdout.starts_with("api: running\n") && running.stdout.contains(&world.starts()[0]), "{}", running.stdout);
    assert_eq!(world.run(&["status"]).expect(0).stdout, running.stdout);
    assert_eq!(world.run(&["stop", "api"]).expect(0).stdout, "ok\n");
    world.run(&["status", "api"]).expect(3);
    world.run(&["stop", "api"]).expect(3);
}

#[test]
fn one_name_that_does_not_run_keeps_no_other_from_being_stopped() {
    let world = World::new();
    world.run_ensure(&[], &[]).expect(0);
    let failed = world.run(&["stop", "nothing", "api"]).expect(3);
    assert!(failed.stderr.contains("nothing"), "{}", failed.stderr);
    world.run(&["status", "api"]).expect(3);
}

#[test]
fn stop_all_stops_what_runs_and_is_content_with_nothing() {
    let world = World::new();
    world.run_ensure(&[], &[]).expect(0);
    world.run(&["stop", "--all"]).expect(0);
    assert!(!crate::world::alive(&world.starts()[0]));
    assert_eq!(world.run(&["stop", "--all"]).expect(0).stdout, "ok\n");
}

#[test]
fn kicking_does_not_wait_and_the_next_call_does() {
    let world = World::new();
    let kicked = world.run_ensure(&["--no-wait", "--print", "origin,state"], &["--initializing", "700"]).expect(0);
    crate::world::until("it is being started", || world.run(&["status", "api"]).stdout.starts_with("api: starting"));
    world.run_ensure(&[], &[]).expect(0);
    assert_eq!(world.starts().len(), 1);
    assert_eq!(kicked.stdout, "started\nstarting\n");
}
