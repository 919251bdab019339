//! Versions, crash loops, logs and what is left of servers, from the command line.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::json;

use crate::world::{World, alive};

#[test]
fn another_version_replaces_the_server_and_the_status_says_why() {
    let world = World::new();
    world.run_ensure(&["--server-version", "1.0"], &[]).expect(0);
    assert_eq!(world.run_ensure(&["--server-version", "1.1", "--print", "version,generation"], &[]).expect(0).stdout, "1.1\n2\n");
    let refused = world.run_ensure(&["--server-version", "2", "--on-mismatch", "error"], &[]).expect(1);
    assert!(refused.stderr.contains("ERR_SPAWNLOCK_VERSION"), "{}", refused.stderr);
    assert!(world.run_ensure(&["--server-version", "1.0"], &[]).expect(0).stderr.contains("which is newer"));
    let status = world.run(&["status", "api", "--json"]).expect(0).json();
    assert_eq!((&status["version"], &status["phase"], &status["leases"]), (&json!("1.1"), &json!("ready"), &json!([])));
    assert_eq!((&status["restartedBecause"], &status["ended"]["reason"]), (&json!("version 1.0 → 1.1"), &json!("outdated")));
    assert!(world.run(&["status", "api"]).expect(0).stdout.contains("version 1.0 → 1.1"));
}

#[test]
fn a_fresh_server_can_be_asked_for() {
    let world = World::new();
    world.run_ensure(&[], &[]).expect(0);
    assert_eq!(world.run_ensure(&["--reuse", "never", "--print", "generation"], &[]).expect(0).stdout, "2\n");
    assert!(!alive(&world.starts()[0]));
}

#[test]
fn a_word_that_is_none_is_told_with_those_that_are() {
    for (flag, known) in
        [("--reuse", "`owned`"), ("--on-mismatch", "`restart`"), ("--unresponsive", "`replace`"), ("--stop-signal", "`SIGINT`")]
    {
        let told = World::new().run_ensure(&[flag, "perhaps"], &[]).expect(2).stderr;
        assert!(told.contains("perhaps") && told.contains(known), "{told}");
    }
}

#[test]
fn a_crash_loop_tells_when_the_next_start_is_allowed() {
    let world = World::new();
    for _ in 0..3 {
        world.run_ensure(&[], &["--exit-after-ready", "50"]).expect(0);
        while world.run(&["status", "api"]).code == Some(0) {}
    }
    let failed = world.run_ensure(&["--json"], &["--exit-after-ready", "50"]).expect(1).json();
    assert_eq!(failed["code"], "ERR_SPAWNLOCK_CRASH_LOOP");
    assert!(failed["retryAfterMs"].as_u64().is_some_and(|ms| (1..=60_000).contains(&ms)), "{failed}");
    world.run(&["restart", "api"]).expect(0);
}

#[test]
fn logs_prints_the_last_lines_and_nothing_else() {
    let world = World::new();
    assert!(world.run(&["logs", "api"]).expect(3).stderr.contains("NOT_RUNNING"));
    assert!(world.run(&["logs"]).expect(2).stderr.contains("NAME"));
    world.run_ensure(&[], &["--print", "one", "--print", "two"]).expect(0);
    assert_eq!(world.run(&["logs", "api"]).expect(0).stdout, "one\ntwo\n");
    assert_eq!(world.run(&["logs", "api", "-n", "1"]).expect(0).stdout, "two\n");
    assert_eq!(world.run(&["logs", "api", "--json"]).expect(0).json(), json!({ "ok": true, "name": "api", "lines": ["one", "two"] }));
    world.run(&["restart", "api"]).expect(0);
    assert_eq!(world.run(&["logs", "api", "--all-starts"]).expect(0).stdout.matches("two").count(), 2 + 2, "two lines, two markers");
}

#[test]
fn who_follows_sees_the_next_start_and_ends_on_ctrl_c() {
    let world = World::new();
    world.run_ensure(&[], &["--print", "hello"]).expect(0);
    let mut follower = world.command(&["logs", "api", "-f"]).stdout(Stdio::piped()).spawn().expect("the command");
    let mut lines = BufReader::new(follower.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
    assert_eq!(lines.next().as_deref(), Some("hello"));
    world.run(&["restart", "api"]).expect(0);
    assert!(lines.any(|line| line == "hello"));
    let killed = std::process::Command::new("kill").args(["-INT", &follower.id().to_string()]).status().expect("kill");
    assert!(killed.success());
    assert_eq!(follower.wait().expect("its end").code(), Some(130));
}

#[test]
fn prune_tells_what_it_removed() {
    let world = World::new();
    world.run_ensure(&[], &[]).expect(0);
    assert_eq!(world.run(&["prune"]).expect(0).stdout, "");
    world.run(&["stop", "api"]).expect(0);
    assert_eq!(world.run(&["prune", "--dry-run"]).expect(0).stdout, "api\n");
    assert_eq!(world.run(&["prune", "--json"]).expect(0).json(), json!({ "ok": true, "pruned": ["api"], "dryRun": false }));
    assert!(!world.state_dir().join("api").exists());
}
