//! Threads that do one thing after another, and stay for a while: who waited once is likely to wait again.

use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::sys::PerProcess;

/// Enough for a lock of any kind, and for the host that is told of it.
const STACK: usize = 256 * 1024;
/// For how long a thread that has nothing to do waits for something.
const IDLE: Duration = Duration::from_secs(2);

type Work = Box<dyn FnOnce() + Send>;

/// How many threads have nothing to do, and what they are about to take up.
#[derive(Default)]
struct Crew {
    idle: usize,
    works: Vec<Work>,
}

/// A forked child has none of the threads.
static CREW: PerProcess<(Mutex<Crew>, Condvar)> = PerProcess::new(Default::default);

/// Has it done by a thread that is idle, else by a new one.
pub(crate) fn run(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let work: Work = Box::new(work);
    let mut crew = crew();
    if crew.idle > crew.works.len() {
        crew.works.push(work);
        drop(crew);
        CREW.get().1.notify_one();
        return Ok(());
    }
    drop(crew);
    thread::Builder::new().name("spawnlock-wait".into()).stack_size(STACK).spawn(move || serve(work)).map(drop)
}

fn serve(first: Work) {
    let mut next = Some(first);
    while let Some(work) = next {
        work();
        next = idle();
    }
}

/// What comes next; nothing when none has come for a while.
fn idle() -> Option<Work> {
    let mut crew = crew();
    loop {
        if let Some(work) = crew.works.pop() {
            return Some(work);
        }
        crew.idle += 1;
        let (again, waited) = CREW.get().1.wait_timeout(crew, IDLE).unwrap_or_else(PoisonError::into_inner);
        crew = again;
        crew.idle -= 1;
        if waited.timed_out() && crew.works.is_empty() {
            return None;
        }
    }
}

fn crew() -> MutexGuard<'static, Crew> {
    CREW.get().0.lock().unwrap_or_else(PoisonError::into_inner)
}
