//! Keeping existence locks fresh: one thread a process, as long as it holds any.
//!
//! A lock's time is set through its own descriptor: whatever happens to its name meanwhile, nobody else's lock is touched,
//! so this is the one transition that needs no mutex.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use crate::holder::Holder;
use crate::sys::{self, PerProcess};

const STACK: usize = 64 * 1024;

/// The file of a lock that is held.
#[derive(Debug)]
pub(crate) struct Refreshed {
    file: File,
    every: Duration,
    retired: AtomicBool,
}

#[derive(Debug, Default)]
struct Rounds {
    running: bool,
    /// What the thread sleeps for.
    every: Duration,
    locks: Vec<Weak<Refreshed>>,
}

/// A forked child has no thread that makes the rounds.
static ROUNDS: PerProcess<(Mutex<Rounds>, Condvar)> = PerProcess::new(Default::default);

/// Refreshes the file every third of the time after which others take it for left behind. Where no thread is to be had the
/// pid in it still proves, on this machine, that its owner lives.
pub(crate) fn keep_fresh(file: File, stale_after: Duration) -> Arc<Refreshed> {
    let refreshed = Arc::new(Refreshed { file, every: stale_after / 3, retired: AtomicBool::new(false) });
    let (rounds, changed) = ROUNDS.get();
    let mut rounds = rounds.lock().unwrap_or_else(PoisonError::into_inner);
    rounds.locks.retain(|lock| lock.strong_count() > 0);
    rounds.locks.push(Arc::downgrade(&refreshed));
    if !rounds.running {
        rounds.every = refreshed.every;
        rounds.running = thread::Builder::new().name("spawnlock-fresh".into()).stack_size(STACK).spawn(make_rounds).is_ok();
    } else if refreshed.every < rounds.every {
        rounds.every = refreshed.every;
        changed.notify_one();
    }
    refreshed
}

/// One round after the other, until one finds no lock.
fn make_rounds() {
    let (shared, changed) = ROUNDS.get();
    let mut rounds = shared.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let every = rounds.every;
        let (again, waited) = changed.wait_timeout(rounds, every).unwrap_or_else(PoisonError::into_inner);
        rounds = again;
        if !waited.timed_out() {
            continue;
        }
        let locks: Vec<Arc<Refreshed>> = rounds.locks.iter().filter_map(Weak::upgrade).collect();
        rounds.every = locks.iter().map(|lock| lock.every).min().unwrap_or(every);
        rounds.running = !locks.is_empty();
        if locks.is_empty() {
            return;
        }
        drop(rounds);
        locks.iter().for_each(|lock| lock.refresh());
        drop(locks);
        rounds = shared.lock().unwrap_or_else(PoisonError::into_inner);
    }
}

impl Refreshed {
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    fn refresh(&self) {
        if !self.retired.load(Ordering::SeqCst) {
            // On a full or broken disk the lock grows old; its owner is known by its pid all the same.
            let _ = sys::touch(&self.file);
        }
    }

    /// Ends the refreshing.
    pub(crate) fn retire(&self) {
        self.retired.store(true, Ordering::SeqCst);
    }

    /// Whether this, with our token in it, still stands in the file.
    pub(crate) fn says(&self, text: &[u8]) -> bool {
        let mut now = vec![0; text.len() + 1];
        sys::read_start(&self.file, &mut now).is_ok_and(|read| now[..read] == *text)
    }

    /// Leaves the file to whoever wants it: one whose owner has not begun yet is dead.
    pub(crate) fn disown(&self, holder: &Holder) -> io::Result<()> {
        let text = serde_json::to_vec(&Holder { start_time: Some(u64::MAX), token: String::new(), ..holder.clone() })?;
        self.file.set_len(0)?;
        sys::write_start(&self.file, &text)
    }
}
