//! What happens meanwhile, for programs, and a failure where it is folded or coloured.

use serde_json::Value;

use crate::world::{Finished, World, words};

fn events(finished: &Finished) -> Vec<Value> {
    finished.stderr.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|problem| panic!("{problem}: {line:?}"))).collect()
}

#[test]
fn every_event_is_one_json_line_on_stderr_and_the_result_stays_alone_on_stdout() {
    let world = World::new();
    let done = world.run_ensure(&["--events"], &["--initializing", "50"]).expect(0);
    assert_eq!(done.stdout, "ok\n");
    let events = events(&done);
    assert_eq!(events.iter().map(|event| event["kind"].as_str().expect("a kind")).collect::<Vec<_>>(), ["starting", "ready"]);
    let starting = &events[0];
    assert_eq!((&starting["name"], starting["pid"].to_string()), (&Value::from("api"), world.starts()[0].clone()));
    assert_eq!(starting["logFile"], world.state_dir().join("api/server.log").display().to_string());
    assert!(starting["elapsedMs"].is_u64() && starting["message"].is_string(), "{starting}");
}

#[test]
fn who_holds_the_lock_is_in_the_event_of_a_waiter() {
    let world = World::new();
    let starter = world.begin(&world.ensure(&[], &["--delay", "2500"]), "starter");
    starter.wait_until_told("started");
    let waiter = world.run_ensure(&["--events"], &[]).expect(0);
    let events = events(&waiter);
    assert_eq!(events[0]["kind"], "waiting", "{events:?}");
    let holder = &events[0]["holder"];
    assert!(holder["program"].as_str().is_some_and(|program| program.starts_with("server-init")) && holder["pid"].is_u64(), "{holder}");
    starter.finish().expect(0);
}

#[test]
fn stop_and_restart_tell_their_events_as_well() {
    let world = World::new();
    world.run_ensure(&["-q"], &[]).expect(0);
    let kinds = |finished: Finished| {
        events(&finished.expect(0)).iter().map(|event| event["kind"].as_str().expect("a kind").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(kinds(world.run(&["restart", "api", "--events"])), ["stopping", "starting", "ready"]);
    assert_eq!(kinds(world.run(&["stop", "api", "--events"])), ["stopping"]);
}

#[test]
fn events_are_not_combined_with_other_ways_of_telling() {
    for other in ["--quiet", "--verbose"] {
        let refused = World::new().run(&["stop", "api", "--events", other]).expect(2);
        assert!(refused.stderr.contains("option `--events` cannot be combined with"), "{}", refused.stderr);
    }
}

fn failure_with(variables: &[(&str, &str)]) -> String {
    let world = World::new();
    let knobs = ["--print", "last words", "--delay", "60000", "--exit-after", "30", "--exit-code", "7"];
    let mut command = world.command(&words(&world.ensure(&["-q"], &knobs)));
    Finished::from(command.envs(variables.iter().copied()).output().expect("the command")).expect(1).stderr
}

#[test]
fn in_a_workflow_the_lines_of_the_log_are_folded() {
    let told = failure_with(&[("GITHUB_ACTIONS", "true")]);
    assert!(told.ends_with("\n::group::the last lines of its log\n| last words\n::endgroup::\n"), "{told}");
    assert!(failure_with(&[]).ends_with("\n    | last words\n"));
}

#[test]
fn colour_can_be_asked_for_and_forbidden() {
    let code = "\u{1b}[31m[ERR_SPAWNLOCK_EXITED]\u{1b}[0m";
    assert!(failure_with(&[("CLICOLOR_FORCE", "1")]).contains(code));
    for variables in [&[("CLICOLOR_FORCE", "0")][..], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], &[]] {
        assert!(!failure_with(variables).contains('\u{1b}'), "{variables:?}");
    }
}
