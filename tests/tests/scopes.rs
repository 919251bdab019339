//! Servers that are stopped with their last user.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::time::{Duration, Instant};
use std::{fs, thread};

use spawnlock::{Origin, ServerSpec, State, StopWhen};
use spawnlock_tests::process::kill_and_wait;
use spawnlock_tests::{Language, Running, Scene, gate, process_alive, program, wait_until};

const LONG: Duration = Duration::from_secs(20);

fn is_gone(scene: &Scene) -> bool {
    scene.living().is_empty() && scene.port_is_free()
}

#[test]
fn the_end_of_a_scope_stops_the_server() {
    let scene = Scene::new();
    let api = scene.spec(&[]).scoped().unwrap();
    assert_eq!(api.origin(), Origin::Started);
    assert_eq!(scene.living(), [api.pid().unwrap()]);
    drop(api);
    assert!(is_gone(&scene), "and returns when it is gone");
    assert_eq!(scene.status().state, State::Stopped);
    scene.assert_nobody_is_left();
}

#[test]
fn the_last_of_several_users_stops_the_server() {
    let scene = Scene::new();
    let scopes: Vec<_> = (0..3).map(|_| scene.spec(&[]).scoped().unwrap()).collect();
    let pid = scopes[0].pid().unwrap();
    for scope in scopes {
        assert!(process_alive(pid));
        assert_eq!(scene.page("/pid"), pid);
        drop(scope);
    }
    wait_until("the server is gone", LONG, || is_gone(&scene));
    assert_eq!(scene.starts().len(), 1);
}

#[test]
fn a_release_is_the_end_of_one_use_and_of_no_other() {
    let scene = Scene::new();
    let one = scene.spec(&[]).stop(StopWhen::Last).ensure().unwrap();
    let other = scene.spec(&[]).stop(StopWhen::Last).ensure().unwrap();
    one.release();
    one.release();
    assert_eq!(scene.spec(&[]).scoped().unwrap().origin(), Origin::Reused, "the other uses it still");
    other.release();
    wait_until("the server is gone", LONG, || is_gone(&scene));
}

#[test]
fn a_killed_users_server_is_stopped_all_the_same() {
    let scene = Scene::new();
    let client = scene.client(&[]).flag(&["--scoped", "--hold"]).start();
    wait_until("the server is ready", LONG, || scene.status().state == State::Running);
    // Its starter, so that nobody but the minder is left to see to it.
    kill_and_wait(client.pid());
    let since = Instant::now();
    client.finish(LONG);
    wait_until("the server is gone", Duration::from_secs(5), || is_gone(&scene));
    assert!(since.elapsed() < Duration::from_secs(3), "{:?}", since.elapsed());
    scene.assert_nobody_is_left();
}

#[test]
fn a_program_without_the_command_beside_it_takes_its_minder_from_path() {
    let scene = Scene::new();
    let elsewhere = scene.path("contender");
    fs::copy(program("contender"), &elsewhere).unwrap();
    let language = Language::Other(vec![elsewhere.display().to_string()]);
    let bin = program("server-init").parent().unwrap().display().to_string();
    let client = scene.client(&[]).language(&language).flag(&["--scoped", "--hold"]).env("PATH", bin).start();
    wait_until("the server is ready", LONG, || scene.status().state == State::Running);
    kill_and_wait(client.pid());
    client.finish(LONG);
    wait_until("the server is gone", LONG, || is_gone(&scene));
    scene.assert_nobody_is_left();
}

#[test]
fn a_server_lingers_for_the_next_user() {
    let scene = Scene::new();
    let linger = |scene: &Scene| scene.spec(&[]).linger(Duration::from_millis(1500));
    let first = linger(&scene).ensure().unwrap();
    let since = Instant::now();
    first.release();
    let second = linger(&scene).ensure().unwrap();
    assert_eq!((second.origin(), second.pid()), (Origin::Reused, first.pid()));
    thread::sleep(Duration::from_secs(2));
    assert!(process_alive(first.pid().unwrap()), "a new user ends the lingering");
    second.release();
    wait_until("the server is gone", LONG, || is_gone(&scene));
    assert!(since.elapsed() > Duration::from_millis(3500), "it lingered after its second user, too: {:?}", since.elapsed());
}

#[test]
fn a_server_that_somebody_wants_kept_is_kept() {
    let scene = Scene::new();
    let scoped = scene.spec(&[]).scoped().unwrap();
    let kept = scene.spec(&[]).ensure().unwrap();
    assert_eq!((kept.origin(), kept.pid()), (Origin::Reused, scoped.pid()));
    drop(scoped);
    thread::sleep(Duration::from_millis(500));
    assert_eq!(scene.spec(&[]).ensure().unwrap().pid(), kept.pid());
    scene.stop().unwrap();
    scene.assert_nobody_is_left();
    // The wish was for that start, and not for the next.
    drop(scene.spec(&[]).scoped().unwrap());
    wait_until("the next server is gone", LONG, || is_gone(&scene));
}

#[test]
fn a_scope_on_a_server_that_runs_for_good_leaves_it_running() {
    let scene = Scene::new();
    let kept = scene.spec(&[]).ensure().unwrap();
    drop(scene.spec(&[]).scoped().unwrap());
    thread::sleep(Duration::from_millis(300));
    assert_eq!(scene.living(), [kept.pid().unwrap()]);
}

#[test]
fn nobody_is_given_a_server_that_is_about_to_go() {
    let scene = Scene::new();
    for _ in 0..40 {
        let api = scene.spec(&["--die-slowly", "30"]).ensure_scoped().unwrap();
        assert_eq!(scene.page("/pid"), api.pid().unwrap(), "it serves while it is used");
        api.release();
        // Sooner or later than the minder decides, by chance.
        thread::sleep(Duration::from_micros(u64::from(std::process::id() % 7) * 100));
        let next = scene.spec(&["--die-slowly", "30"]).ensure_scoped().unwrap();
        thread::sleep(Duration::from_millis(50));
        assert_eq!(scene.page("/pid"), next.pid().unwrap(), "and goes on serving whoever came to it: {:?}", next.origin());
    }
}

/// So many users in all languages, each with so many scopes.
fn come_and_go(count: usize, rounds: &str, limit: Duration) {
    let scene = Scene::new();
    let gate = scene.path("gate");
    let languages: Vec<_> = Language::all().into_iter().filter(|language| !matches!(language, Language::Cli(_))).collect();
    let user = |at: usize| {
        let client = scene.client(&[]).language(&languages[at % languages.len()]).timeout(limit);
        client.flag(&["--scoped", "--rounds", rounds]).gate(gate.clone()).start()
    };
    let users: Vec<Running> = (0..count).map(user).collect();
    wait_until("all wait at the gate", LONG, || gate::waiting_at(&gate) == count);
    gate::open(&gate).unwrap();
    for user in users {
        let outcome = user.finish(limit);
        assert!(outcome.is_ok(), "{outcome:#?}");
    }
    wait_until("the last server is gone", LONG, || is_gone(&scene));
    scene.assert_nobody_is_left();
    println!("{} starts for {count} users of {rounds} scopes", scene.starts().len());
}

#[test]
fn many_users_who_come_and_go_have_one_server_after_the_other_and_always_one_that_serves() {
    come_and_go(12, "10", Duration::from_secs(60));
}

#[test]
#[ignore = "long: make storm"]
fn thirty_users_with_fifty_scopes_each_always_have_a_server_that_serves() {
    come_and_go(30, "50", Duration::from_secs(600));
}

#[test]
fn a_server_outlives_its_minder_and_gets_another_from_the_next_user() {
    let scene = Scene::new();
    let api = scene.spec(&[]).scoped().unwrap();
    let minder = scene.minders();
    assert_eq!(minder.len(), 1, "one minder for one server");
    kill_and_wait(minder[0]);
    assert_eq!(scene.page("/pid"), api.pid().unwrap());
    let next = scene.spec(&[]).scoped().unwrap();
    assert_eq!(next.pid(), api.pid());
    wait_until("somebody watches again", LONG, || scene.minders().len() == 1);
    drop((api, next));
    wait_until("the server is gone", LONG, || is_gone(&scene));
    scene.assert_nobody_is_left();
}

#[test]
fn who_leaves_last_after_the_minder_was_killed_has_the_server_stopped() {
    let scene = Scene::new();
    let api = scene.spec(&[]).scoped().unwrap();
    scene.minders().into_iter().for_each(kill_and_wait);
    drop(api);
    wait_until("the server is gone", LONG, || is_gone(&scene));
}

#[test]
fn a_start_that_fails_under_a_minder_says_why_and_leaves_nobody() {
    let scene = Scene::new();
    let flags = ["--exit-after", "50", "--exit-code", "7", "--print", "no such module", "--never-healthy"];
    let since = Instant::now();
    let error = scene.spec(&flags).scoped().map(drop).unwrap_err();
    let took = since.elapsed();
    assert_eq!(error.code().as_str(), "ERR_SPAWNLOCK_EXITED", "{error}");
    assert_eq!(error.failure().exit_code, Some(7), "{error}");
    assert_eq!(error.failure().log_tail, ["no such module"]);
    assert!(took < Duration::from_secs(2), "the death is noticed when it happens: {took:?}");
    scene.assert_nobody_is_left();
}

#[test]
fn a_command_that_cannot_be_run_is_told_through_a_minder_as_without() {
    let scene = Scene::new();
    let spec = ServerSpec::new(scene.name()).state_dir(scene.state_dir()).ready(scene.url()).command(["/no/such/program"]);
    let (with, without) = (spec.clone().scoped().map(drop).unwrap_err(), spec.ensure().unwrap_err());
    assert_eq!(with.to_string(), without.to_string());
    assert_eq!(with.failure().errno, without.failure().errno);
    scene.assert_nobody_is_left();
}

#[test]
fn a_launcher_that_hands_over_is_watched_to_the_end_of_what_it_started() {
    let scene = Scene::new();
    let api = scene.spec(&["--fork-launcher"]).scoped().unwrap();
    let pid = api.pid().unwrap();
    assert!(process_alive(pid));
    drop(api);
    wait_until("the server is gone", LONG, || is_gone(&scene) && !process_alive(pid));
    scene.assert_nobody_is_left();
}

#[test]
fn linger_without_an_end_is_refused() {
    let scene = Scene::new();
    let error = scene.spec(&[]).stop(StopWhen::Never).linger(Duration::from_secs(1)).ensure().unwrap_err();
    assert_eq!(error.code().as_str(), "ERR_SPAWNLOCK_CONFIG");
    assert!(error.to_string().contains("linger"), "{error}");
}
