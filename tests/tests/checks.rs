//! Checks that ask no server: commands, lines of the log, files.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use spawnlock::{Cancel, Check, CheckSource, ErrorCode, Origin, ServerSpec, Verdict};
use spawnlock_tests::process::{self, kill_and_wait};
use spawnlock_tests::{Scene, process_alive, wait_until};

const SOON: Duration = Duration::from_secs(10);

/// A server that is known by this check alone.
fn spec(scene: &Scene, check: impl Into<CheckSource>, flags: &[&str]) -> ServerSpec {
    ServerSpec::new(scene.name()).state_dir(scene.state_dir()).timeout(SOON * 2).command(scene.command(flags)).ready(check)
}

/// The same, written in shell.
fn shell(scene: &Scene, check: impl Into<CheckSource>, line: &str) -> ServerSpec {
    let line = format!("echo $$ >> {}; {line}", scene.path("starts").display());
    ServerSpec::new(scene.name()).state_dir(scene.state_dir()).timeout(SOON * 2).shell(line).ready(check)
}

/// A command that connects to the server.
fn connects(scene: &Scene) -> Check {
    let line = format!("exec 3<>/dev/tcp/127.0.0.1/{}", scene.port());
    Check::from_value(&json!({ "exec": ["bash", "-c", line] })).unwrap()
}

fn script(path: &Path, text: &str) {
    fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_command_that_exits_with_0_is_ready_and_any_other_code_lets_it_be_started() {
    let scene = Scene::new();
    let check = format!("exec:test -e {}", scene.path("made").display());
    let made = scene.path("made").display().to_string();
    let server = shell(&scene, check.as_str(), &format!("sleep 0.2; touch {made}; exec sleep 600")).ensure().unwrap();
    assert_eq!((server.origin(), server.url(), server.port()), (Origin::Started, None, None));
    let again = shell(&scene, check.as_str(), "exec sleep 600").ensure().unwrap();
    assert_eq!((again.origin(), again.pid()), (Origin::Reused, server.pid()));
    assert_eq!(scene.status().health, Some(Verdict::Ready));
    assert_eq!(scene.starts(), [server.pid().unwrap()]);
}

#[test]
fn the_last_line_and_the_code_of_a_command_are_in_the_error() {
    let scene = Scene::new();
    let check = Check::from_value(&json!({ "exec": ["sh", "-c", "echo out; echo no response >&2; exit 2"] })).unwrap();
    let error = spec(&scene, check, &[]).timeout(Duration::from_millis(500)).ensure().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Timeout);
    assert!(error.to_string().contains("exec sh -c echo out; echo no response >&2; exit 2: exit code 2: no response"), "{error}");
    scene.assert_nobody_is_left();
}

#[test]
fn a_command_runs_where_the_server_does_and_with_its_variables() {
    let scene = Scene::new();
    let dir = scene.path("home");
    fs::create_dir(&dir).unwrap();
    script(&dir.join("asks"), "echo \"$PWD $WHO $SPAWNLOCK_NAME\" > said");
    let check = Check::from_value(&json!({ "exec": ["./asks"] })).unwrap();
    let server = spec(&scene, check, &[]).cwd(&dir).env("WHO", "me").ensure().unwrap();
    assert_eq!(scene.living().len(), 0, "it said yes to a server that nobody started");
    assert_eq!(server.origin(), Origin::Foreign);
    let said = fs::read_to_string(dir.join("said")).unwrap();
    assert_eq!(said, format!("{} me {}\n", dir.canonicalize().unwrap().display(), scene.name()));
}

#[test]
fn a_program_that_does_not_exist_is_an_error_that_names_it_and_nothing_is_started() {
    for check in
        [json!({ "exec": ["no-such-program-here", "-q"] }), json!("exec:no-such-program-here -q"), json!({ "exec": ["/etc/passwd"] })]
    {
        let scene = Scene::new();
        let start = Instant::now();
        let error = spec(&scene, &check, &[]).ensure().unwrap_err();
        assert_eq!(error.code(), ErrorCode::Config, "{error}");
        let program = if check.to_string().contains("passwd") { "/etc/passwd" } else { "no-such-program-here" };
        assert!(error.to_string().contains(program), "{error}");
        assert!(start.elapsed() < SOON);
        assert_eq!(scene.starts(), [0u32; 0]);
    }
}

/// The processes whose command line has the mark.
fn marked(mark: &str) -> Vec<u32> {
    process::speaking_of(Path::new(mark))
}

#[test]
fn a_command_that_takes_too_long_is_busy_and_all_of_its_group_is_killed() {
    let scene = Scene::new();
    let mark = scene.path("mark").display().to_string();
    let line = format!("exec:sh -c 'sleep 600; : {mark}' & sleep 600; : {mark}");
    let error = spec(&scene, line.as_str(), &[]).probe_timeout(Duration::from_millis(200)).timeout(Duration::from_secs(1)).ensure();
    let error = error.unwrap_err();
    assert!(matches!(error.code(), ErrorCode::Unresponsive | ErrorCode::Timeout), "{error}");
    assert!(error.to_string().contains("no answer in time"), "{error}");
    assert_eq!(marked(&mark), [0u32; 0]);
    assert_eq!(scene.starts(), [0u32; 0], "who is busy may be there");
}

#[test]
fn what_a_command_leaves_in_the_background_ends_with_it() {
    let scene = Scene::new();
    let mark = scene.path("mark").display().to_string();
    let line = format!("exec:sh -c 'sleep 600; : {mark}' & exit 0");
    assert_eq!(spec(&scene, line.as_str(), &[]).ensure().unwrap().origin(), Origin::Foreign);
    wait_until("what was killed is gone", SOON, || marked(&mark).is_empty());
}

#[test]
fn a_cancelled_call_leaves_no_command_behind() {
    let scene = Scene::new();
    let mark = scene.path("mark").display().to_string();
    let (cancel, told) = (Cancel::new(), scene.path("begun"));
    let line = format!("exec:touch {}; sleep 600; : {mark}", told.display());
    let call = spec(&scene, line.as_str(), &[]).cancel(cancel.clone());
    let waiting = thread::spawn(move || call.ensure());
    wait_until("the command runs", SOON, || told.exists());
    cancel.cancel();
    assert_eq!(waiting.join().unwrap().unwrap_err().code(), ErrorCode::Cancelled);
    assert_eq!(marked(&mark), [0u32; 0]);
}

#[test]
fn a_command_that_never_stops_talking_is_ended_in_time() {
    let scene = Scene::new();
    let call = spec(&scene, "exec:yes", &[]).probe_timeout(Duration::from_millis(200)).timeout(Duration::from_secs(1));
    let start = Instant::now();
    assert_eq!(call.ensure().unwrap_err().code(), ErrorCode::Unresponsive);
    assert!(start.elapsed() < SOON);
}

#[test]
fn a_line_of_the_log_makes_it_ready() {
    let scene = Scene::new();
    let line = "echo warming up; sleep 0.3; echo 'listening on port 4321'; exec sleep 600";
    let server = shell(&scene, r"log:listening on port (?<port>\d+)", line).ensure().unwrap();
    assert_eq!((server.origin(), server.port()), (Origin::Started, Some(4321)));
    assert!(server.ready_ms().unwrap() >= 300);
    let again = shell(&scene, r"log:listening on port (?<port>\d+)", line).ensure().unwrap();
    assert_eq!((again.origin(), again.pid()), (Origin::Reused, server.pid()));
    assert_eq!(scene.starts().len(), 1);
}

#[test]
fn a_line_of_an_earlier_start_is_nobodys_word() {
    let scene = Scene::new();
    let first = shell(&scene, "log:at your service", "echo at your service; exec sleep 600").ensure().unwrap();
    scene.crash(first.pid().unwrap());
    let second = shell(&scene, "log:at your service", "sleep 0.5; echo at your service; exec sleep 600").ensure().unwrap();
    assert_eq!((second.origin(), second.generation()), (Origin::Started, Some(2)));
    assert!(second.ready_ms().unwrap() >= 500, "{second:?}");
}

#[test]
fn a_server_that_was_ready_stays_so_when_its_log_is_emptied() {
    let scene = Scene::new();
    let call = || shell(&scene, "log:at your service", "echo at your service; exec sleep 600");
    let server = call().ensure().unwrap();
    fs::File::options().write(true).truncate(true).open(server.log_file().unwrap()).unwrap();
    assert_eq!(call().ensure().unwrap().pid(), server.pid());
    assert_eq!(scene.status().health, Some(Verdict::Ready));
}

#[test]
fn without_the_line_the_start_runs_out_of_time_and_nothing_is_left() {
    let scene = Scene::new();
    let call = shell(&scene, "log:never said", "echo something else; exec sleep 600").timeout(Duration::from_millis(600));
    let error = call.ensure().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Timeout);
    assert!(error.to_string().contains("log:never said: no such line yet"), "{error}");
    scene.assert_nobody_is_left();
}

#[test]
fn a_long_log_is_read_once_and_not_at_every_probe() {
    let scene = Scene::new();
    // 300 MB before the line; were each of the probes to begin anew, this would take minutes.
    let line = "yes 0123456789012345678901234567890123456789 | head -c 300000000; echo; echo at your service; exec sleep 600";
    let server = shell(&scene, "log:^at your service$", line).timeout(Duration::from_secs(60)).ensure().unwrap();
    assert!(server.ready_ms().unwrap() < 60_000);
    fs::File::options().write(true).open(server.log_file().unwrap()).unwrap().set_len(0).unwrap();
}

#[test]
fn a_file_counts_only_when_it_is_not_older_than_the_start() {
    let scene = Scene::new();
    let file = scene.path("pid.file");
    fs::write(&file, "left behind").unwrap();
    let old = std::time::SystemTime::now() - Duration::from_secs(60);
    fs::File::options().write(true).open(&file).unwrap().set_modified(old).unwrap();
    let check = format!("file:{}", file.display());
    let line = format!("sleep 0.4; echo $$ > {}; exec sleep 600", file.display());
    let server = shell(&scene, check.as_str(), &line).ensure().unwrap();
    assert_eq!(server.origin(), Origin::Started);
    assert!(server.ready_ms().unwrap() >= 400, "{server:?}");
    assert_eq!(fs::read_to_string(&file).unwrap().trim(), server.pid().unwrap().to_string());
    kill_and_wait(server.pid().unwrap());
    // The times of files are as coarse as the kernel's ticks.
    thread::sleep(Duration::from_millis(50));
    let next = shell(&scene, check.as_str(), &line).ensure().unwrap();
    assert_eq!((next.origin(), next.generation()), (Origin::Started, Some(2)), "the file of a dead server is nobody's word");
    assert!(next.ready_ms().unwrap() >= 400, "{next:?}");
}

#[test]
fn a_relative_file_is_looked_for_where_the_server_runs() {
    let scene = Scene::new();
    let dir = scene.path("home");
    fs::create_dir(&dir).unwrap();
    let call = || shell(&scene, "file:up", "touch up; exec sleep 600").cwd(&dir);
    let server = call().ensure().unwrap();
    assert_eq!(call().ensure().unwrap().pid(), server.pid());
    assert!(dir.join("up").exists());
}

#[test]
fn checks_of_several_kinds_must_all_pass() {
    let scene = Scene::new();
    let file = scene.path("late");
    let check = format!("file:{}", file.display());
    let call = scene.spec(&["--print", "hello there"]).ready("log:hello .here").ready(check.as_str()).ready(connects(&scene));
    let waiting = thread::spawn(move || call.ensure());
    wait_until("it is started", SOON, || scene.living().len() == 1);
    thread::sleep(Duration::from_millis(300));
    assert!(!waiting.is_finished(), "the file is not there");
    fs::File::create(&file).unwrap().write_all(b"now").unwrap();
    let server = waiting.join().unwrap().unwrap();
    assert_eq!(server.port(), Some(scene.port()));
    assert!(process_alive(server.pid().unwrap()));
}

#[test]
fn a_restart_keeps_every_check_that_can_be_written() {
    let scene = Scene::new();
    let line = format!("exec:bash -c 'exec 3<>/dev/tcp/127.0.0.1/{}'", scene.port());
    let flags = ["--print", "hello", "--notify", "READY=1"];
    let server = scene.spec(&flags).ready("log:hel+o").ready(connects(&scene)).ready(line.as_str()).ready("notify").ensure().unwrap();
    let before = scene.record()["ready"].clone();
    assert_eq!(before.as_array().unwrap().len(), 5);
    let next = scene.restart().unwrap();
    assert_eq!(next.generation(), server.generation().map(|generation| generation + 1));
    assert_eq!(scene.record()["ready"], before);
}

#[test]
fn a_server_that_somebody_started_by_hand_is_found_though_it_left_nothing_with_us() {
    let scene = Scene::new();
    let mut child = scene.stranger(&scene.command(&[]));
    let server = scene.spec(&[]).ready("log:hello").ready("notify").ready("file:/no/such/file").ensure().unwrap();
    assert_eq!(server.origin(), Origin::Foreign);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_check_that_is_wrong_says_what_is_wrong_with_it() {
    let wrong = [
        ("log:(", "log:("),
        ("log:", "no pattern"),
        ("exec:", "names no command"),
        ("exec:  ", "names no command"),
        ("file:", "names no file"),
        ("https-get://localhost/", "no TLS"),
        ("notify:now", "write http://"),
    ];
    for (check, words) in wrong {
        let error = Check::parse(check).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Config);
        assert!(error.to_string().starts_with("option `ready` ") && error.to_string().contains(words), "{check}: {error}");
    }
    for check in [json!({ "exec": [] }), json!({ "exec": [1] }), json!({ "exec": "true", "tcp": "localhost:1" }), json!({ "log": 1 })] {
        assert_eq!(Check::from_value(&check).unwrap_err().code(), ErrorCode::Config, "{check}");
    }
}

#[test]
fn the_resource_words_of_wait_on_mean_what_they_mean_there() {
    let same = [
        ("http-get://localhost:80/x", "GET http://localhost:80/x"),
        ("http://unix:/run/a.sock:/page", "GET http+unix:/run/a.sock:/page"),
        ("tcp:4000", "tcp:localhost:4000"),
        ("socket:/run/a.sock", "unix:/run/a.sock"),
        ("file:///tmp/a", "file:/tmp/a"),
    ];
    for (theirs, ours) in same {
        assert_eq!(Check::parse(theirs).unwrap().to_string(), ours);
    }
}
