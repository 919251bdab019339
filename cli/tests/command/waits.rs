//! `wait`: what it waits for, and its exit codes; and the checks that ask no server.

use std::fs;
use std::net::TcpListener;

use rustix::process::Signal;
use serde_json::json;

use crate::world::{World, free_port, words};

fn wait(args: &[&str]) -> Vec<String> {
    ["wait"].iter().chain(args).map(|word| (*word).to_owned()).collect()
}

#[test]
fn what_is_there_is_not_waited_for() {
    let world = World::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let tcp = format!("tcp:{}", listener.local_addr().expect("an address"));
    assert_eq!(world.run(&["wait", &tcp, "exec:true", "file:/"]).expect(0).stdout, "ok\n");
    assert_eq!(world.run(&["wait", "file:.", "--json"]).expect(0).json(), json!({ "ok": true }));
    let object = json!({ "exec": ["test", "-d", "/"] }).to_string();
    world.run(&["wait", &object, "-t", "5s"]).expect(0);
}

#[test]
fn what_comes_is_waited_for_and_what_goes_too() {
    let world = World::new();
    let (here, gone) = (wait(&["file:here"]), wait(&["--gone", "file:here"]));
    let waiting = world.begin(&here, "told");
    waiting.wait_until_told("waiting for file:here: no such file");
    fs::write(world.path("here"), "").expect("a file");
    assert_eq!(waiting.finish().expect(0).stdout, "ok\n");
    let waiting = world.begin(&gone, "told");
    waiting.wait_until_told("waiting for file:here: exists");
    fs::remove_file(world.path("here")).expect("a file");
    waiting.finish().expect(0);
}

#[test]
fn a_wait_that_is_over_or_interrupted_or_wrong_has_its_exit_code() {
    let world = World::new();
    let tcp = format!("tcp:127.0.0.1:{}", free_port());
    let late = world.run(&["wait", &tcp, "exec:echo not yet; exit 3", "--timeout", "200ms"]).expect(124);
    assert!(late.stderr.contains("2 of 2 checks were not ready") && late.stderr.contains("exit code 3: not yet"), "{}", late.stderr);
    for wrong in [&["wait"][..], &["wait", "localhost"], &["wait", "notify"], &["wait", "https-get://localhost"], &["wait", "{"]] {
        let told = world.run(wrong).expect(2).stderr;
        assert!(told.contains("option `CHECK`"), "{told}");
    }
    world.run(&["wait", "file:/", "--timeout", "5"]).expect(2);
    world.run(&["wait", "exec:no-such-program-here"]).expect(2);
    let waiting = world.begin(&wait(&["file:never"]), "told");
    waiting.wait_until_told("waiting");
    waiting.signal(Signal::TERM);
    waiting.finish().expect(143);
}

#[test]
fn a_server_may_be_known_by_a_command_a_line_of_its_log_a_file_or_its_own_word() {
    let world = World::new();
    let starts = format!("file:{}", world.path("starts").display());
    let flags = ["--ready", "log:up on (?<port>\\d+)", "--ready", "notify", "--ready", &starts, "--ready", "exec:test -S socket"];
    let knobs = ["--print", "up on 4321", "--notify", "STATUS=warming up", "--notify", "READY=1"];
    let got = world.run(&words(&world.ensure(&[&flags[..], &["--print", "origin"]].concat(), &knobs))).expect(0);
    assert_eq!(got.stdout, "started\n");
    assert!(got.stderr.contains("warming up"), "{}", got.stderr);
    let again = world.run(&words(&world.ensure(&[&flags[..], &["--print", "origin"]].concat(), &knobs))).expect(0);
    assert_eq!(again.stdout, "reused\n");
    assert_eq!(world.run(&["status", "api", "--print", "health"]).expect(0).stdout, "ready\n");
}
