//! `restart`: what it prints, and its exit codes.

use serde_json::json;

use crate::world::{World, alive};

#[test]
fn a_restart_prints_ok_and_the_server_is_another() {
    let world = World::new();
    world.run_ensure(&[], &[]).expect(0);
    assert_eq!(world.run(&["restart", "api"]).expect(0).stdout, "ok\n");
    let starts = world.starts();
    assert_eq!(starts.len(), 2);
    assert!(!alive(&starts[0]) && alive(&starts[1]));
    let facts = world.run(&["restart", "api", "--print", "generation,origin,pid"]).expect(0).stdout;
    assert_eq!(facts, format!("3\nstarted\n{}\n", world.starts()[2]));
}

#[test]
fn a_restart_as_json_is_the_new_server() {
    let world = World::new();
    world.run_ensure(&[], &[]).expect(0);
    let server = world.run(&["restart", "api", "--json"]).expect(0).json();
    assert_eq!((&server["ok"], &server["origin"], &server["generation"]), (&json!(true), &json!("started"), &json!(2)));
    assert_eq!(server["pid"].to_string(), world.starts()[1]);
}

#[test]
fn only_the_generation_that_was_asked_for_is_restarted() {
    let world = World::new();
    world.run_ensure(&[], &[]).expect(0);
    assert_eq!(world.run(&["restart", "api", "--if-generation", "1", "--print", "origin,generation"]).expect(0).stdout, "started\n2\n");
    assert_eq!(world.run(&["restart", "api", "--if-generation", "1", "--print", "origin,generation"]).expect(0).stdout, "joined\n2\n");
    world.run(&["restart", "api", "--if-generation", "9"]).expect(3);
    assert_eq!(world.starts().len(), 2);
}

#[test]
fn what_cannot_be_restarted_has_its_exit_code() {
    let world = World::new();
    assert!(world.run(&["restart", "api"]).expect(3).stderr.contains("ERR_SPAWNLOCK_NOT_RUNNING"));
    assert!(world.run(&["restart"]).expect(2).stderr.contains("NAME"));
    assert!(world.run(&["restart", "api", "--if-generation", "first"]).expect(2).stderr.contains("--if-generation"));
    assert!(world.run(&["restart", "api", "--break-after", "5"]).expect(2).stderr.contains("without a unit"));
    assert!(world.run(&["restart", "api", "worker"]).expect(2).stderr.contains("worker"));
    world.run_ensure(&[], &["--die-slowly", "3000"]).expect(0);
    assert!(world.run(&["restart", "api", "--timeout", "200ms"]).expect(124).stderr.contains("told to stop"));
}

#[test]
fn where_starting_is_switched_off_nothing_is_stopped() {
    let world = World::new();
    world.run_ensure(&[], &[]).expect(0);
    let refused = world.shell("SPAWNLOCK_DISABLE=1 \"$INIT\" restart api").expect(2);
    assert!(refused.stderr.contains("SPAWNLOCK_DISABLE"), "{}", refused.stderr);
    assert!(alive(&world.starts()[0]));
}
