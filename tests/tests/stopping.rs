//! Stopping a server, and starting it again.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::thread;
use std::time::{Duration, Instant};

use spawnlock::{Cancel, ErrorCode, EventKind, Origin, State, StopOptions};
use spawnlock_tests::{Events, Scene, process_alive, wait_until};

const SOON: Duration = Duration::from_secs(15);

fn stop_within(scene: &Scene, grace: Duration) -> spawnlock::Result<()> {
    scene.states().stop(scene.name(), &StopOptions::new().stop_timeout(grace))
}

#[test]
fn stop_returns_when_the_process_is_gone_and_the_port_is_free() {
    let scene = Scene::new();
    let server = scene.spec(&["--die-slowly", "300"]).ensure().unwrap();
    let start = Instant::now();
    server.stop().unwrap();
    assert!(!process_alive(server.pid().unwrap()));
    assert!(scene.port_is_free());
    assert!(start.elapsed() >= Duration::from_millis(300), "it was asked politely");
    assert_eq!(scene.status().state, State::Stopped);
}

#[test]
fn stop_kills_a_server_that_ignores_the_polite_signal() {
    let scene = Scene::new();
    let server = scene.spec(&["--ignore-term"]).ensure().unwrap();
    let start = Instant::now();
    stop_within(&scene, Duration::from_millis(300)).unwrap();
    assert!(!process_alive(server.pid().unwrap()));
    assert!((300..2000).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
}

#[test]
fn stop_takes_the_descendants_with_it() {
    let scene = Scene::new();
    scene.spec(&["--spawn-child"]).ensure().unwrap();
    assert_eq!(scene.everybody().len(), 2);
    scene.stop().unwrap();
    assert!(scene.everybody().is_empty(), "stop returned before all were gone");
}

#[test]
fn stop_of_what_does_not_run_says_so() {
    let scene = Scene::new();
    assert_eq!(scene.stop().unwrap_err().code(), ErrorCode::NotRunning);
    assert!(!scene.place().exists(), "asking leaves no trace");
    scene.spec(&[]).ensure().unwrap();
    scene.stop().unwrap();
    assert_eq!(scene.stop().unwrap_err().code(), ErrorCode::NotRunning);
}

#[test]
fn a_server_value_stops_only_its_own_generation() {
    let scene = Scene::new();
    let first = scene.spec(&[]).ensure().unwrap();
    scene.stop().unwrap();
    let second = scene.spec(&[]).ensure().unwrap();
    assert_eq!(first.stop().unwrap_err().code(), ErrorCode::NotRunning);
    assert!(process_alive(second.pid().unwrap()));
    second.stop().unwrap();
}

/// A process that has a file open and no lock on it: a backup, an editor, a call for the status at this very moment.
fn reader(file: &std::path::Path) -> std::process::Child {
    use std::os::unix::process::CommandExt;
    let file = std::fs::File::open(file).unwrap();
    std::process::Command::new("sleep").arg("60").stdin(file).process_group(0).spawn().unwrap()
}

#[test]
fn who_only_reads_the_alive_lock_is_not_stopped_with_the_server() {
    let scene = Scene::new();
    scene.spec(&["--ignore-term"]).ensure().unwrap();
    let mut reader = reader(&scene.place().join("alive.lock"));
    stop_within(&scene, Duration::from_millis(200)).unwrap();
    assert!(process_alive(reader.id()), "a stranger was signalled");
    let error = scene.spec(&["--never-healthy"]).timeout(Duration::from_millis(500)).ensure().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Timeout);
    assert!(process_alive(reader.id()), "a stranger was signalled");
    reader.kill().unwrap();
    reader.wait().unwrap();
}

#[test]
fn of_many_who_stop_at_once_each_returns_when_it_is_gone() {
    let scene = Scene::new();
    let pid = scene.spec(&["--die-slowly", "200"]).ensure().unwrap().pid().unwrap();
    let outcomes: Vec<_> = thread::scope(|scope| {
        let calls: Vec<_> = (0..5)
            .map(|_| {
                scope.spawn(|| {
                    let outcome = scene.stop();
                    assert!(!process_alive(pid), "a stop returned too early: {outcome:?}");
                    outcome
                })
            })
            .collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    let codes: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).map(|error| error.code()).collect();
    assert_eq!(codes, [ErrorCode::NotRunning; 4]);
}

#[test]
fn a_stop_waits_for_a_start_and_never_overlaps_it() {
    let scene = Scene::new();
    let starter = scene.client(&["--initializing", "600"]).start();
    wait_until("the server is being started", SOON, || scene.starts().len() == 1);
    scene.stop().unwrap();
    assert!(starter.finish(SOON).is_ok(), "the start came to its end first");
    assert_eq!(scene.living(), [0_u32; 0]);
}

#[test]
fn stop_tells_what_it_does_and_can_be_cancelled() {
    let scene = Scene::new();
    let pid = scene.spec(&["--die-slowly", "2000"]).ensure().unwrap().pid().unwrap();
    let cancel = Cancel::new();
    let options = StopOptions::new().cancel(cancel.clone());
    let states = scene.states();
    let call = thread::spawn(move || states.stop("fixture", &options));
    thread::sleep(Duration::from_millis(200));
    cancel.cancel();
    let start = Instant::now();
    assert_eq!(call.join().unwrap().unwrap_err().code(), ErrorCode::Cancelled);
    assert!(start.elapsed() < Duration::from_millis(100));
    wait_until("it dies of the signal it was sent", SOON, || !process_alive(pid));
}

#[test]
fn stop_and_ensure_in_turn_always_end_with_a_serving_server() {
    let scene = Scene::new();
    let flags = ["--die-slowly", "100"];
    for round in 1..=20 {
        let server = scene.spec(&flags).ensure().unwrap();
        assert_eq!((server.origin(), server.generation()), (Origin::Started, Some(round)));
        assert_eq!(scene.living(), [server.pid().unwrap()]);
        scene.stop().unwrap();
        assert!(scene.living().is_empty());
    }
}

#[test]
fn an_ensure_during_a_stop_waits_for_its_end_and_starts_anew() {
    let scene = Scene::new();
    for round in 1..=5_u64 {
        let term = scene.path(&format!("term-{round}"));
        let flags = ["--hold-socket-late", "300", "--note-term", term.to_str().unwrap()];
        let old = scene.spec(&flags).ensure().unwrap().pid().unwrap();
        let client = thread::scope(|scope| {
            let stop = scope.spawn(|| scene.stop());
            // Before that the old server is as good as any.
            wait_until("the server was told to stop", SOON, || term.exists());
            let client = scene.client(&flags).start();
            stop.join().unwrap().unwrap();
            client
        });
        let outcome = client.finish(SOON);
        assert!(!process_alive(old));
        assert_eq!(scene.living(), [outcome.pid()], "{outcome:#?}");
        assert_eq!(outcome.line()["generation"], round * 2, "{outcome:#?}");
        scene.stop().unwrap();
    }
}

#[test]
fn the_late_removal_of_a_socket_never_removes_that_of_the_next_server() {
    let scene = Scene::new();
    let socket = scene.path("s");
    let path = socket.to_str().unwrap();
    let command = scene.fixture(&["--unix", path, "--hold-socket-late", "150"]);
    for _ in 0..5 {
        let spec = spawnlock::ServerSpec::new(scene.name()).state_dir(scene.state_dir()).command(command.clone());
        let server = spec.ready(format!("http+unix:{path}:/health")).ensure().unwrap();
        assert_eq!(scene.living(), [server.pid().unwrap()]);
        assert!(socket.exists());
        server.stop().unwrap();
    }
}

/// Its ready state is long past: else a few deaths in a row would be a crash loop.
fn was_ready_long_ago(scene: &Scene) {
    scene.edit_record(&[("readyAt", 1.into())]);
}

#[test]
fn a_server_that_idles_out_right_after_its_health_answer_is_replaced_by_the_next_call() {
    let scene = Scene::new();
    // On a busy machine it may be gone before it was vouched for, and then the call says so.
    let ensure = || match scene.spec(&["--exit-after-ready", "60"]).ensure() {
        Ok(server) => {
            was_ready_long_ago(&scene);
            server.pid()
        }
        Err(error) => {
            assert_eq!(error.code(), ErrorCode::Exited, "{error}");
            None
        }
    };
    for _ in 0..15 {
        let Some(pid) = ensure() else { continue };
        // Some calls come while it lives, some while it dies, some when it is gone: each ends with a living one.
        while process_alive(pid) {
            ensure();
        }
    }
    assert!(scene.living().len() <= 1, "{:?}", scene.living());
}

#[test]
fn a_server_that_is_killed_this_moment_is_replaced_by_the_next_call() {
    let scene = Scene::new();
    for round in 1..=30 {
        let server = scene.spec(&["--threads", "64"]).ensure().unwrap();
        assert_eq!(server.generation(), Some(round));
        was_ready_long_ago(&scene);
        spawnlock_tests::process::signal(server.pid().unwrap(), rustix::process::Signal::KILL);
    }
    wait_until("only the last is left, if any", SOON, || scene.living().is_empty());
    assert_eq!(scene.starts().len(), 30);
}

#[test]
fn the_orphans_of_a_dead_server_are_ended_before_a_new_one_is_started() {
    let scene = Scene::new();
    scene.spec(&["--orphan", "500"]).ensure().unwrap();
    let main = scene.starts()[0];
    wait_until("the main process is gone", SOON, || !process_alive(main));
    let orphan = scene.everybody();
    assert_eq!(orphan.len(), 1);
    assert_eq!(scene.status().state, State::Running, "the alive lock is held");
    let events = Events::default();
    let server = events.of(scene.spec(&[])).ensure().unwrap();
    assert_eq!((server.origin(), server.generation()), (Origin::Started, Some(2)));
    assert!(!process_alive(orphan[0]));
    assert_eq!(scene.everybody(), [server.pid().unwrap()]);
    let warnings = events.messages(EventKind::Warning);
    assert!(warnings.iter().any(|text| text.contains("left behind")), "{warnings:?}");
}

#[test]
fn stubborn_orphans_of_a_dead_server_are_killed_and_it_is_started_anew() {
    let scene = Scene::new();
    scene.spec(&["--orphan", "500", "--ignore-term"]).ensure().unwrap();
    let main = scene.starts()[0];
    wait_until("the main process is gone", SOON, || !process_alive(main));
    let spec = scene.spec(&[]).stop_timeout(Duration::from_millis(600)).probe_timeout(Duration::from_millis(300));
    assert_eq!(spec.ensure().unwrap().generation(), Some(2));
    assert_eq!(scene.everybody(), scene.living());
}

#[test]
fn the_orphans_of_a_dead_server_are_ended_by_stop() {
    let scene = Scene::new();
    scene.spec(&["--orphan", "500"]).ensure().unwrap();
    let main = scene.starts()[0];
    wait_until("the main process is gone", SOON, || !process_alive(main));
    scene.stop().unwrap();
    assert!(scene.everybody().is_empty());
}
