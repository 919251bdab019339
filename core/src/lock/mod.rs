//! The locks of a place: the spawn lock, held by the one that may start, and the alive lock, held by the server.

mod alive;
mod flock;

pub(crate) use alive::{AliveLock, is_held};
pub(crate) use flock::{Acquired, SpawnLock, holder};
