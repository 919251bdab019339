//! Callers that are interrupted, have nothing, or ask for themselves.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use spawnlock::{Cancel, Check, ErrorCode, Verdict};
use spawnlock_tests::{Scene, process_alive, program, wait_until};

const SOON: Duration = Duration::from_secs(15);

/// Interrupts the whole group of one client after `ms`, while another client in its own group waits for the same server.
fn interrupted_after(ms: u64, interrupt: Signal) {
    let scene = Scene::new();
    let flags = ["--delay", "60", "--initializing", "60"];
    let first = scene.client(&flags).own_group().start();
    let start = Instant::now();
    let second = scene.client(&flags).own_group().start();
    thread::sleep(Duration::from_millis(ms).saturating_sub(start.elapsed()));
    let _ = kill_process_group(Pid::from_raw(first.pid() as i32).unwrap(), interrupt);
    let (first, second) = (first.finish(SOON), second.finish(SOON));
    assert_eq!(scene.living(), [second.pid()], "after {ms} ms: {first:#?}");
    assert_eq!(scene.starts().len(), 1, "after {ms} ms: {first:#?}");
}

#[test]
fn ctrl_c_to_the_group_of_the_starter_leaves_the_server_and_the_other_waiters_alone() {
    for ms in [0, 1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 40, 60, 80, 100, 120, 130, 140, 160] {
        interrupted_after(ms, Signal::INT);
    }
}

#[test]
fn a_terminal_that_closes_leaves_the_server_alone() {
    for ms in [5, 50, 130] {
        interrupted_after(ms, Signal::HUP);
    }
}

#[test]
fn a_deleted_working_directory_is_no_obstacle() {
    let scene = Scene::new();
    let gone = scene.path("gone");
    fs::create_dir(&gone).unwrap();
    let outcome = scene.client(&[]).flag(&["--events"]).after_shell(&format!("cd {0}; rmdir {0}", gone.display())).run();
    assert_eq!(scene.living(), [outcome.pid()]);
    assert_eq!(scene.page("/limits")["cwd"], "/");
    assert!(outcome.stderr.contains("working directory"), "{outcome:#?}");
}

#[test]
fn the_directory_of_the_caller_is_that_of_the_server_and_may_be_deleted_later() {
    let scene = Scene::new();
    let dir = scene.path("dir");
    fs::create_dir(&dir).unwrap();
    assert!(scene.client(&[]).after_shell(&format!("cd {}", dir.display())).run().is_ok());
    assert_eq!(scene.page("/limits")["cwd"], dir.to_str().unwrap());
    fs::remove_dir(&dir).unwrap();
    assert!(scene.client(&[]).run().is_ok());
    assert_eq!(scene.starts().len(), 1);
}

#[test]
fn a_caller_without_any_variable_gets_its_server() {
    let scene = Scene::new();
    let outcome = scene.client(&[]).bare_env().run();
    assert_eq!(scene.living(), [outcome.pid()]);
}

#[test]
fn a_caller_whose_children_are_collected_by_nobody_gets_its_server() {
    let scene = Scene::new();
    let outcome = scene.client(&["--delay", "200"]).after_shell("trap '' CHLD").run();
    assert_eq!(scene.living(), [outcome.pid()]);
}

#[test]
fn a_caller_whose_children_are_collected_by_nobody_hears_of_an_early_death() {
    let scene = Scene::new();
    let outcome = scene.client(&["--delay", "9000", "--exit-after", "200", "--exit-code", "6"]).after_shell("trap '' CHLD").run();
    assert_eq!(outcome.code(), "ERR_SPAWNLOCK_EXITED", "{outcome:#?}");
    assert!(outcome.ms() < 1000.0, "{outcome:#?}");
}

#[test]
fn a_cancelled_wait_ends_at_once_and_the_server_comes_up_all_the_same() {
    let scene = Scene::new();
    let cancel = Cancel::new();
    let call = scene.spec(&["--initializing", "1500"]).cancel(cancel.clone());
    let call = thread::spawn(move || call.ensure());
    wait_until("the server is being started", SOON, || scene.starts().len() == 1);
    let start = Instant::now();
    cancel.cancel();
    let error = call.join().unwrap().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Cancelled);
    assert!(start.elapsed() < Duration::from_millis(50), "{:?}", start.elapsed());
    assert_eq!(scene.spec(&[]).ensure().unwrap().pid(), Some(scene.starts()[0]));
    assert_eq!(scene.starts().len(), 1);
}

#[test]
fn a_cancelled_waiter_leaves_the_holder_alone() {
    let scene = Scene::new();
    let starter = scene.client(&["--initializing", "1000"]).start();
    wait_until("the server is being started", SOON, || scene.starts().len() == 1);
    let cancel = Cancel::new();
    let call = scene.spec(&[]).cancel(cancel.clone());
    let call = thread::spawn(move || call.ensure());
    thread::sleep(Duration::from_millis(100));
    cancel.cancel();
    assert_eq!(call.join().unwrap().unwrap_err().code(), ErrorCode::Cancelled);
    assert_eq!(scene.living(), [starter.finish(SOON).pid()]);
}

#[test]
fn a_server_that_asks_for_itself_is_told_so_at_once() {
    let scene = Scene::new();
    let answer = scene.path("answer");
    let start = Instant::now();
    let server = scene.spec(&["--ensure-self", answer.to_str().unwrap()]).ensure().unwrap();
    assert_eq!(fs::read_to_string(&answer).unwrap().trim(), "ERR_SPAWNLOCK_RECURSIVE");
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert_eq!(scene.starts(), [server.pid().unwrap()]);
}

#[test]
fn a_child_of_the_start_that_asks_for_the_server_is_told_so_at_once() {
    let scene = Scene::new();
    let answer = scene.path("answer");
    let asking = format!(
        "{} --name {} --ready {} --timeout-ms 5000 --state-dir {}",
        program("contender").display(),
        scene.name(),
        scene.url(),
        scene.state_dir().display()
    );
    let serving = scene.command(&[]).join(" ");
    let line = format!("{asking} -- {serving} > {}; exec {serving}", answer.display());
    scene.looking().shell(line).ensure().unwrap();
    let answer: serde_json::Value = serde_json::from_str(&fs::read_to_string(&answer).unwrap()).unwrap();
    assert_eq!(answer["code"], "ERR_SPAWNLOCK_RECURSIVE", "{answer}");
    assert!(answer["ms"].as_f64().unwrap() < 500.0, "{answer}");
    assert_eq!(scene.starts().len(), 1);
}

#[test]
fn a_server_may_ask_for_another_server() {
    let scene = Scene::new();
    let other = Scene::new();
    let (serving, theirs) = (scene.command(&[]).join(" "), other.command(&[]).join(" "));
    let asking = format!(
        "{} --name other --ready {} --timeout-ms 5000 --state-dir {}",
        program("contender").display(),
        other.url(),
        scene.state_dir().display()
    );
    scene.looking().shell(format!("{asking} -- {theirs} && exec {serving}")).ensure().unwrap();
    assert_eq!(other.living().len(), 1);
    scene.states().stop(scene.name(), &spawnlock::StopOptions::new()).unwrap();
    assert_eq!(other.living().len(), 1, "the other server is everybody's, and lives on");
    scene.states().stop("other", &spawnlock::StopOptions::new()).unwrap();
}

#[test]
fn a_check_that_asks_for_its_own_server_is_told_so_at_once() {
    let scene = Scene::new();
    let inner = scene.spec(&[]).timeout(Duration::from_secs(3));
    let recursive = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&recursive);
    let port = scene.port();
    let check = Check::function(move || {
        let code = inner.clone().ensure().map_err(|error| error.code());
        seen.fetch_or(code.is_err_and(|code| code == ErrorCode::Recursive), Ordering::SeqCst);
        let there = std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
        (if there { Verdict::Ready } else { Verdict::Dead }, "asked for itself".into())
    });
    let start = Instant::now();
    let spec = spawnlock::ServerSpec::new(scene.name()).state_dir(scene.state_dir()).command(scene.command(&[]));
    let outcome = spec.ready(check).timeout(Duration::from_secs(6)).ensure();
    assert!(outcome.is_ok(), "{outcome:?}");
    assert!(recursive.load(Ordering::SeqCst), "{outcome:?}");
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_listener_that_asks_for_the_server_is_told_so_at_once() {
    let scene = Scene::new();
    let inner = scene.spec(&[]).timeout(Duration::from_secs(3));
    let recursive = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&recursive);
    let spec = scene.spec(&["--delay", "50"]).on_event(move |_| {
        let code = inner.clone().ensure().map_err(|error| error.code());
        if code.is_err_and(|code| code == ErrorCode::Recursive) {
            seen.store(true, Ordering::SeqCst);
        }
    });
    spec.ensure().unwrap();
    assert!(recursive.load(Ordering::SeqCst));
}

#[test]
fn what_is_disabled_is_looked_for_and_never_started() {
    let scene = Scene::new();
    let outcome = scene.client(&[]).env("SPAWNLOCK_DISABLE", "1").run();
    assert_eq!(outcome.code(), "ERR_SPAWNLOCK_NOT_RUNNING", "{outcome:#?}");
    assert_eq!(scene.starts().len(), 0);
    let pid = scene.client(&[]).run().pid();
    assert_eq!(scene.client(&[]).env("SPAWNLOCK_DISABLE", "1").run().pid(), pid);
    assert!(process_alive(pid));
}
