//! What a server inherits: nothing of its caller but the alive lock.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use spawnlock_tests::{Client, Scene, wait_until};

/// Fails unless the server holds only null, its log, its own sockets and the alive lock.
#[track_caller]
fn assert_nothing_inherited(scene: &Scene) {
    let fds = scene.page("/fds");
    let place = scene.place();
    let (log, alive) = (place.join("server.log"), place.join("alive.lock"));
    assert_eq!(fds["0"], "/dev/null", "{fds}");
    assert_eq!((fds["1"].as_str(), fds["2"].as_str()), (log.to_str(), log.to_str()), "{fds}");
    let mut alive_locks = 0;
    for (number, link) in fds.as_object().unwrap() {
        let link = link.as_str().unwrap();
        alive_locks += usize::from(Path::new(link) == alive);
        let own = link.starts_with("socket:") || link.starts_with("/proc/") || Path::new(link) == alive;
        assert!(own || number.parse::<u32>().unwrap() < 3, "descriptor {number} is the caller's: {fds}");
    }
    assert_eq!(alive_locks, 1, "{fds}");
    let number = fds.as_object().unwrap().iter().find(|(_, link)| link.as_str().map(Path::new) == Some(&alive)).unwrap().0;
    assert!(number.parse::<u32>().unwrap() > 9, "the alive lock is out of the way of 3, 4, …: {fds}");
}

/// Runs a client that returns although the server lives on.
#[track_caller]
fn returns(client: Client) {
    let outcome = client.timeout(Duration::from_secs(8)).run();
    assert!(outcome.is_ok(), "{outcome:#?}");
    assert!(outcome.took < Duration::from_secs(5), "{outcome:#?}");
}

#[test]
fn a_locked_descriptor_of_the_caller_is_free_again_while_the_server_lives() {
    let scene = Scene::new();
    let file = scene.path("held");
    let outcome = scene.client(&[]).after_shell(&format!("exec 9>{}; flock 9", file.display())).run();
    assert_eq!(scene.living(), [outcome.pid()]);
    File::open(&file).unwrap().try_lock().expect("nobody holds the caller's lock any more");
    assert_nothing_inherited(&scene);
}

#[test]
fn a_command_substitution_returns_while_the_server_lives() {
    let scene = Scene::new();
    returns(scene.client(&[]).after_shell(r#"line=$("$@" 2>&1); echo "$line""#));
    assert_eq!(scene.living().len(), 1);
    assert_nothing_inherited(&scene);
}

#[test]
fn a_pipe_ends_while_the_server_lives() {
    let scene = Scene::new();
    returns(scene.client(&[]).after_shell(r#""$@" 2>&1 | cat"#));
    assert_eq!(scene.living().len(), 1);
}

#[test]
fn a_hundred_open_descriptors_without_close_on_exec_stay_with_the_caller() {
    let scene = Scene::new();
    returns(scene.client(&[]).under(&["bash", "-c", r#"for n in {10..110}; do eval "exec $n</dev/zero"; done; exec "$@""#, "bash"]));
    assert_nothing_inherited(&scene);
}

#[test]
fn a_server_that_closes_what_it_inherited_is_still_known() {
    let scene = Scene::new();
    let server = scene.spec(&["--close-fds"]).ensure().unwrap();
    assert_eq!(scene.record()["alive"], "pid");
    assert_eq!(scene.spec(&[]).ensure().unwrap().pid(), server.pid());
    assert_eq!(scene.status().pid, server.pid());
    scene.stop().unwrap();
    scene.assert_nobody_is_left();
}

#[test]
fn a_closed_stdin_stdout_and_stderr_of_the_caller_are_not_taken_for_the_servers() {
    let scene = Scene::new();
    let client = scene.client(&[]).after_shell("exec 0<&- 1>&- 2>&-").start();
    wait_until("the server is started", Duration::from_secs(10), || !scene.starts().is_empty());
    assert!(client.finish(Duration::from_secs(20)).is_ok());
    assert_nothing_inherited(&scene);
    let record = std::fs::read_to_string(scene.place().join("server.json")).unwrap();
    assert!(record.starts_with('{') && record.trim_end().ends_with('}'), "nothing was printed into a file of ours: {record}");
}

#[test]
fn the_server_leads_a_session_of_its_own_with_default_signals_and_the_declared_umask() {
    let scene = Scene::new();
    let outcome = scene.client(&[]).after_shell("umask 077; trap '' HUP INT QUIT TERM USR1; cd /").run();
    let limits = scene.page("/limits");
    let pid = outcome.pid();
    assert_eq!((limits["session"].as_u64(), limits["group"].as_u64()), (Some(pid.into()), Some(pid.into())), "{limits}");
    assert_eq!(limits["umask"], "0022");
    assert_eq!(limits["cwd"], "/");
    assert_eq!(limits["blocked"].as_str().unwrap().trim_start_matches('0'), "", "{limits}");
    // Of the classic signals only SIGPIPE, 13, which the fixture ignores itself, as every Rust program does.
    let ignored = u64::from_str_radix(limits["ignored"].as_str().unwrap(), 16).unwrap();
    assert_eq!(ignored & 0x7fff_ffff, 1 << 12, "{limits}");
}

#[test]
fn the_server_is_told_its_name_its_place_and_its_generation() {
    let scene = Scene::new();
    scene.spec(&[]).env("DECLARED", "yes").ensure().unwrap();
    let env = scene.page("/env");
    assert_eq!(env["SPAWNLOCK_NAME"], scene.name());
    assert_eq!(env["SPAWNLOCK_PLACE"], scene.place().to_str().unwrap());
    assert_eq!(env["SPAWNLOCK_GENERATION"], "1");
    assert_eq!(env["DECLARED"], "yes");
}

#[test]
fn without_inheritance_the_server_gets_only_what_was_declared() {
    let scene = Scene::new();
    scene.spec(&[]).inherit_env(false).env("DECLARED", "yes").ensure().unwrap();
    let env = scene.page("/env");
    let mut keys: Vec<&str> = env.as_object().unwrap().keys().map(String::as_str).filter(|key| !key.starts_with("SPAWNLOCK_")).collect();
    keys.retain(|key| !matches!(*key, "PATH" | "HOME"));
    assert_eq!(keys, ["DECLARED"]);
}
