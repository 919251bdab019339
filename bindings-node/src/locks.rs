//! The locks in the hands of one JavaScript. An object of napi for each of them would cost half as much as the lock.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;

use napi::bindgen_prelude::External;
use napi_derive::napi;
use spawnlock::{LockKind, SpawnLock};

/// Locks by the number of their owner, in order, since those of one moment are used and forgotten together. With its JavaScript go all
/// that are left.
#[derive(Default)]
pub struct Locks(RefCell<BTreeMap<u64, Lock>>);

/// One of them: while it is held, and what is known of it afterwards.
pub(crate) struct Lock {
    pub(crate) held: Option<SpawnLock>,
    pub(crate) path: PathBuf,
    pub(crate) kind: LockKind,
}

impl Locks {
    /// Keeps one until it is forgotten.
    pub(crate) fn keep(&self, owner: u64, lock: SpawnLock) -> f64 {
        let (path, kind) = (lock.path().to_owned(), lock.kind());
        self.0.borrow_mut().insert(owner, Lock { held: Some(lock), path, kind });
        owner as f64
    }

    /// Takes out one that is to be released.
    pub(crate) fn take(&self, owner: f64) -> Option<SpawnLock> {
        self.0.borrow_mut().get_mut(&(owner as u64))?.held.take()
    }

    /// Looks at one; `None` for one that nobody knows.
    pub(crate) fn look<T>(&self, owner: f64, look: impl FnOnce(&Lock) -> T) -> Option<T> {
        self.0.borrow().get(&(owner as u64)).map(look)
    }
}

#[napi(skip_typescript)]
pub fn locks() -> External<Locks> {
    External::new(Locks::default())
}

/// Nobody can ask for this one any more. If it is held it is released.
#[napi(skip_typescript)]
pub fn forget_lock(locks: &External<Locks>, owner: f64) {
    let forgotten = locks.0.borrow_mut().remove(&(owner as u64));
    // Outside of the table: to let go may take a moment.
    drop(forgotten);
}
