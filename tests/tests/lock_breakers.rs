//! Many break one stale lock at once: one after the other gets it, and never two.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::fs;

use spawnlock::LockKind;
use spawnlock_tests::breakers::{Crew, assert_turns};
use spawnlock_tests::lock_desk::{Before, Desk, make_old};
use spawnlock_tests::strace::{self, Traced};

const ROUNDS: usize = 60;
const FLAGS: &[&str] = &["--hold-ms", "1", "--timeout-ms", "60000", "--stale-after-ms", "60000"];
const STALE: [Before; 3] = [Before::Killed, Before::Garbage, Before::Directory];
/// Each delayed breaker is slow at another step, by microseconds, before it or after it.
const DELAYS: [(&str, &str); 7] = [
    ("linkat", "delay_enter=3000"),
    ("renameat2", "delay_enter=3000"),
    ("unlink", "delay_enter=3000"),
    ("openat", "delay_exit=500"),
    ("newfstatat,fstat,statx", "delay_exit=700"),
    ("renameat2", "delay_exit=3000"),
    ("flock", "delay_exit=2000"),
];

fn storm(mut crew: Crew, rounds: usize, prepare: impl Fn(&Desk)) {
    let desk = Desk::new(LockKind::Excl);
    for round in 0..rounds {
        let before = STALE[round % STALE.len()];
        desk.put(before);
        prepare(&desk);
        assert_turns(&mut crew, &desk, &format!("round {round}, after {before:?}"));
    }
    drop(crew);
    desk.assert_free("after the storm");
}

/// Every other one is slow somewhere.
fn delayed(at: usize, words: Vec<String>) -> Vec<String> {
    if at.is_multiple_of(2) {
        return words;
    }
    let (call, delay) = DELAYS[at / 2 % DELAYS.len()];
    Traced::new(&words).inject(call, delay).words()
}

#[test]
fn eight_breakers_take_turns() {
    storm(Crew::of_contenders(8, FLAGS, |_, words| words), ROUNDS, |_| {});
}

#[test]
fn sixteen_breakers_take_turns() {
    storm(Crew::of_contenders(16, FLAGS, |_, words| words), ROUNDS, |_| {});
}

#[test]
fn breakers_that_are_slow_at_odd_moments_take_turns() {
    if strace::is_here() {
        storm(Crew::of_contenders(8, FLAGS, delayed), ROUNDS, |_| {});
        storm(Crew::of_contenders(16, FLAGS, delayed), ROUNDS / 4, |_| {});
    }
}

/// The mutex is a file there, and one that was left behind lies in the way, and so does what was to clear it away.
#[test]
fn breakers_on_a_file_system_without_flock_take_turns() {
    if !strace::is_here() {
        return;
    }
    let without_flock = |at: usize, words: Vec<String>| {
        let traced = Traced::new(&words).inject("flock", "error=ENOSYS");
        let slow = [("unlink", "delay_enter=1000"), ("unlink", "delay_exit=1000"), ("newfstatat,fstat,statx", "delay_exit=300")];
        slow.get(at % 4).map_or(traced.clone(), |(call, delay)| traced.inject(call, delay)).words()
    };
    storm(Crew::of_contenders(8, FLAGS, without_flock), ROUNDS / 2, |desk| {
        for ending in ["lock.mutex", "lock.mutex.reclaim"] {
            let left = desk.path().with_extension(ending);
            fs::write(&left, "").unwrap();
            make_old(&left);
        }
    });
}

/// The usual scheme, so that one knows that two holders would be seen.
#[test]
fn two_holders_would_be_seen() {
    let naive = vec![spawnlock_tests::program("lock-breakers").display().to_string(), "--naive".to_owned()];
    let mut crew = Crew::start(vec![naive; 16]);
    let seen = (0..1000).any(|_| {
        let desk = Desk::with(LockKind::Excl, Before::Killed);
        !crew.round(&desk.path()).not_alone.is_empty()
    });
    assert!(seen, "an unsafe scheme passes for a safe one");
}
