//! Servers that die before they are ready, and commands that cannot be run.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use spawnlock::{Error, ErrorCode, Origin, State};
use spawnlock_tests::process::own_zombies;
use spawnlock_tests::{Scene, set_mode, wait_until};

/// How long after the death the error may come.
const NOTICE: Duration = Duration::from_millis(300);

/// How long ago the server noted its end.
fn since_end(file: &Path) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let noted: f64 = fs::read_to_string(file).expect("the server noted its end").trim().parse().unwrap();
    now.saturating_sub(Duration::from_secs_f64(noted / 1000.0))
}

/// Fails to start a server with these flags, and measures how late the error is.
#[track_caller]
fn early_death(scene: &Scene, flags: &[&str]) -> Error {
    let end = scene.path("end");
    let flags = [flags, &["--note-end", end.to_str().unwrap()]].concat();
    let error = scene.spec(&flags).ensure().unwrap_err();
    let late = since_end(&end);
    assert!(late < NOTICE, "noticed {late:?} after the death: {error}");
    assert_eq!(scene.starts().len(), 1);
    scene.assert_nobody_is_left();
    error
}

#[test]
fn an_exit_before_ready_is_an_error_with_its_code_and_the_last_lines_of_the_log() {
    let scene = Scene::new();
    let error =
        early_death(&scene, &["--delay", "9000", "--exit-after", "50", "--exit-code", "7", "--print", "cannot find the frobnicator"]);
    assert_eq!(error.code(), ErrorCode::Exited);
    assert_eq!(error.failure().exit_code, Some(7));
    let text = error.to_string();
    for part in [
        "server \"fixture\" exited with code 7 after",
        "ERR_SPAWNLOCK_EXITED",
        "| cannot find the frobnicator",
        "server.log",
        "--exit-code 7",
    ] {
        assert!(text.contains(part), "`{part}` is missing in: {text}");
    }
}

#[test]
fn an_exit_while_initializing_is_noticed_as_soon() {
    let scene = Scene::new();
    let error = early_death(&scene, &["--never-healthy", "--exit-after", "700", "--exit-code", "1"]);
    assert_eq!((error.code(), error.failure().exit_code), (ErrorCode::Exited, Some(1)));
}

#[test]
fn an_exit_during_a_probe_that_hangs_is_noticed_as_soon() {
    let scene = Scene::new();
    let error = early_death(&scene, &["--answer", "silent", "--exit-after", "500", "--exit-code", "1"]);
    assert_eq!((error.code(), error.failure().exit_code), (ErrorCode::Exited, Some(1)));
}

#[test]
fn a_death_by_signal_is_an_error_that_names_the_signal() {
    let scene = Scene::new();
    let error = early_death(&scene, &["--delay", "9000", "--exit-after", "50", "--signal-self", "SEGV"]);
    assert_eq!(error.code(), ErrorCode::Exited);
    assert_eq!(error.failure().signal.as_deref(), Some("SIGSEGV"));
    assert!(error.to_string().contains("SIGSEGV"), "{error}");
}

#[test]
fn a_server_that_dies_right_after_its_first_ok_is_an_error_at_once() {
    let scene = Scene::new();
    let error = early_death(&scene, &["--die-after-first-ok", "--exit-code", "9"]);
    assert_eq!((error.code(), error.failure().exit_code), (ErrorCode::Exited, Some(9)));
}

#[test]
fn after_an_early_death_the_next_call_starts_anew() {
    let scene = Scene::new();
    early_death(&scene, &["--delay", "9000", "--exit-after", "20", "--exit-code", "1"]);
    let server = scene.spec(&[]).ensure().unwrap();
    assert_eq!((server.origin(), server.generation()), (Origin::Started, Some(2)));
    assert_eq!(scene.status().state, State::Running);
}

#[test]
fn the_error_shows_only_lines_of_this_start() {
    let scene = Scene::new();
    scene.spec(&["--print", "an old line"]).ensure().unwrap();
    scene.stop().unwrap();
    let error = scene.spec(&["--exit-after", "10", "--delay", "9000", "--print", "a new line"]).ensure().unwrap_err();
    assert!(error.to_string().contains("| a new line"), "{error}");
    assert!(!error.to_string().contains("| an old line"), "{error}");
}

#[test]
fn the_error_shows_only_the_last_lines_of_a_long_log() {
    let scene = Scene::new();
    let flags = ["--print", "the first line", "--print-bytes", "10000", "--delay", "9000", "--exit-after", "50"];
    let error = scene.spec(&flags).tail_lines(3).ensure().unwrap_err();
    assert_eq!(error.failure().log_tail.len(), 3, "{error}");
    assert!(error.failure().log_tail.iter().all(|line| line.starts_with('x')), "{error}");
}

#[test]
fn a_port_that_is_taken_is_hinted_at_with_its_owner() {
    let scene = Scene::new();
    let _stranger = std::net::TcpListener::bind(("127.0.0.1", scene.port())).unwrap();
    // The page asked for is another one, so that the stranger on the port is not in the way.
    let page = scene.path("s");
    let error = scene.looking().command(scene.command(&["--unix", page.to_str().unwrap()])).ensure().unwrap_err();
    let text = error.to_string();
    assert!(matches!(error.code(), ErrorCode::Unresponsive | ErrorCode::Foreign), "{text}");
    assert!(text.contains(&format!("port {} belongs to pid {}", scene.port(), std::process::id())), "{text}");
}

/// A command that cannot be run: an error at once, with the errno and a hint.
#[track_caller]
fn refused(scene: &Scene, command: &[&str], errno: i32, hint: &str) {
    let start = Instant::now();
    let error = scene.looking().command(command.iter().copied()).ensure().unwrap_err();
    assert!(start.elapsed() < NOTICE, "{:?}", start.elapsed());
    assert_eq!((error.code(), error.failure().errno), (ErrorCode::Spawn, Some(errno)), "{error}");
    assert!(error.failure().hint.as_deref().is_some_and(|text| text.contains(hint)), "no `{hint}` in: {error}");
    assert!(std::error::Error::source(&error).is_some());
    assert_eq!(scene.status().state, State::Stopped);
    wait_until("no zombie is left", Duration::from_secs(2), || own_zombies().is_empty());
    scene.assert_nobody_is_left();
}

/// An executable file with this content.
fn script(scene: &Scene, text: &str, mode: u32) -> String {
    let file = scene.path("script");
    fs::write(&file, text).unwrap();
    set_mode(&file, mode);
    file.display().to_string()
}

#[test]
fn a_program_that_does_not_exist_is_refused() {
    let scene = Scene::new();
    refused(&scene, &["/no/such/program"], libc::ENOENT, "does not exist");
}

#[test]
fn a_program_that_is_nowhere_in_the_path_is_refused() {
    let scene = Scene::new();
    refused(&scene, &["no-such-program-anywhere"], libc::ENOENT, "PATH");
}

#[test]
fn a_file_that_may_not_be_run_is_refused() {
    let scene = Scene::new();
    let file = script(&scene, "#!/bin/sh\n", 0o644);
    refused(&scene, &[&file], libc::EACCES, "chmod +x");
}

#[test]
fn a_script_without_a_shebang_is_refused() {
    let scene = Scene::new();
    let file = script(&scene, "echo I am not for execve\n", 0o755);
    refused(&scene, &[&file], libc::ENOEXEC, "#!");
}

#[test]
fn a_script_with_an_interpreter_that_does_not_exist_is_refused() {
    let scene = Scene::new();
    let file = script(&scene, "#!/no/such/interpreter -x\n", 0o755);
    refused(&scene, &[&file], libc::ENOENT, "/no/such/interpreter");
}

#[test]
fn a_directory_is_refused() {
    let scene = Scene::new();
    refused(&scene, &["/usr"], libc::EACCES, "directory");
}

#[test]
fn a_launcher_that_exits_with_success_is_no_death() {
    let scene = Scene::new();
    let server = scene.spec(&["--fork-launcher", "--delay", "300"]).ensure().unwrap();
    let main = scene.starts();
    assert_eq!(main.len(), 1);
    assert_eq!((server.origin(), server.pid()), (Origin::Started, Some(main[0])), "the pid is that of what was launched");
    assert_eq!(scene.spec(&[]).ensure().unwrap().origin(), Origin::Reused);
    assert_eq!(scene.status().pid, Some(main[0]));
    scene.stop().unwrap();
    scene.assert_nobody_is_left();
}

#[test]
fn a_launched_server_that_dies_is_an_early_death() {
    let scene = Scene::new();
    let error = early_death(&scene, &["--fork-launcher", "--delay", "9000", "--exit-after", "600", "--exit-code", "4"]);
    assert_eq!(error.code(), ErrorCode::Exited);
}

#[test]
fn a_command_that_exits_with_success_and_leaves_nothing_is_an_early_death() {
    let scene = Scene::new();
    let error = scene.looking().command(["true"]).ensure().unwrap_err();
    assert_eq!((error.code(), error.failure().exit_code), (ErrorCode::Exited, Some(0)), "{error}");
}

#[test]
fn the_descendants_of_a_server_that_dies_early_die_with_it() {
    let scene = Scene::new();
    let error = early_death(&scene, &["--spawn-child", "--delay", "9000", "--exit-after", "50", "--exit-code", "1"]);
    assert_eq!(error.code(), ErrorCode::Exited);
}

#[test]
fn a_server_that_never_gets_ready_is_stopped_with_all_its_processes() {
    let scene = Scene::new();
    let spec = scene.spec(&["--never-healthy", "--spawn-child", "--ignore-term"]).timeout(Duration::from_millis(700));
    let error = spec.stop_timeout(Duration::from_millis(200)).ensure().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Timeout);
    assert!(error.to_string().contains("initializing"), "the last probe is told: {error}");
    scene.assert_nobody_is_left();
}

#[test]
fn a_long_lived_host_collects_the_servers_it_started() {
    let scene = Scene::new();
    for _ in 0..3 {
        scene.spec(&[]).ensure().unwrap();
        scene.stop().unwrap();
    }
    wait_until("no zombie is left", Duration::from_secs(2), || own_zombies().is_empty());
}
