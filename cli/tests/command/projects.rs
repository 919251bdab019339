//! Names that belong to a project, and ports that are chosen.

use std::fs;
use std::path::Path;

use crate::world::{Finished, World, fixture, free_port};

/// The command, run in a directory of this test.
fn run_in(world: &World, dir: &Path, args: &[&str]) -> Finished {
    let output = world.command(args).current_dir(dir).stdin(std::process::Stdio::null()).output();
    Finished::from(output.expect("the command"))
}

fn project(world: &World, name: &str) -> std::path::PathBuf {
    let below = world.path(name).join("src/deep");
    fs::create_dir_all(&below).expect("a directory");
    fs::write(world.path(name).join("package.json"), "{}").expect("a file");
    below
}

fn ensure_web(world: &World, dir: &Path) -> Finished {
    let server = fixture().display().to_string();
    run_in(world, dir, &["ensure", "web", "--port", "auto", "--print", "name,port", "--", &server, "--port", "{port}"]).expect(0)
}

#[test]
fn the_same_name_in_two_projects_is_two_servers_each_on_a_port_of_its_own() {
    let world = World::new();
    let (one, two) = (project(&world, "one"), project(&world, "two"));
    let (first, second) = (ensure_web(&world, &one).stdout, ensure_web(&world, &two).stdout);
    let root = world.path("one").canonicalize().expect("a directory");
    assert!(first.starts_with(&format!("web@{}\n", root.display())), "{first}");
    assert_ne!(first.lines().nth(1), second.lines().nth(1));
    assert_eq!(ensure_web(&world, root.as_path()).stdout, first, "the root and what is below it are one project");
}

#[test]
fn inside_a_project_its_short_name_does() {
    let world = World::new();
    let (one, elsewhere) = (project(&world, "one"), project(&world, "two"));
    let name = ensure_web(&world, &one).stdout.lines().next().expect("a name").to_owned();
    run_in(&world, &elsewhere, &["status", "web"]).expect(3);
    assert_eq!(run_in(&world, &one, &["status", "web", "--print", "name"]).expect(0).stdout.trim(), name);
    run_in(&world, &elsewhere, &["status", &name]).expect(0);
    assert!(run_in(&world, &elsewhere, &["list"]).expect(0).stdout.contains("web@"));
    assert_eq!(run_in(&world, &one, &["restart", "web", "--print", "generation"]).expect(0).stdout.trim(), "2");
    run_in(&world, &one, &["stop", "web"]).expect(0);
    run_in(&world, &one, &["status", "web"]).expect(3);
}

#[test]
fn the_very_name_comes_before_that_of_the_project() {
    let world = World::new();
    let one = project(&world, "one");
    ensure_web(&world, &one);
    let (server, port) = (fixture().display().to_string(), free_port().to_string());
    run_in(&world, &one, &["ensure", "web", "--port", &port, "--", &server, "--port", &port]).expect(0);
    assert_eq!(run_in(&world, &one, &["status", "web", "--print", "name"]).expect(0).stdout, "web\n");
}

#[test]
fn a_directory_through_a_link_is_the_same_project() {
    let world = World::new();
    project(&world, "one");
    std::os::unix::fs::symlink(world.path("one"), world.path("link")).expect("a link");
    assert_eq!(ensure_web(&world, &world.path("one")).stdout, ensure_web(&world, &world.path("link")).stdout);
}

#[test]
fn sockets_are_listened_on_for_the_server() {
    let world = World::new();
    let server = fixture().display().to_string();
    let args = ["ensure", "web", "--port", "auto", "--listen", "http=tcp:auto", "--print", "port", "--", &server, "--passed"];
    let port = world.run(&args).expect(0).stdout;
    assert!(port.trim().parse::<u16>().is_ok(), "{port}");
    let taken = format!("tcp:{}", port.trim());
    let failed = world.run(&["ensure", "api", "--port", "1", "--listen", &taken, "--", &server, "--passed"]).expect(1);
    assert!(failed.stderr.contains("ERR_SPAWNLOCK_PORT_IN_USE"), "{}", failed.stderr);
}
