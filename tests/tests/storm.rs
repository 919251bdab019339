//! Cold stampedes: one start, however many ask, in whatever languages.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::collections::BTreeMap;
use std::time::Duration;

use spawnlock_tests::process::kill_and_wait;
use spawnlock_tests::{Language, Running, Scene, gate, wait_until};

/// Releases `count` clients at one gate, all languages mixed, and returns the pid that all of them got.
fn storm(scene: &Scene, round: usize, count: usize) -> u32 {
    let gate = scene.path(&format!("gate-{round}"));
    let languages = Language::all();
    let mut clients: Vec<Running> = (0..count)
        .map(|at| {
            scene
                .client(&["--initializing", "20"])
                .language(&languages[at % languages.len()])
                .gate(gate.clone())
                .timeout(Duration::from_secs(60))
        })
        .map(|client| client.start())
        .collect();
    let mut looks = 0;
    wait_until("all clients wait at the gate", Duration::from_secs(60), || {
        looks += 1;
        if looks % 100 != 0 {
            return gate::waiting_at(&gate) == count;
        }
        if let Some(at) = clients.iter_mut().position(Running::has_ended) {
            panic!("a client ended before the gate: {:#?}", clients.swap_remove(at).finish(Duration::ZERO));
        }
        false
    });
    gate::open(&gate).unwrap();
    let outcomes: Vec<_> = clients.into_iter().map(|client| client.finish(Duration::from_secs(70))).collect();
    let mut origins = BTreeMap::<String, usize>::new();
    for outcome in &outcomes {
        assert_eq!(outcome.line()["generation"], round, "{outcome:#?}");
        *origins.entry(outcome.text("origin")).or_default() += 1;
    }
    assert_eq!(origins.get("started"), Some(&1), "exactly one client started it: {origins:?}");
    let pids: Vec<u32> = outcomes.iter().map(|outcome| outcome.pid()).collect();
    assert!(pids.iter().all(|pid| *pid == pids[0]), "all clients got one server: {pids:?}");
    assert_eq!(scene.starts().len(), round, "one start a round");
    pids[0]
}

fn rounds(clients: usize, rounds: usize) {
    let scene = Scene::new();
    for round in 1..=rounds {
        let pid = storm(&scene, round, clients);
        assert_eq!(scene.living(), [pid]);
        // A server that was stopped and one that crashed leave different traces for the next round.
        if round % 2 == 0 { scene.stop().unwrap() } else { kill_and_wait(pid) }
    }
    scene.assert_nobody_is_left();
}

#[test]
fn sixty_clients_at_one_gate_get_one_server_in_each_of_twenty_rounds() {
    rounds(60, 20);
}

#[test]
#[ignore = "minutes long: make storm"]
fn three_hundred_clients_at_one_gate_get_one_server_in_each_of_five_hundred_rounds() {
    let given = std::env::var("SPAWNLOCK_TEST_ROUNDS").ok().and_then(|rounds| rounds.parse().ok());
    rounds(300, given.unwrap_or(500));
}

#[test]
fn threads_of_one_process_get_one_server() {
    let scene = Scene::new();
    let pids: Vec<_> = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..32).map(|_| scope.spawn(|| scene.spec(&["--initializing", "200"]).ensure().unwrap().pid())).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert!(pids.iter().all(|pid| pid.is_some() && *pid == pids[0]), "{pids:?}");
    assert_eq!(scene.starts().len(), 1);
}
