//! A person at a terminal sees a spinner; everybody else sees lines.

use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::process::Stdio;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::world::{World, words};

/// Runs `ensure` on a new server with stderr on a terminal, and gives what the terminal was sent.
fn seen_at_terminal(variables: &[(&str, &str)]) -> String {
    seen_of(&["--initializing", "300"], variables, b"ok\n")
}

fn seen_of(knobs: &[&str], variables: &[(&str, &str)], result: &[u8]) -> String {
    seen_with(&[], knobs, variables, result)
}

fn seen_with(before: &[&str], knobs: &[&str], variables: &[(&str, &str)], result: &[u8]) -> String {
    let world = World::new();
    let leader = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&leader).and_then(|()| unlockpt(&leader)).expect("our terminal");
    let name = ptsname(&leader, Vec::new()).expect("its name").into_string().expect("a text");
    let terminal = OpenOptions::new().read(true).write(true).open(name).expect("its other end");
    let mut command = world.command(&words(&world.ensure(before, knobs)));
    command.env("TERM", "xterm").envs(variables.iter().copied()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(terminal);
    let child = command.spawn().expect("the command");
    // The command object still holds the terminal; without it, the reading ends with the child.
    drop(command);
    let mut seen = Vec::new();
    let mut leader = File::from(leader);
    let mut part = [0; 4096];
    while let Ok(length @ 1..) = leader.read(&mut part) {
        seen.extend_from_slice(&part[..length]);
    }
    assert_eq!(child.wait_with_output().expect("the command").stdout, result);
    String::from_utf8_lossy(&seen).into_owned()
}

const CLEAR: &str = "\u{1b}[2K";
const COLOUR: &str = "\u{1b}[36m";

#[test]
fn a_spinner_turns_and_leaves_one_line() {
    let seen = seen_at_terminal(&[]);
    assert!(seen.contains(COLOUR) && seen.contains(CLEAR), "{seen:?}");
    assert!(seen.ends_with("server-init: server \"api\" is ready\r\n"), "{seen:?}");
}

#[test]
fn no_color_takes_the_colour_and_leaves_the_spinner() {
    let seen = seen_at_terminal(&[("NO_COLOR", "1")]);
    assert!(!seen.contains(COLOUR) && seen.contains(CLEAR), "{seen:?}");
}

#[test]
fn under_ci_and_on_a_dumb_terminal_there_are_lines() {
    for variable in [("CI", "true"), ("TERM", "dumb")] {
        let seen = seen_at_terminal(&[variable]);
        assert!(!seen.contains('\u{1b}'), "{seen:?}");
        assert_eq!(seen.matches("\r\n").count(), 2, "{seen:?}");
    }
}

#[test]
fn the_live_line_shows_what_the_server_wrote_last() {
    let seen = seen_of(&["--print", "\u{1b}[32mLoading\u{1b}[0m 12 models", "--initializing", "600"], &[], b"ok\n");
    assert!(seen.contains("api: starting, ") && seen.contains(" | Loading 12 models"), "{seen:?}");
}

#[test]
fn the_live_line_is_gone_before_a_failure_is_told() {
    let seen = seen_of(&["--delay", "60000", "--exit-after", "200", "--exit-code", "7"], &[], b"");
    let (_, behind) = seen.rsplit_once(CLEAR).expect("a live line");
    assert!(behind.starts_with("server \"api\" exited with code 7"), "{behind:?}");
    assert!(behind.contains("\u{1b}[31m[ERR_SPAWNLOCK_EXITED]"), "{behind:?}");
}

#[test]
fn what_the_server_says_of_itself_is_shown_before_its_log() {
    let knobs = ["--print", "a line of the log", "--notify", "READY=1;STATUS=Warming up", "--initializing", "600"];
    let seen = seen_with(&["--ready", "notify"], &knobs, &[], b"ok\n");
    assert!(seen.contains("api: starting, ") && seen.contains(" | Warming up"), "{seen:?}");
}
