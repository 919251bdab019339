//! One user of a server that is to be stopped with its last.

use std::sync::{Mutex, PoisonError};

use crate::cancel::Patience;
use crate::last::{self, Unused};
use crate::life::Known;
use crate::lock::{Lease, is_held_by_living};
use crate::minder::{self, Post};
use crate::place::Place;

/// A user, from before it looks for the server until it is released or dropped, or its process dies.
#[derive(Debug)]
pub(crate) struct User {
    place: Place,
    name: String,
    lease: Mutex<Option<Lease>>,
}

impl User {
    /// # Errors
    /// The system's own, where no lease can be had.
    pub(crate) fn new(place: &Place, name: &str) -> std::io::Result<Self> {
        Ok(User { place: place.clone(), name: name.to_owned(), lease: Mutex::new(Some(Lease::take(place)?)) })
    }

    /// Uses it no more. In a forked child nothing is used.
    pub(crate) fn release(&self) {
        let Some(lease) = self.lease.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let ours = lease.is_ours();
        drop(lease);
        if ours {
            leave(&self.place, &self.name);
        }
    }
}

impl Drop for User {
    fn drop(&mut self) {
        self.release();
    }
}

/// A server without a minder gets one, which then finds out whether it is wanted; where there is no minder to be had, who leaves ends it.
fn leave(place: &Place, name: &str) {
    if let Some(generation) = unwatched(place, name)
        && hire(place, name, generation).is_err()
    {
        while last::end_unused(place, name, generation, &Patience::uncancelled()) == Unused::Busy && !is_used(place, name) {}
    }
}

/// Whether anybody watches over a server that is to be stopped with its last user; if not, who comes by has it watched.
pub(crate) fn see_to_watch(place: &Place, name: &str) -> std::io::Result<()> {
    unwatched(place, name).map_or(Ok(()), |generation| hire(place, name, generation))
}

/// The start of a server that somebody ought to watch over and nobody does.
fn unwatched(place: &Place, name: &str) -> Option<u64> {
    if is_held_by_living(&place.minder_lock()) {
        return None;
    }
    let known = Known::look(place, name).known().filter(Known::lives)?;
    known.record.ends_with_last().then_some(known.record.generation)
}

fn is_used(place: &Place, name: &str) -> bool {
    Known::look(place, name).known().is_none_or(|known| last::is_wanted(place, &known.record))
}

fn hire(place: &Place, name: &str, generation: u64) -> std::io::Result<()> {
    minder::watch(Post { state_dir: place.state_dir().to_owned(), name: name.to_owned(), generation })
}
