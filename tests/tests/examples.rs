//! The examples of servers that are passed their socket: each really runs, or says why it could not.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use spawnlock::{Origin, Port, Scope, ServerSpec};
use spawnlock_tests::Scene;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// A program of PATH, or of the environment that `make` builds for the tests.
fn installed(name: &str) -> Option<String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let dirs = std::iter::once(root().join("build/venv/bin")).chain(std::env::split_paths(&path));
    let found = dirs.map(|dir| dir.join(name)).find(|file| file.is_file());
    if found.is_none() {
        eprintln!("skipped: {name} is not installed");
    }
    found.map(|file| file.display().to_string())
}

/// Starts the example with a socket of its own, and finds it again.
#[track_caller]
fn serves(program: Option<String>, args: &[&str]) {
    let Some(program) = program else { return };
    let scene = Scene::new();
    let get = || {
        let spec = ServerSpec::new(scene.name()).state_dir(scene.state_dir()).scope(Scope::User).port(Port::Auto).cwd(root());
        // So that what a test leaves behind is found by the scene.
        let spec = spec.env("SCENE", scene.path("").display().to_string());
        spec.command([&[program.as_str()], args].concat()).listen("tcp:auto").timeout(Duration::from_secs(60)).ensure().unwrap()
    };
    let first = get();
    let second = get();
    assert_eq!((first.origin(), second.origin(), second.port()), (Origin::Started, Origin::Reused, first.port()));
    scene.stop().unwrap();
}

#[test]
fn a_server_in_node_serves_the_socket_it_is_passed() {
    serves(installed("node"), &["examples/listen/server.mjs"]);
}

#[test]
fn a_server_in_python_serves_the_socket_it_is_passed() {
    serves(installed("python3"), &["examples/listen/server.py"]);
}

#[test]
fn uvicorn_serves_the_socket_it_is_passed() {
    serves(installed("uvicorn"), &["--app-dir", "examples/listen", "--fd", "3", "app:asgi"]);
}

#[test]
fn gunicorn_serves_the_socket_it_is_passed() {
    serves(installed("gunicorn"), &["--chdir", "examples/listen", "--worker-tmp-dir", "/tmp", "app:wsgi"]);
}

#[test]
fn a_server_in_rust_serves_the_socket_it_is_passed() {
    serves(Some(spawnlock_tests::program("listen-server").display().to_string()), &[]);
}

/// A snippet follows the name of its file: `<!-- examples/… -->`.
#[test]
fn the_page_about_test_runners_shows_the_examples_as_they_are() {
    let page = std::fs::read_to_string(root().join("docs/test-runners.md")).unwrap();
    let snippets: Vec<_> = page.split("<!-- examples/").skip(1).filter_map(|rest| rest.split_once(" -->\n```")).collect();
    assert_eq!((snippets.len(), snippets.is_empty()), (page.matches("<!-- examples/").count(), false));
    for (file, rest) in snippets {
        let (_, code) = rest.split_once('\n').unwrap();
        let shown = code.split("\n```\n").next().unwrap();
        assert_eq!(shown, std::fs::read_to_string(root().join("examples").join(file)).unwrap().trim_end(), "{file}");
    }
}
