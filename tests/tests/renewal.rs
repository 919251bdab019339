//! A server that runs already and will not do: another version, hung, crashing, or not wanted.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use spawnlock::{EndReason, ErrorCode, EventKind, OnMismatch, Origin, Reuse, ServerSpec, State, StopSignal, Unresponsive};
use spawnlock_tests::process::signal;
use spawnlock_tests::{Events, Scene, process_alive, wait_until};

const SOON: Duration = Duration::from_secs(15);

fn versioned(scene: &Scene, version: &str) -> ServerSpec {
    scene.spec(&[]).version(version)
}

#[test]
fn a_newer_version_takes_the_place_of_an_older_one_and_an_older_one_uses_the_newer() {
    let scene = Scene::new();
    let old = versioned(&scene, "1.9").ensure().unwrap();
    let new = versioned(&scene, "1.10").ensure().unwrap();
    assert_eq!((new.origin(), new.generation(), new.version()), (Origin::Started, Some(2), Some("1.10")));
    assert!(!process_alive(old.pid().unwrap()));
    let status = scene.status();
    assert_eq!(status.restarted_because.as_deref(), Some("version 1.9 → 1.10"));
    let ended = status.ended.unwrap();
    assert_eq!((ended.generation, ended.reason), (1, EndReason::Outdated));
    let events = Events::default();
    let same = events.of(versioned(&scene, "1.9")).ensure().unwrap();
    assert_eq!((same.origin(), same.pid(), same.version()), (Origin::Reused, new.pid(), Some("1.10")));
    assert!(events.messages(EventKind::Warning)[0].contains("version 1.10 and not 1.9"), "{events:?}");
}

#[test]
fn a_mismatch_is_an_error_or_no_matter_where_that_is_asked_for() {
    let scene = Scene::new();
    let server = versioned(&scene, "1").ensure().unwrap();
    let error = versioned(&scene, "2").on_mismatch(OnMismatch::Error).ensure().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Version);
    assert!(error.to_string().contains("runs in version 1, and version 2 was asked for"), "{error}");
    assert_eq!(versioned(&scene, "2").on_mismatch(OnMismatch::Reuse).ensure().unwrap().pid(), server.pid());
    assert_eq!(scene.spec(&[]).ensure().unwrap().pid(), server.pid(), "who names no version takes any");
    assert_eq!(scene.starts().len(), 1);
}

#[test]
fn versions_without_an_order_replace_each_other_once_and_never_back() {
    let scene = Scene::new();
    versioned(&scene, "a91bc03").ensure().unwrap();
    let second = versioned(&scene, "f00dfee").ensure().unwrap();
    assert_eq!(second.generation(), Some(2));
    assert_eq!(versioned(&scene, "a91bc03").ensure().unwrap().pid(), second.pid());
    let third = versioned(&scene, "cafe012").ensure().unwrap();
    assert_eq!(third.generation(), Some(3));
    for outlived in ["a91bc03", "f00dfee"] {
        assert_eq!(versioned(&scene, outlived).ensure().unwrap().pid(), third.pid());
    }
}

#[test]
fn two_who_want_different_versions_again_and_again_restart_it_once() {
    for (one, other) in [("1", "2"), ("aaaaaaa", "bbbbbbb")] {
        let scene = Scene::new();
        thread::scope(|scope| {
            for version in [one, other] {
                let scene = &scene;
                scope.spawn(move || {
                    for _ in 0..30 {
                        versioned(scene, version).ensure().unwrap();
                    }
                });
            }
        });
        assert!(scene.starts().len() <= 2, "{one} and {other}: {:?}", scene.starts());
        assert_eq!(scene.living().len(), 1);
    }
}

#[test]
fn a_server_that_others_hold_leases_on_is_not_replaced() {
    let scene = Scene::new();
    let server = versioned(&scene, "1").ensure().unwrap();
    let leases = scene.place().join("leases");
    fs::create_dir(&leases).unwrap();
    let lease = fs::File::create(leases.join("one.lease")).unwrap();
    fs::write(leases.join("one.lease"), r#"{"pid": 1, "program": "somebody", "timestamp": 1000}"#).unwrap();
    lease.lock().unwrap();
    let events = Events::default();
    assert_eq!(events.of(versioned(&scene, "2")).ensure().unwrap().pid(), server.pid());
    assert!(events.messages(EventKind::Warning)[0].contains("others hold leases"), "{events:?}");
    let users = scene.status().leases;
    assert_eq!((users[0].pid, users[0].program.as_str()), (1, "somebody"));
    drop(lease);
    assert_eq!(versioned(&scene, "2").ensure().unwrap().generation(), Some(2));
    assert!(scene.status().leases.is_empty());
}

#[test]
fn the_version_may_be_told_by_the_server_itself() {
    let scene = Scene::new();
    let asks = |flags: &[&str], version: &str| scene.spec(flags).version(version).version_field("version");
    let mut stranger =
        std::process::Command::new(&scene.command(&[])[0]).args(&scene.command(&["--version-field", "3"])[1..]).spawn().unwrap();
    wait_until("a stranger serves", SOON, || scene.looking().timeout(Duration::from_secs(1)).ensure().is_ok());
    let foreign = asks(&[], "3").ensure().unwrap();
    assert_eq!((foreign.origin(), foreign.version()), (Origin::Foreign, Some("3")));
    assert_eq!(asks(&[], "4").ensure().unwrap_err().code(), ErrorCode::Version, "never stopped, and not good enough");
    assert_eq!(asks(&[], "2").ensure().unwrap().origin(), Origin::Foreign, "a newer one will do");
    assert_eq!(asks(&[], "4").on_mismatch(OnMismatch::Reuse).ensure().unwrap().origin(), Origin::Foreign);
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    // One that says it is older than it was started as is not started again and again.
    let first = asks(&["--version-field", "1"], "2").ensure().unwrap();
    assert_eq!(asks(&["--version-field", "1"], "2").ensure().unwrap().pid(), first.pid());
}

#[test]
fn a_hung_server_is_an_error_or_replaced_and_never_serves_again() {
    let scene = Scene::new();
    let hung = scene.spec(&[]).ensure().unwrap().pid().unwrap();
    signal(hung, Signal::STOP);
    let patient = |spec: ServerSpec| spec.probe_timeout(Duration::from_millis(400)).stop_timeout(Duration::from_millis(300));
    assert_eq!(patient(scene.spec(&[])).ensure().unwrap_err().code(), ErrorCode::Unresponsive);
    let server = patient(scene.spec(&[])).unresponsive(Unresponsive::Replace).ensure().unwrap();
    assert_eq!((server.origin(), server.generation()), (Origin::Started, Some(2)));
    assert!(!process_alive(hung), "what is dead cannot be continued");
    assert_eq!(scene.living(), [server.pid().unwrap()]);
    let status = scene.status();
    assert_eq!(status.restarted_because.as_deref(), Some("unresponsive"));
    assert_eq!(status.ended.unwrap().reason, EndReason::Replaced);
}

#[test]
fn who_holds_the_port_and_is_none_of_ours_is_never_replaced() {
    let scene = Scene::new();
    let mut stranger = scene.stranger(&scene.command(&["--answer", "silent"]));
    let spec = scene.spec(&[]).probe_timeout(Duration::from_millis(300)).unresponsive(Unresponsive::Replace);
    assert_eq!(spec.ensure().unwrap_err().code(), ErrorCode::Unresponsive);
    assert!(stranger.try_wait().unwrap().is_none());
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[test]
fn a_server_that_dies_soon_after_every_ready_is_not_started_for_ever() {
    let scene = Scene::new();
    let crashing = || scene.spec(&["--exit-after-ready", "100", "--exit-code", "3", "--print", "out of cheese"]);
    for _ in 0..3 {
        let pid = crashing().ensure().unwrap().pid().unwrap();
        wait_until("it has died", SOON, || !process_alive(pid) && scene.status().state.as_str() == "stopped");
    }
    let start = Instant::now();
    let error = crashing().ensure().unwrap_err();
    assert_eq!(error.code(), ErrorCode::CrashLoop);
    assert!(start.elapsed() < Duration::from_secs(3));
    let failure = error.failure();
    assert!((1..=60_000).contains(&failure.retry_after_ms.unwrap()), "{failure:?}");
    assert!(failure.log_tail.iter().any(|line| line == "out of cheese"), "{error}");
    assert!(failure.hint.as_ref().unwrap().contains("restart"), "{error}");
    assert_eq!(scene.starts().len(), 3);
    assert_eq!(crashing().ensure().unwrap_err().code(), ErrorCode::CrashLoop, "and it stays so");
    // How it ended is known from its parent.
    let ended = scene.status().ended.unwrap();
    assert_eq!((ended.generation, ended.exit_code, ended.reason), (3, Some(3), EndReason::Exited));
    assert!(ended.log_tail.iter().any(|line| line == "out of cheese"));
    // By hand it is started at once, and counted anew.
    let server = scene.restart().unwrap();
    assert_eq!(server.generation(), Some(4));
    wait_until("it has died", SOON, || !process_alive(server.pid().unwrap()) && scene.status().state.as_str() == "stopped");
    assert_eq!(crashing().ensure().unwrap().generation(), Some(5));
}

#[test]
fn all_who_wait_hear_of_a_crash_loop() {
    let scene = Scene::new();
    let crashing = || scene.spec(&["--exit-after-ready", "50"]);
    for _ in 0..3 {
        let pid = crashing().ensure().unwrap().pid().unwrap();
        wait_until("it has died", SOON, || !process_alive(pid) && scene.status().state.as_str() == "stopped");
    }
    thread::scope(|scope| {
        let calls: Vec<_> = (0..8).map(|_| scope.spawn(|| crashing().ensure().unwrap_err().code())).collect();
        assert!(calls.into_iter().all(|call| call.join().unwrap() == ErrorCode::CrashLoop));
    });
    assert_eq!(scene.starts().len(), 3);
}

#[test]
fn one_that_was_stopped_did_not_crash() {
    let scene = Scene::new();
    for generation in 1..=5 {
        assert_eq!(scene.spec(&[]).ensure().unwrap().generation(), Some(generation));
        scene.stop().unwrap();
    }
    let ended = scene.status().ended.unwrap();
    assert_eq!((ended.generation, ended.reason), (5, EndReason::Stopped));
    wait_until("its parent tells how", SOON, || {
        scene.status().ended.is_some_and(|ended| ended.signal.is_some() || ended.exit_code.is_some())
    });
    assert_eq!(scene.status().ended.unwrap().reason, EndReason::Stopped, "and why stays what it was");
}

#[test]
fn a_fresh_server_is_started_once_for_all_who_ask_at_the_same_moment() {
    let scene = Scene::new();
    let old = scene.spec(&[]).ensure().unwrap();
    let fresh = || scene.spec(&["--initializing", "1500"]).reuse(Reuse::Never).ensure().unwrap();
    let pids: Vec<_> = thread::scope(|scope| {
        let first = scope.spawn(|| fresh().pid());
        wait_until("the first has the lock", SOON, || scene.status().holder.is_some());
        let calls: Vec<_> = (0..5).map(|_| scope.spawn(|| fresh().pid())).collect();
        std::iter::once(first).chain(calls).map(|call| call.join().unwrap()).collect()
    });
    assert!(scene.starts().len() <= 3, "{:?}", scene.starts());
    assert_eq!(scene.living().len(), 1);
    assert!(!pids.contains(&old.pid()));
    assert_eq!(scene.status().restarted_because.as_deref(), Some("reuse never"));
}

#[test]
fn only_what_was_started_here_counts_as_owned() {
    let scene = Scene::new();
    let command = scene.command(&[]);
    let mut stranger = std::process::Command::new(&command[0]).args(&command[1..]).spawn().unwrap();
    wait_until("a stranger serves", SOON, || scene.looking().timeout(Duration::from_secs(1)).ensure().is_ok());
    for reuse in [Reuse::Owned, Reuse::Never] {
        let error = scene.spec(&[]).reuse(reuse).ensure().unwrap_err();
        assert_eq!(error.code(), ErrorCode::Foreign, "{error}");
    }
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    let ours = scene.spec(&[]).reuse(Reuse::Owned).ensure().unwrap();
    assert_eq!(scene.spec(&[]).reuse(Reuse::Owned).ensure().unwrap().pid(), ours.pid());
}

#[test]
fn a_server_is_stopped_by_its_own_signal_and_with_its_own_patience() {
    let scene = Scene::new();
    let noted = scene.path("term");
    let flags = ["--ignore-term", "--note-term", noted.to_str().unwrap()];
    scene.spec(&flags).stop_signal(StopSignal::Int).ensure().unwrap();
    scene.stop().unwrap();
    assert!(!noted.exists(), "no SIGTERM was sent");
    wait_until("its parent tells how", SOON, || scene.status().ended.unwrap().signal.as_deref() == Some("SIGINT"));
    scene.spec(&flags).stop_timeout(Duration::from_millis(200)).ensure().unwrap();
    let start = Instant::now();
    scene.stop().unwrap();
    assert!(start.elapsed() < Duration::from_secs(5), "stopped by name, with the timeout it was declared with");
}

fn stop_and_ensure(rounds: usize, slowly: &str) {
    let scene = Scene::new();
    let told = scene.path("term");
    let flags = ["--die-slowly", slowly, "--note-term", told.to_str().unwrap()];
    let ensure = || scene.spec(&flags).ensure().unwrap();
    let mut before = ensure();
    for round in 1..=rounds {
        thread::scope(|scope| {
            let stop = scope.spawn(|| scene.stop());
            // It may come by the server that is about to be told to stop, and then was first: that one serves for a while yet.
            let raced = ensure();
            assert_eq!(scene.page("/pid"), raced.pid().unwrap(), "round {round}");
            wait_until("the stop is written down, or over", SOON, || stop.is_finished() || scene.status().state == State::Stopping);
            let server = ensure();
            assert!(server.generation() > before.generation(), "round {round}: a server that was being stopped was handed out");
            assert!([before.pid(), server.pid()].contains(&raced.pid()), "round {round}");
            stop.join().unwrap().unwrap();
            assert_eq!(scene.page("/pid"), server.pid().unwrap(), "round {round}");
            // By their words and not by their pids, which in so many rounds are others' again.
            assert_eq!(scene.everybody(), [server.pid().unwrap()], "round {round}");
            before = server;
        });
        assert_eq!(fs::read_to_string(&told).unwrap().lines().count(), round, "of all servers, only the one of each stop was told to end");
    }
}

#[test]
fn a_stop_and_an_ensure_at_once_end_with_a_server() {
    stop_and_ensure(10, "200");
}

#[test]
#[ignore = "long: make storm"]
fn a_stop_and_an_ensure_at_once_end_with_a_server_two_hundred_times() {
    let rounds = std::env::var("SPAWNLOCK_TEST_ROUNDS").ok().and_then(|rounds| rounds.parse().ok());
    stop_and_ensure(rounds.unwrap_or(200), "2000");
}

#[test]
fn garbage_in_the_files_of_a_place_is_replaced() {
    let scene = Scene::new();
    scene.spec(&[]).ensure().unwrap();
    scene.stop().unwrap();
    let is_told = || scene.status().ended.is_some_and(|ended| ended.signal.is_some() || ended.exit_code.is_some());
    for text in ["", "{", "[1]", "{\"format\": 99}", "\0\0\0\0"] {
        wait_until("its parent has told how it ended", SOON, is_told);
        for file in ["server.json", "ended.json", "failure.json"] {
            fs::write(scene.place().join(file), text).unwrap();
        }
        assert!(scene.status().ended.is_none(), "{text}");
        let events = Events::default();
        events.of(scene.spec(&[])).ensure().unwrap();
        assert!(events.messages(EventKind::Warning).iter().any(|text| text.contains("makes no sense")), "{text}: {events:?}");
        scene.stop().unwrap();
        assert_eq!(scene.status().ended.unwrap().reason, EndReason::Stopped);
    }
}
