//! Thirty daemons at once, in whatever languages: one serves, and the others exit with 0.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::path::Path;
use std::time::{Duration, Instant};

use spawnlock_tests::daemons::{Daemon, claimers, who_serves};
use spawnlock_tests::strace::files_in;
use spawnlock_tests::{gate, wait_until};

const LONG: Duration = Duration::from_secs(60);

/// Starts `count` daemons at one gate, and gives the one that serves after all others have ended.
fn storm(dir: &Path, round: usize, count: usize) -> Daemon {
    let (claimers, path, gate) = (claimers(), dir.join("d.sock"), dir.join(format!("gate-{round}")));
    let mut daemons: Vec<Daemon> = (0..count).map(|at| Daemon::of(&claimers[at % claimers.len()], &path, Some(&gate))).collect();
    wait_until("all daemons wait at the gate", LONG, || gate::waiting_at(&gate) == count);
    gate::open(&gate).unwrap();
    let lines: Vec<_> = daemons.iter_mut().map(Daemon::line).collect();
    let serving: Vec<usize> = (0..count).filter(|at| lines[*at]["ok"] == true).collect();
    assert_eq!(serving.len(), 1, "round {round}: {lines:#?}");
    let owner = daemons.swap_remove(serving[0]);
    for line in lines.iter().filter(|line| line["ok"] != true) {
        assert_eq!(line["code"], "ERR_SPAWNLOCK_RUNNING", "round {round}: {line}");
        assert_eq!(line["pid"], owner.pid(), "round {round}: {line}");
    }
    for daemon in daemons {
        let pid = daemon.pid();
        assert_eq!(daemon.ended().0, Some(0), "round {round}: {pid}");
    }
    assert_eq!(who_serves(&path), owner.pid(), "round {round}");
    owner
}

/// Each other round finds an empty directory, and the socket of a killed daemon.
fn rounds(count: usize, rounds: usize) {
    let start = Instant::now();
    for round in 0..rounds.div_ceil(2) {
        let dir = tempfile::Builder::new().prefix("sl-claims-").tempdir().unwrap();
        storm(dir.path(), 2 * round, count).kill();
        let owner = storm(dir.path(), 2 * round + 1, count);
        owner.end();
        assert!(!files_in(dir.path()).contains(&"d.sock".to_owned()));
    }
    println!("{rounds} rounds of {count} daemons in {} languages: {:.0?}", claimers().len(), start.elapsed());
}

#[test]
fn of_thirty_daemons_one_serves_in_each_of_ten_rounds() {
    rounds(30, 10);
}

#[test]
#[ignore = "minutes long: make storm"]
fn of_thirty_daemons_one_serves_in_each_of_two_hundred_rounds() {
    let given = std::env::var("SPAWNLOCK_TEST_ROUNDS").ok().and_then(|rounds| rounds.parse().ok());
    rounds(30, given.unwrap_or(200));
}
