//! What a start depends on, looked at.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use serde_json::Value;

use crate::world::{World, free_port};

/// What was found of something.
fn finding(report: &Value, about: &str) -> Value {
    let all = report["findings"].as_array().expect("findings");
    all.iter().find(|finding| finding["about"] == about).unwrap_or_else(|| panic!("nothing about {about} in {report}")).clone()
}

fn look(world: &World, args: &[&str], code: i32) -> Value {
    world.run(&[&["doctor", "--json"], args].concat()).expect(code).json()
}

#[test]
fn where_all_is_well_every_line_says_so() {
    let world = World::new();
    world.run_ensure(&[], &[]).expect(0);
    let told = world.run(&["doctor", "api"]).expect(0).stdout;
    for about in ["state directory", "locks", "loopback v4", "record", "alive lock", "spawn lock", "log"] {
        assert!(told.lines().any(|line| line.starts_with(&format!("ok    {about} "))), "{about} is missing in {told}");
    }
    assert!(!told.contains("\nfail"), "{told}");
}

#[test]
fn a_directory_that_others_may_look_into_is_a_warning_with_what_to_do() {
    let world = World::new();
    fs::create_dir_all(world.state_dir()).expect("a directory");
    fs::set_permissions(world.state_dir(), fs::Permissions::from_mode(0o755)).expect("its mode");
    let found = finding(&look(&world, &[], 0), "state directory");
    assert_eq!(found["grade"], "warn");
    assert!(found["advice"].as_str().is_some_and(|advice| advice.starts_with("chmod 700 ")), "{found}");
}

#[test]
fn a_directory_that_is_a_link_fails() {
    let world = World::new();
    symlink(world.path(""), world.state_dir()).expect("a link");
    let report = look(&world, &[], 1);
    assert_eq!((&report["ok"], &finding(&report, "state directory")["grade"]), (&Value::from(false), &Value::from("fail")));
}

#[test]
fn a_server_that_died_a_log_that_is_gone_and_the_last_failure_are_seen() {
    let world = World::new();
    world.run_ensure(&[], &[]).expect(0);
    world.kill_server();
    assert_eq!(finding(&look(&world, &["api"], 0), "record")["grade"], "warn");
    fs::remove_file(world.state_dir().join("api/server.log")).expect("a log");
    assert_eq!(finding(&look(&world, &["api"], 0), "log")["grade"], "warn");
    world.run_ensure(&["-q"], &["--delay", "60000", "--exit-after", "20"]).expect(1);
    let failure = finding(&look(&world, &["api"], 0), "last failure");
    assert!(failure["text"].as_str().is_some_and(|text| text.contains("ERR_SPAWNLOCK_EXITED")), "{failure}");
}

#[test]
fn a_record_that_makes_no_sense_is_seen_with_and_without_the_name() {
    let world = World::new();
    world.run_ensure(&[], &[]).expect(0);
    world.run(&["stop", "api"]).expect(0);
    fs::write(world.state_dir().join("api/server.json"), "{").expect("nonsense");
    assert_eq!(finding(&look(&world, &[], 0), "records")["grade"], "warn");
    assert_eq!(finding(&look(&world, &["api"], 0), "record")["grade"], "warn");
}

#[test]
fn the_owner_of_the_port_and_the_users_of_a_server_are_named() {
    let world = World::new();
    let port = free_port().to_string();
    let server = format!("exec {} --port {port}", crate::world::fixture().display());
    let report = |world: &World| {
        let init = env!("CARGO_BIN_EXE_server-init");
        world.run(&["run", "web", "-p", &port, "-q", "--shell", &server, "--", init, "doctor", "web", "--json"]).expect(0).json()
    };
    let report = report(&world);
    assert!(finding(&report, "port")["text"].as_str().is_some_and(|text| text.contains(&format!("{port} belongs to pid"))), "{report}");
    assert!(finding(&report, "users")["text"].as_str().is_some_and(|text| text.contains("server-init run")), "{report}");
    assert_eq!(finding(&report, "minder")["grade"], "ok");
}

#[test]
fn what_the_environment_overrides_is_told_and_what_is_wrong_in_it_fails() {
    let world = World::new();
    let report = |variable: &str, value: &str, code: i32| {
        let mut command = world.command(&["doctor", "--json"]);
        crate::world::Finished::from(command.env(variable, value).output().expect("the command")).expect(code).json()
    };
    assert_eq!(finding(&report("SPAWNLOCK_DISABLE", "1", 0), "variables")["grade"], "warn");
    assert_eq!(finding(&report("SPAWNLOCK_READY_TIMEOUT", "soon", 1), "variables")["grade"], "fail");
    let proxies = finding(&report("http_proxy", "http://proxy:3128", 0), "proxies");
    assert!(proxies["text"].as_str().is_some_and(|text| text.starts_with("http_proxy set; ")), "{proxies}");
}

#[test]
fn another_version_beside_us_is_a_warning() {
    let world = World::new();
    let package = world.path("node_modules/spawnlock");
    fs::create_dir_all(&package).expect("a directory");
    for (version, grade) in [("99.0.0", "warn"), (env!("CARGO_PKG_VERSION"), "ok")] {
        fs::write(package.join("package.json"), format!("{{\"version\": \"{version}\"}}")).expect("a package");
        assert_eq!(finding(&look(&world, &[], 0), "versions")["grade"], grade, "{version}");
    }
}
