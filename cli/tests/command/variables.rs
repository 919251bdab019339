//! Variables: ours, and those of hand-written init scripts.

use crate::world::{Finished, World, fixture, free_port, words};

fn run(world: &World, variables: &[(&str, &str)], args: &[&str]) -> Finished {
    let mut command = world.command(args);
    command.envs(variables.iter().copied());
    Finished::from(command.output().expect("the command"))
}

#[test]
fn the_variables_of_an_init_script_take_their_options_place() {
    let world = World::new();
    let port = free_port().to_string();
    let server = fixture().display().to_string();
    let variables = [
        ("OCTOCODE_PORT", port.as_str()),
        ("OCTOCODE_INIT_TIMEOUT", "8000"),
        ("OCTOCODE_LOCK_TIMEOUT", "1"),
        ("OCTOCODE_POLL_INTERVAL", "500"),
    ];
    let args = ["ensure", "-v", "--env-prefix", "OCTOCODE", "--print", "port", "--", &server, "--port", &port, "--initializing", "200"];
    let done = run(&world, &variables, &args).expect(0);
    assert_eq!(done.stdout, format!("{port}\n"));
    for noted in ["OCTOCODE_LOCK_TIMEOUT", "OCTOCODE_POLL_INTERVAL"] {
        assert!(done.stderr.contains(noted), "{noted} is not noted: {}", done.stderr);
    }
}

#[test]
fn init_timeout_is_in_milliseconds_and_a_flag_wins_over_it() {
    let world = World::new();
    let never = world.ensure(&["--env-prefix", "OCTOCODE_"], &["--never-healthy"]);
    let failed = run(&world, &[("OCTOCODE_INIT_TIMEOUT", "300")], &words(&never)).expect(124);
    assert!(failed.stderr.contains("after 29") || failed.stderr.contains("after 3"), "{}", failed.stderr);
    let slow = world.ensure(&["--env-prefix", "OCTOCODE", "--timeout", "10s"], &["--initializing", "400"]);
    run(&world, &[("OCTOCODE_INIT_TIMEOUT", "100"), ("OCTOCODE_PORT", "1")], &words(&slow)).expect(0);
}

#[test]
fn a_port_by_flag_wins_over_the_variable() {
    let port = free_port().to_string();
    let failed = run(&World::new(), &[("OCTOCODE_PORT", "1987")], &["ensure", "--env-prefix", "OCTOCODE", "--port", &port]).expect(3);
    assert!(failed.stderr.contains(&format!("http://localhost:{port}/health")), "{}", failed.stderr);
}

#[test]
fn a_value_that_is_no_number_names_its_variable() {
    for (variable, value) in [
        ("OCTOCODE_PORT", "http"),
        ("OCTOCODE_PORT", "70000"),
        ("OCTOCODE_PORT", "0"),
        ("OCTOCODE_INIT_TIMEOUT", "30s"),
        ("OCTOCODE_INIT_TIMEOUT", "0"),
        ("OCTOCODE_LOCK_TIMEOUT", "-1"),
        ("OCTOCODE_POLL_INTERVAL", "1e3"),
    ] {
        let failed =
            run(&World::new(), &[(variable, value)], &["ensure", "--env-prefix", "OCTOCODE", "--ready", "tcp:localhost:1"]).expect(2);
        assert!(failed.stderr.contains(&format!("variable `{variable}` is `{value}`")), "{}", failed.stderr);
    }
    World::new().run(&["ensure", "--env-prefix", "OCTO CODE", "--port", "1"]).expect(2);
}

#[test]
fn without_the_prefix_nobody_reads_them() {
    run(&World::new(), &[("OCTOCODE_PORT", "nonsense")], &["ensure", "--ready", "tcp:localhost:1"]).expect(3);
}

#[test]
fn a_lock_timeout_never_starts_a_second_server() {
    let world = World::new();
    let starter = world.begin(&world.ensure(&[], &["--initializing", "1500"]), "starter");
    starter.wait_until_told("started");
    let waiter = world.ensure(&["--env-prefix", "OCTOCODE"], &[]);
    run(&world, &[("OCTOCODE_LOCK_TIMEOUT", "1")], &words(&waiter)).expect(0);
    starter.finish().expect(0);
    assert_eq!(world.starts().len(), 1);
}

#[test]
fn starting_can_be_switched_off() {
    let world = World::new();
    run(&world, &[("SPAWNLOCK_DISABLE", "1")], &words(&world.ensure(&[], &[]))).expect(3);
    assert!(world.starts().is_empty());
    world.run_ensure(&[], &[]).expect(0);
    run(&world, &[("SPAWNLOCK_DISABLE", "1")], &words(&world.ensure(&[], &[]))).expect(0);
    let failed = run(&world, &[("SPAWNLOCK_DISABLE", "perhaps")], &words(&world.ensure(&[], &[]))).expect(2);
    assert!(failed.stderr.contains("SPAWNLOCK_DISABLE"), "{}", failed.stderr);
}

#[test]
fn the_ready_timeout_is_the_default_of_the_flag() {
    let world = World::new();
    let never = world.ensure(&[], &["--never-healthy"]);
    run(&world, &[("SPAWNLOCK_READY_TIMEOUT", "200ms")], &words(&never)).expect(124);
    let failed = run(&world, &[("SPAWNLOCK_READY_TIMEOUT", "200")], &words(&never)).expect(2);
    assert!(failed.stderr.contains("`SPAWNLOCK_READY_TIMEOUT` is `200` without a unit"), "{}", failed.stderr);
    let slow = world.ensure(&["--timeout", "10s"], &["--initializing", "400"]);
    run(&world, &[("SPAWNLOCK_READY_TIMEOUT", "100ms")], &words(&slow)).expect(0);
}

#[test]
fn the_state_directory_may_be_given_either_way_and_the_flag_wins() {
    let world = World::new();
    let mine = world.path("mine").display().to_string();
    world.run_ensure(&["--state-dir", &mine], &[]).expect(0);
    world.run(&["status", "api"]).expect(3);
    world.run(&["--state-dir", &mine, "status", "api"]).expect(0);
    world.run(&["stop", "--all", "--state-dir", &mine]).expect(0);
}
