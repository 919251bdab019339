//! One user of a server that is to be stopped with its last.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::cancel::Patience;
use crate::last::{self, Unused};
use crate::life::Known;
use crate::lock::{Lease, is_held_by_living, is_leased};
use crate::minder::{self, Post};
use crate::place::Place;

/// How long a minder may take to go once its server is dead, and how often one looks.
const MINDER_GOES: Duration = Duration::from_millis(250);
/// How long who leaves waits for the lock, where there is nobody else to see to the end.
const LEAVES: Duration = Duration::from_secs(60);
const AGAIN: Duration = Duration::from_millis(1);

/// A user, from before it looks for the server until it is released, or its process ends; dropped where it got none.
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

    /// One that lasts until it is released or its process ends: a server whose handle is lost is in use all the same.
    #[expect(clippy::mem_forget, reason = "what is kept to the end is never dropped")]
    pub(crate) fn until_the_end(user: &Arc<User>) -> Arc<User> {
        std::mem::forget(Arc::clone(user));
        Arc::clone(user)
    }

    /// Uses it no more. In a forked child nothing is used.
    pub(crate) fn release(&self) {
        if self.let_go() {
            see_to_end(&self.place, &self.name);
        }
    }

    /// Uses it no more, and says whether that may be the end of the server, to which [`see_it_end`](User::see_it_end) sees then. As long
    /// as somebody else holds a lease, that one's end is what counts.
    pub(crate) fn step_out(&self) -> bool {
        self.let_go() && !is_leased(&self.place)
    }

    /// Returns when the server is gone, if it goes at once.
    pub(crate) fn see_it_end(&self, patience: &Patience) {
        let Some(known) = Known::living(&self.place, &self.name) else { return };
        if last::linger(&known.record).is_zero() {
            if last::end_unused(&self.place, &self.name, known.record.generation, patience) == Unused::Over {
                await_minder(&self.place);
            }
        } else {
            see_to_end(&self.place, &self.name);
        }
    }

    /// Whether there was a lease of ours to let go.
    fn let_go(&self) -> bool {
        let lease = self.lease.lock().unwrap_or_else(PoisonError::into_inner).take();
        lease.is_some_and(|lease| lease.is_ours())
    }
}

impl Drop for User {
    fn drop(&mut self) {
        self.release();
    }
}

/// Waits a moment for the minder of a server that has ended, so that who removes the place next finds it at rest.
pub(crate) fn await_minder(place: &Place) {
    Patience::uncancelled().within(MINDER_GOES).outlast(AGAIN, || is_held_by_living(&place.minder_lock()));
}

/// A server without a minder gets one, which then finds out whether it is wanted; where there is no minder to be had, who leaves ends it.
fn see_to_end(place: &Place, name: &str) {
    if let Some(generation) = unwatched(place, name)
        && hire(place, name, generation).is_err()
    {
        let patience = Patience::uncancelled().within(LEAVES);
        while last::end_unused(place, name, generation, &patience) == Unused::Busy && !is_used(place, name) && !patience.deadline.expired()
        {
        }
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
    let known = Known::living(place, name)?;
    known.record.ends_with_last().then_some(known.record.generation)
}

fn is_used(place: &Place, name: &str) -> bool {
    Known::look(place, name).known().is_none_or(|known| last::is_wanted(place, &known.record))
}

fn hire(place: &Place, name: &str, generation: u64) -> std::io::Result<()> {
    minder::watch(Post::of(place, name, generation))
}
