//! A holder is killed at each of its system calls: the next one gets the lock, and nothing is left that blocks anybody.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::Output;
use std::sync::atomic::{AtomicUsize, Ordering};

use spawnlock::{LockKind, SpawnLock};
use spawnlock_tests::lock_desk::{Before, Desk, make_old};
use spawnlock_tests::strace::{self, Step, Traced, each};
use spawnlock_tests::{phase, witness::Witness};

const FLAGS: &[&str] = &["--mark"];
const KILL: &str = "signal=SIGKILL:when=";
const KILLED: i32 = 9;
/// What makes the file system one without `flock`.
const NO_FLOCK: (&str, &str) = ("flock", "error=ENOSYS");

fn traced(desk: &Desk, flags: &[&str]) -> Traced {
    Traced::new(&desk.contender(flags))
}

fn kill_at(traced: Traced, step: &Step) -> Output {
    traced.inject(&step.call, &format!("{KILL}{}", step.at)).run()
}

/// Kills a contender at each call between two marks, and one beyond the last of each name.
fn kill_everywhere(kind: LockKind, before: Before, from: &str, to: &str) {
    let mut steps = traced(&Desk::with(kind, before), FLAGS).steps(from, to);
    let real = steps.len();
    let beyond: Vec<Step> =
        steps.iter().filter(|step| !steps.iter().any(|other| other.call == step.call && other.at > step.at)).cloned().collect();
    steps.extend(beyond.into_iter().map(|step| Step { at: step.at + 1, ..step }));
    let killed = AtomicUsize::new(0);
    each(&steps, |step| {
        let desk = Desk::with(kind, before);
        let output = kill_at(traced(&desk, FLAGS), step);
        let was_killed = output.status.signal() == Some(KILLED);
        assert!(was_killed || output.status.success(), "{step:?}: {output:?}");
        killed.fetch_add(usize::from(was_killed), Ordering::SeqCst);
        let _ = fs::remove_file(Witness::path(&desk.path()));
        desk.assert_free(&format!("{kind:?} after {before:?}, killed at {step:?}"));
    });
    let killed = killed.into_inner();
    assert!(killed >= real, "only {killed} of {real} were killed");
}

#[test]
fn one_killed_while_it_takes_a_kernel_lock_blocks_nobody() {
    if strace::is_here() {
        kill_everywhere(LockKind::Flock, Before::Nothing, phase::ACQUIRE, phase::HOLD);
    }
}

#[test]
fn one_killed_while_it_lets_a_kernel_lock_go_blocks_nobody() {
    if strace::is_here() {
        kill_everywhere(LockKind::Flock, Before::Nothing, phase::RELEASE, phase::END);
    }
}

#[test]
fn one_killed_while_it_takes_an_existence_lock_blocks_nobody() {
    if strace::is_here() {
        kill_everywhere(LockKind::Excl, Before::Nothing, phase::ACQUIRE, phase::HOLD);
    }
}

#[test]
fn one_killed_while_it_lets_an_existence_lock_go_blocks_nobody() {
    if strace::is_here() {
        kill_everywhere(LockKind::Excl, Before::Nothing, phase::RELEASE, phase::END);
    }
}

#[test]
fn one_killed_while_it_takes_over_from_a_dead_owner_blocks_nobody() {
    if strace::is_here() {
        kill_everywhere(LockKind::Excl, Before::Killed, phase::ACQUIRE, phase::HOLD);
    }
}

#[test]
fn one_killed_while_it_takes_over_what_is_only_old_blocks_nobody() {
    if strace::is_here() {
        kill_everywhere(LockKind::Excl, Before::Garbage, phase::ACQUIRE, phase::HOLD);
    }
}

#[test]
fn one_killed_while_it_takes_over_a_directory_blocks_nobody() {
    if strace::is_here() {
        kill_everywhere(LockKind::Excl, Before::Directory, phase::ACQUIRE, phase::HOLD);
    }
}

#[test]
fn one_killed_while_it_refreshes_its_lock_blocks_nobody() {
    if !strace::is_here() {
        return;
    }
    for at in 1..=3 {
        let desk = Desk::new(LockKind::Excl);
        // Long enough for many more than these; its thread counts its calls by itself.
        let output = kill_at(traced(&desk, &["--hold-ms", "20000"]), &Step { call: "utimensat".into(), at });
        assert_eq!(output.status.signal(), Some(KILLED), "{output:?}");
        assert!(desk.path().exists(), "it was held");
        fs::remove_file(Witness::path(&desk.path())).unwrap();
        desk.assert_free(&format!("killed at refresh {at}"));
    }
}

#[test]
fn a_waiter_that_is_killed_disturbs_neither_the_holder_nor_the_next() {
    if !strace::is_here() {
        return;
    }
    for kind in [LockKind::Flock, LockKind::Excl] {
        let flags = &["--mark", "--timeout-ms", "60"];
        let steps = {
            let desk = Desk::new(kind);
            let _lock = SpawnLock::acquire(desk.path(), &desk.options()).unwrap();
            traced(&desk, flags).steps(phase::ACQUIRE, phase::HOLD)
        };
        each(&steps, |step| {
            let desk = Desk::new(kind);
            let lock = SpawnLock::acquire(desk.path(), &desk.options()).unwrap();
            kill_at(traced(&desk, flags), step);
            assert!(lock.is_held() && lock.release(), "{kind:?}: a waiter died at {step:?}");
            desk.assert_free(&format!("{kind:?}: a waiter died at {step:?}"));
        });
    }
}

/// On a file system without `flock` the mutex is a file, too, and whoever comes next must wait until that is old.
fn kill_everywhere_without_flock(before: Before, from: &str, to: &str) {
    let without = |desk: &Desk| traced(desk, FLAGS).inject(NO_FLOCK.0, NO_FLOCK.1);
    let steps: Vec<Step> = without(&Desk::with(LockKind::Excl, before)).steps(from, to);
    let steps: Vec<Step> = steps.into_iter().filter(|step| step.call != NO_FLOCK.0).collect();
    let killed = AtomicUsize::new(0);
    each(&steps, |step| {
        let desk = Desk::with(LockKind::Excl, before);
        let output = kill_at(without(&desk), step);
        killed.fetch_add(usize::from(output.status.signal() == Some(KILLED)), Ordering::SeqCst);
        let what = format!("after {before:?}, without flock, killed at {step:?}");
        for ending in [".mutex", ".mutex.reclaim"] {
            // Time passes.
            let left = desk.path().with_extension(format!("lock{ending}"));
            if left.exists() {
                make_old(&left);
            }
        }
        for _ in 0..2 {
            let next = without(&desk).run();
            assert!(next.status.success(), "{what}: {next:?} in {:?}", desk.files());
        }
        assert!(!desk.path().exists(), "{what}");
        desk.assert_free(&what);
    });
    assert_eq!(killed.into_inner(), steps.len());
}

#[test]
fn without_flock_one_killed_while_it_takes_a_lock_blocks_nobody() {
    if strace::is_here() {
        kill_everywhere_without_flock(Before::Nothing, phase::ACQUIRE, phase::HOLD);
    }
}

#[test]
fn without_flock_one_killed_while_it_takes_over_blocks_nobody() {
    if strace::is_here() {
        kill_everywhere_without_flock(Before::Killed, phase::ACQUIRE, phase::HOLD);
    }
}

#[test]
fn without_flock_one_killed_while_it_lets_go_blocks_nobody() {
    if strace::is_here() {
        kill_everywhere_without_flock(Before::Nothing, phase::RELEASE, phase::END);
    }
}
