//! The lock alone, as the class in `js/lock.cjs` needs it.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use napi::Env;
use napi::bindgen_prelude::{External, Function, Unknown};
use napi_derive::napi;
use spawnlock::{Asked, Cancel, SpawnLock, Won};

use crate::audience::told_afterwards;
use crate::error::{Code, thrown};
use crate::event::{LockHolder, ServerEvent};
use crate::job::{Begun, Job, Outcome, Teller};
use crate::locks::Locks;
use crate::options::{HolderOptions, LockOptions, LockTerms};
use crate::owner;
use crate::read::text;
use crate::server::path_text;

type Result<T> = napi::Result<T, Code>;

/// Where a job leaves its lock: what is sent to a thread of JavaScript that ends meanwhile is lost, and so would be the lock.
#[derive(Clone)]
pub(crate) struct Slot {
    lock: Arc<Mutex<Option<SpawnLock>>>,
    owner: u64,
}

impl Slot {
    fn fill(&self, lock: Option<SpawnLock>) -> Outcome {
        *locked(&self.lock) = lock;
        Outcome::D(())
    }

    /// Has the lock told of first, and finishes it while JavaScript wakes up, which waits for it here.
    fn fill_after(&self, tell: impl FnOnce(Outcome), won: Won) {
        let mut slot = locked(&self.lock);
        tell(Outcome::D(()));
        *slot = Some(won.finish());
    }

    fn empty(&self, locks: &Locks) -> Option<f64> {
        locked(&self.lock).take().map(|lock| locks.keep(self.owner, lock))
    }
}

/// Reads options. What it gives serves any number of calls.
#[napi(skip_typescript)]
pub fn lock_options(options: Unknown) -> Result<External<LockTerms>> {
    Ok(External::new(LockOptions::read(options)?.checked()?))
}

/// Waits for a lock. `within` are the owners whose `withLock` runs around this call; it is `scoped` when it is made by another one.
#[napi(skip_typescript)]
pub fn acquire(path: Unknown, terms: &External<LockTerms>, within: Option<Vec<f64>>, scoped: bool) -> Result<External<Job>> {
    let kin = if scoped { owner::read(within) } else { kin(terms, within) };
    let wanted = Wanted::new(path, terms, kin)?;
    let (cancel, slot) = (Cancel::new(), wanted.slot.clone());
    let options = wanted.options.clone().cancel(cancel.clone());
    Ok(Job::for_lock(cancel, slot, move || wanted.ask(options)))
}

/// The same without waiting.
#[napi(skip_typescript)]
pub fn try_acquire(path: Unknown, terms: &External<LockTerms>, within: Option<Vec<f64>>) -> Result<External<Job>> {
    let wanted = Wanted::new(path, terms, kin(terms, within))?;
    Ok(Job::for_lock(Cancel::new(), wanted.slot.clone(), move || wanted.try_now()))
}

/// The owner of the lock that one of these has brought, once it is over.
#[napi(skip_typescript)]
pub fn acquired(locks: &External<Locks>, job: &External<Job>) -> Option<f64> {
    job.slot.as_ref().and_then(|slot| slot.empty(locks))
}

/// Waits on the thread of JavaScript. Whatever that thread holds would be waited for in vain.
#[napi(skip_typescript)]
pub fn acquire_sync(
    env: Env,
    locks: &External<Locks>,
    path: Unknown,
    terms: &External<LockTerms>,
    tell: Option<Function<ServerEvent, ()>>,
) -> Result<f64> {
    let (path, owner) = (text("path", path)?, owner::new());
    let options = terms.core.clone().owner(owner).kin([owner::all_of_thread()]);
    let lock = match tell {
        None => SpawnLock::acquire(path, &options),
        Some(tell) => told_afterwards(Some(&tell), |listen| SpawnLock::acquire(path, &options.on_event(listen)))?,
    };
    Ok(locks.keep(owner, lock.map_err(|error| thrown(env, error))?))
}

/// The same without waiting.
#[napi(skip_typescript)]
pub fn try_acquire_sync(
    env: Env,
    locks: &External<Locks>,
    path: Unknown,
    terms: &External<LockTerms>,
    within: Option<Vec<f64>>,
) -> Result<Option<f64>> {
    let (path, owner) = (text("path", path)?, owner::new());
    let lock = SpawnLock::try_acquire(path, &terms.core.clone().owner(owner).kin(kin(terms, within)));
    Ok(lock.map_err(|error| thrown(env, error))?.map(|lock| locks.keep(owner, lock)))
}

/// Lets go, at once where that needs no wait.
#[napi(skip_typescript)]
pub fn release(locks: &External<Locks>, owner: f64) -> External<Job> {
    match locks.take(owner).map(SpawnLock::try_release) {
        Some(Err(lock)) => Job::new(Cancel::new(), move |_| Ok(Outcome::E(lock.release()))),
        Some(Ok(was_ours)) => Job::done(Outcome::E(was_ours)),
        None => Job::done(Outcome::E(false)),
    }
}

#[napi(skip_typescript)]
pub fn release_sync(locks: &External<Locks>, owner: f64) -> bool {
    locks.take(owner).is_some_and(SpawnLock::release)
}

#[napi(skip_typescript)]
pub fn lock_held(locks: &External<Locks>, owner: f64) -> Option<bool> {
    locks.look(owner, |lock| lock.held.as_ref().is_some_and(SpawnLock::is_held))
}

#[napi(skip_typescript)]
pub fn lock_path(locks: &External<Locks>, owner: f64) -> Option<String> {
    locks.look(owner, |lock| path_text(&lock.path))
}

#[napi(skip_typescript)]
pub fn lock_kind(locks: &External<Locks>, owner: f64) -> Option<&'static str> {
    locks.look(owner, |lock| lock.kind.as_str())
}

#[napi(skip_typescript)]
pub fn lock_holder(locks: &External<Locks>, owner: f64) -> Option<LockHolder> {
    locks.look(owner, |lock| lock.held.as_ref().map(|held| held.holder().into()))?
}

/// Who holds the lock at a path now.
#[napi(skip_typescript)]
pub fn holder_of(env: Env, path: Unknown, options: Unknown) -> Result<Option<LockHolder>> {
    let path = text("path", path)?;
    let kind = HolderOptions::read(options)?.kind()?;
    let holder = SpawnLock::holder_of(path, kind).map_err(|error| thrown(env, error))?;
    Ok(holder.map(LockHolder::from))
}

#[napi(skip_typescript)]
pub fn test_flock(env: Env, dir: Unknown) -> Result<&'static str> {
    let support = SpawnLock::test_flock(text("dir", dir)?);
    Ok(support.map_err(|error| thrown(env, error))?.as_str())
}

/// A lock that a job is to bring.
struct Wanted {
    path: String,
    options: spawnlock::LockOptions,
    listens: bool,
    slot: Slot,
}

impl Wanted {
    fn new(path: Unknown, terms: &LockTerms, kin: Vec<Range<u64>>) -> Result<Self> {
        let slot = Slot { lock: Arc::default(), owner: owner::new() };
        let options = terms.core.clone().owner(slot.owner).kin(kin);
        Ok(Wanted { path: text("path", path)?, options, listens: terms.listens, slot })
    }

    fn ask(self, mut options: spawnlock::LockOptions) -> Begun {
        let listener: Arc<OnceLock<Teller>> = Arc::default();
        if self.listens {
            let listener = Arc::clone(&listener);
            options = options.on_event(move |event| {
                if let Some(teller) = listener.get() {
                    teller.tell(event);
                }
            });
        }
        match SpawnLock::ask(&self.path, &options) {
            Ok(Asked::Held(lock)) => Begun::Over(Ok(self.slot.fill(Some(lock)))),
            Ok(Asked::Later(request)) => Begun::Later(Box::new(move |teller| {
                let _ = listener.set(teller.clone());
                request.then(move |result| match result {
                    Ok(won) => self.slot.fill_after(|outcome| teller.end(Ok(outcome)), won),
                    Err(error) => teller.end(Err(error)),
                });
            })),
            Err(error) => Begun::Over(Err(error)),
        }
    }

    fn try_now(self) -> Begun {
        Begun::Over(SpawnLock::try_acquire(&self.path, &self.options).map(|lock| self.slot.fill(lock)))
    }
}

/// Whose locks are the caller's own: those of the calls around it, and for one who wants a share, those of its thread.
fn kin(terms: &LockTerms, within: Option<Vec<f64>>) -> Vec<Range<u64>> {
    if terms.shares { vec![owner::all_of_thread()] } else { owner::read(within) }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
