//! Those who want a lock again and again take turns, and what one knows who has waited.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use spawnlock::{ErrorCode, LockKind, SpawnLock};
use spawnlock_tests::lock_desk::Desk;
use spawnlock_tests::process::wait_until;

const TURNS: usize = 200;
const WHO: [u64; 3] = [1, 2, 3];
const SOON: Duration = Duration::from_secs(20);

/// How often the lock changed hands while all still wanted it, and how many turns that were.
fn changes() -> (usize, usize) {
    let desk = Desk::new(LockKind::Excl);
    let first = SpawnLock::acquire(desk.path(), &desk.options()).unwrap();
    let (desk, turns) = (&desk, &Mutex::new(Vec::new()));
    let take_turns = |who: u64| {
        for _ in 0..TURNS {
            let lock = SpawnLock::acquire(desk.path(), &desk.options().owner(who)).unwrap();
            turns.lock().unwrap().push(who);
            thread::sleep(Duration::from_micros(300));
            drop(lock);
        }
    };
    thread::scope(|scope| {
        for who in WHO {
            scope.spawn(move || take_turns(who));
        }
        wait_until("all of them wait", SOON, || waiting_threads() >= WHO.len() - 1);
        assert!(first.release());
    });
    let turns = turns.lock().unwrap();
    let last = |who: &u64| turns.iter().rposition(|turn| turn == who).unwrap();
    let wanted = &turns[..=WHO.iter().map(last).min().unwrap()];
    (wanted.windows(2).filter(|two| two[0] != two[1]).count(), wanted.len())
}

/// The threads of this process that sit in line; the first one watches the lock itself.
fn waiting_threads() -> usize {
    let threads = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let name = |thread: std::fs::DirEntry| std::fs::read_to_string(thread.path().join("comm"));
    threads.filter_map(|thread| name(thread).ok()).filter(|name| name.trim() == "spawnlock-wait").count()
}

#[test]
fn the_line_for_an_existence_lock_moves_by_one_at_a_time() {
    let (changes, turns) = changes();
    assert!(turns >= TURNS && changes * 10 > turns * 9, "it changed hands {changes} times in {turns} turns");
}

/// Who has waited for a kernel lock lately queues before he tries.
#[test]
fn who_has_waited_lately_and_takes_the_lock_twice_is_told_at_once() {
    let desk = Desk::new(LockKind::Flock);
    let first = SpawnLock::acquire(desk.path(), &desk.options().owner(1)).unwrap();
    let ours = desk.options().owner(2);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| SpawnLock::acquire(desk.path(), &ours).unwrap());
        wait_until("it waits", SOON, || waiting_threads() > 0);
        assert!(first.release());
        assert!(waiter.join().unwrap().release());
    });
    let again = SpawnLock::acquire(desk.path(), &ours).unwrap();
    assert_eq!(SpawnLock::acquire(desk.path(), &ours).unwrap_err().code(), ErrorCode::Recursive);
    let share = SpawnLock::acquire(desk.path(), &ours.clone().reentrant(true)).unwrap();
    assert!(again.release() && share.is_held());
    let soon = ours.owner(3).timeout(Duration::from_millis(20));
    assert_eq!(SpawnLock::acquire(desk.path(), &soon).unwrap_err().code(), ErrorCode::LockTimeout);
    assert!(share.release());
    desk.assert_free("after all");
}
