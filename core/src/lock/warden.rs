//! One thread that keeps the deadlines of all who asked for a lock and do not wait themselves.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};

use crate::deadline::Deadline;
use crate::lock::ask::Ask;
use crate::lock::crew;
use crate::sys::PerProcess;

#[derive(Default)]
struct Rounds {
    asks: Vec<Weak<Ask>>,
    /// When the thread looks again, while there is one.
    next: Option<Deadline>,
}

static WARDEN: PerProcess<(Mutex<Rounds>, Condvar)> = PerProcess::new(Default::default);

/// Looks after it from now on. Those that have their answer are forgotten in time.
pub(crate) fn watch(ask: &Arc<Ask>) -> io::Result<()> {
    let mut rounds = rounds();
    if rounds.asks.len() == rounds.asks.capacity() {
        rounds.forget();
        // Half of it free: so that forgetting does not become what every call does.
        let left = rounds.asks.len();
        rounds.asks.reserve(left.max(16));
    }
    rounds.asks.push(Arc::downgrade(ask));
    let due = ask.due();
    let begins = rounds.next.is_none();
    let sooner = rounds.next.is_some_and(|next| due < next.remaining());
    if begins || sooner {
        rounds.next = Some(Deadline::after(due));
    }
    drop(rounds);
    if begins {
        return crew::run(walk).inspect_err(|_| self::rounds().next = None);
    }
    if sooner {
        WARDEN.get().1.notify_one();
    }
    Ok(())
}

/// Looks at all of them, and again when one of them is due, until none waits.
fn walk() {
    loop {
        let asks: Vec<Arc<Ask>> = rounds().asks.iter().filter_map(Weak::upgrade).collect();
        asks.iter().for_each(|ask| ask.look());
        drop(asks);
        let mut rounds = rounds();
        rounds.forget();
        let Some(due) = rounds.asks.iter().filter_map(Weak::upgrade).map(|ask| ask.due()).min() else {
            rounds.next = None;
            return;
        };
        rounds.next = Some(Deadline::after(due));
        drop(WARDEN.get().1.wait_timeout(rounds, due).unwrap_or_else(PoisonError::into_inner));
    }
}

impl Rounds {
    fn forget(&mut self) {
        self.asks.retain(|ask| ask.upgrade().is_some_and(|ask| ask.waits()));
    }
}

fn rounds() -> MutexGuard<'static, Rounds> {
    WARDEN.get().0.lock().unwrap_or_else(PoisonError::into_inner)
}
