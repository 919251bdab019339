//! Servers that the project declares, from the shell.

use std::fs;

use serde_json::Value;

use crate::world::{Finished, World, fixture, free_port};

/// A world whose directory declares these servers, each of them a fixture server on a socket of its own name.
fn project(file: &str, names: &[&str]) -> World {
    let world = World::new();
    let entries: Vec<String> = names.iter().map(|name| entry(&world, name)).collect();
    fs::write(world.path(file), entries.join("\n")).expect("a file");
    world
}

fn entry(world: &World, name: &str) -> String {
    let (server, starts) = (fixture().display().to_string(), world.path("starts").display().to_string());
    format!(
        "[servers.{name}]\ncommand = [{server:?}, \"--unix\", \"{name}.sock\", \"--starts\", {starts:?}]\n\
        ready = \"http+unix:{name}.sock:/health\"\ntimeout = \"20s\"\n"
    )
}

fn with(world: &World, variables: &[(&str, &str)], args: &[&str]) -> Finished {
    let mut command = world.command(args);
    command.envs(variables.iter().copied());
    Finished::from(command.output().expect("the command"))
}

#[test]
fn without_a_word_the_only_declared_server_is_started() {
    let world = project("spawnlock.toml", &["web"]);
    assert_eq!(world.run(&[]).expect(0).stdout, "ok\n");
    assert_eq!(world.run(&["--json"]).expect(0).json()["origin"], "reused");
    assert_eq!(world.run(&["ensure", "web", "--print", "origin"]).expect(0).stdout, "reused\n");
    assert_eq!(world.starts().len(), 1);
    world.run(&["status", "web"]).expect(0);
}

#[test]
fn of_several_declared_servers_one_must_be_named() {
    let world = project("spawnlock.toml", &["web", "api"]);
    let refused = world.run(&[]).expect(2);
    assert!(refused.stderr.contains("declares several servers: \"web\", \"api\""), "{}", refused.stderr);
    world.run(&["ensure", "api"]).expect(0);
    assert!(world.run(&["ensure", "apy"]).expect(2).stderr.contains("did you mean \"api\"?"));
    assert_eq!(world.starts().len(), 1);
}

#[test]
fn the_nearest_file_upward_that_declares_servers_is_read() {
    let world = project("spawnlock.toml", &["web"]);
    let below = world.path("a/b");
    fs::create_dir_all(&below).expect("a directory");
    fs::write(world.path("a/package.json"), "{\"dependencies\": {\"spawnlock\": \"1\"}}").expect("a file");
    fs::write(world.path("a/b/pyproject.toml"), "[project]\nname = \"spawnlock-user\"\n").expect("a file");
    let ensure =
        || Finished::from(world.command(&["ensure", "web", "--print", "origin"]).current_dir(&below).output().expect("the command"));
    assert_eq!(ensure().expect(0).stdout, "started\n");
    fs::write(world.path("a/package.json"), "{\"spawnlock\": {\"servers\": {\"other\": {\"ready\": \"tcp:localhost:1\"}}}}")
        .expect("a file");
    let refused = ensure().expect(2);
    assert!(refused.stderr.contains("a/package.json, which has \"other\""), "{}", refused.stderr);
}

#[test]
fn within_one_directory_spawnlock_toml_comes_first_then_package_json_then_pyproject_toml() {
    let world = World::new();
    let from = |world: &World| world.run(&["ensure", "web", "--dry-run"]).expect(0).stdout;
    fs::write(world.path("pyproject.toml"), "[tool.spawnlock.servers.web]\nready = \"tcp:localhost:3\"\n").expect("a file");
    assert!(from(&world).contains("tcp:localhost:3"));
    fs::write(world.path("package.json"), "{\"spawnlock\": {\"servers\": {\"web\": {\"ready\": \"tcp:localhost:2\"}}}}").expect("a file");
    assert!(from(&world).contains("tcp:localhost:2"));
    fs::write(world.path("spawnlock.toml"), "[servers.web]\nready = \"tcp:localhost:1\"\n").expect("a file");
    assert!(from(&world).contains("tcp:localhost:1"));
}

#[test]
fn a_file_can_be_named_by_flag_and_by_variable() {
    let world = project("mine.toml", &["web"]);
    world.run(&["ensure", "web"]).expect(2);
    assert_eq!(with(&world, &[("SPAWNLOCK_CONFIG", "mine.toml")], &[]).expect(0).stdout, "ok\n");
    assert_eq!(world.run(&["ensure", "web", "--config", "mine.toml", "--print", "origin"]).expect(0).stdout, "reused\n");
    let wrong = with(&world, &[("SPAWNLOCK_CONFIG", "mine.toml")], &["ensure", "--config", "other.toml"]).expect(2);
    assert!(wrong.stderr.contains("other.toml"), "{}", wrong.stderr);
}

#[test]
fn a_strangers_file_above_us_is_not_read_unasked() {
    let world = project("spawnlock.toml", &["web"]);
    // Only root can give a file away.
    if std::os::unix::fs::chown(world.path("spawnlock.toml"), Some(54321), None).is_err() {
        return;
    }
    let refused = world.run(&["ensure", "web"]).expect(2);
    assert!(refused.stderr.contains("spawnlock.toml belongs to user 54321"), "{}", refused.stderr);
    assert!(world.starts().is_empty());
    world.run(&["ensure", "web", "--config", "spawnlock.toml"]).expect(0);
    let ours = world.path("ours.toml");
    fs::rename(world.path("spawnlock.toml"), &ours).expect("a new name");
    std::os::unix::fs::chown(&ours, Some(0), None).expect("a file of ours");
    std::os::unix::fs::symlink(&ours, world.path("spawnlock.toml")).expect("a link");
    std::os::unix::fs::lchown(world.path("spawnlock.toml"), Some(54321), None).expect("a link to give away");
    let refused = world.run(&["ensure", "web"]).expect(2);
    assert!(refused.stderr.contains("belongs to user 54321"), "{}", refused.stderr);
    let theirs = world.path("theirs");
    fs::create_dir(&theirs).expect("a directory");
    std::os::unix::fs::chown(&theirs, Some(54321), None).expect("a directory to give away");
    let within = Finished::from(world.command(&["ensure", "web", "--print", "origin"]).current_dir(&theirs).output().expect("the command"));
    assert_eq!(within.expect(0).stdout, "reused\n", "who works in a directory of theirs works with their files");
}

#[test]
fn a_call_that_says_it_all_is_changed_by_no_file() {
    let world = World::new();
    fs::write(world.path("spawnlock.toml"), "[servers.api]\nready = \"tcp:localhost:1\"\nnonsense = 1\n").expect("a file");
    world.run_ensure(&[], &[]).expect(0);
    let refused = world.run(&["ensure", "api"]).expect(2);
    assert!(refused.stderr.contains("spawnlock.toml:3: server \"api\" has the unknown key `nonsense`"), "{}", refused.stderr);
}

#[test]
fn a_dry_run_tells_every_setting_and_where_it_comes_from_and_starts_nothing() {
    let world = project("spawnlock.toml", &["web"]);
    let variables = [
        ("SPAWNLOCK_STOP_TIMEOUT", "3s"),
        ("SPAWNLOCK_READY_TIMEOUT", "7s"),
        ("SPAWNLOCK_TIMEOUT_SCALE", "2"),
        ("SPAWNLOCK_TAIL_LINES", "9"),
    ];
    let told = with(&world, &variables, &["ensure", "web", "--dry-run", "--json", "--umask", "077"]).expect(0).json();
    let of = |name: &str| {
        let setting = told["settings"].as_array().expect("settings").iter().find(|setting| setting["name"] == name);
        setting.map_or((Value::Null, String::new()), |setting| (setting["value"].clone(), setting["from"].to_string()))
    };
    assert_eq!(of("umask"), ("077".into(), "\"command line\"".to_owned()));
    assert_eq!(of("tailLines"), (9.into(), "\"SPAWNLOCK_TAIL_LINES\"".to_owned()));
    assert_eq!(of("timeout"), ("7s".into(), "\"SPAWNLOCK_READY_TIMEOUT\"".to_owned()), "a variable wins over the file");
    assert_eq!(of("stopTimeout"), ("3s".into(), "\"SPAWNLOCK_STOP_TIMEOUT\"".to_owned()));
    assert!(of("command").1.contains("spawnlock.toml:2"), "{told}");
    assert_eq!(of("probeTimeout"), ("5s".into(), "\"default\"".to_owned()));
    assert_eq!(of("SPAWNLOCK_TIMEOUT_SCALE").0, "2");
    let lines = world.run(&["ensure", "web", "--dry-run"]).expect(0).stdout;
    assert!(lines.starts_with("SETTING") && lines.contains("spawnlock.toml:4"), "{lines}");
    world.run(&["ensure", "web", "--dry-run", "--timeout", "0s"]).expect(2);
    assert!(world.starts().is_empty());
}

#[test]
fn what_somebody_else_runs_is_only_asked() {
    let world = project("spawnlock.toml", &["web"]);
    let port = free_port();
    let url = format!("http://localhost:{port}");
    let elsewhere = [("SPAWNLOCK_WEB_URL", url.as_str())];
    let refused = with(&world, &elsewhere, &["ensure", "web"]).expect(3);
    assert!(refused.stderr.contains("SPAWNLOCK_WEB_URL says that somebody else runs it"), "{}", refused.stderr);
    let theirs = World::new();
    let (server, at) = (fixture().display().to_string(), port.to_string());
    theirs.run(&["ensure", "theirs", "--port", &at, "--", &server, "--port", &at]).expect(0);
    assert_eq!(with(&world, &elsewhere, &["ensure", "web", "--print", "origin,url"]).expect(0).stdout, format!("foreign\n{url}\n"));
    assert_eq!(with(&world, &elsewhere, &["ensure", "web", "--no-wait", "--print", "origin"]).expect(0).stdout, "foreign\n");
    let undeclared = with(&world, &[("SPAWNLOCK_NOBODY_S_URL", &url)], &["ensure", "nobody's", "--print", "origin"]);
    assert_eq!(undeclared.expect(0).stdout, "foreign\n", "the address alone is a check");
    assert!(world.starts().is_empty());
    let wrong = with(&world, &[("SPAWNLOCK_WEB_URL", "nonsense")], &["ensure", "web"]).expect(2);
    assert!(wrong.stderr.contains("`SPAWNLOCK_WEB_URL` is `nonsense`"), "{}", wrong.stderr);
    world.run(&["ensure", "web"]).expect(0);
    assert_eq!(
        with(&world, &elsewhere, &["ensure", "web", "--print", "origin"]).expect(0).stdout,
        "foreign\n",
        "our own one does not matter"
    );
    with(&world, &elsewhere, &["restart", "web"]).expect(0);
    assert_eq!(world.starts().len(), 2, "what runs here is restarted here");
}

#[test]
fn a_slow_machine_scales_every_timeout() {
    let world = World::new();
    let slow = world.ensure(&["--timeout", "300ms"], &["--initializing", "600"]);
    with(&world, &[("SPAWNLOCK_TIMEOUT_SCALE", "50")], &crate::world::words(&slow)).expect(0);
    for wrong in ["0", "-1", "fast", "inf"] {
        let refused = with(&world, &[("SPAWNLOCK_TIMEOUT_SCALE", wrong)], &crate::world::words(&slow)).expect(2);
        assert!(refused.stderr.contains(&format!("`SPAWNLOCK_TIMEOUT_SCALE` is `{wrong}`")), "{}", refused.stderr);
    }
}

#[test]
fn a_name_is_found_where_the_project_declares_that_it_is_kept() {
    let world = project("spawnlock.toml", &["web"]);
    let text = fs::read_to_string(world.path("spawnlock.toml")).expect("a file");
    fs::write(world.path("spawnlock.toml"), format!("{text}state-dir = \".state\"\n")).expect("a file");
    let run = |args: &[&str]| {
        let mut command = world.command(args);
        let command = command.env_remove("SPAWNLOCK_STATE_DIR").env("XDG_STATE_HOME", world.path("home"));
        Finished::from(command.output().expect("the command"))
    };
    run(&["ensure", "web"]).expect(0);
    assert_eq!(run(&["list", "--names"]).expect(0).stdout, "web\n");
    assert_eq!(run(&["prune"]).expect(0).stdout, "", "it lives");
    assert!(run(&["status", "web", "--print", "place"]).expect(0).stdout.ends_with("/.state/web\n"));
    run(&["logs", "web"]).expect(0);
    assert!(run(&["explain", "web"]).expect(0).stdout.contains("ready"));
    run(&["stop", "web"]).expect(0);
    run(&["stop", "web"]).expect(3);
    run(&["prune"]).expect(0);
    assert!(!world.path(".state/web").exists());
    assert_eq!(run(&["list", "--names"]).expect(0).stdout, "");
}

#[test]
fn a_shared_file_that_cannot_be_read_is_somebody_elses() {
    let world = project("spawnlock.toml", &["web"]);
    fs::create_dir(world.path("inner")).expect("a directory");
    fs::write(world.path("inner/package.json"), b"\xff\xfe{\0}\0").expect("a file");
    let mut command = world.command(&["ensure", "web"]);
    Finished::from(command.current_dir(world.path("inner")).output().expect("the command")).expect(0);
}
