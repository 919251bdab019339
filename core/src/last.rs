//! Ending a server whose last user is gone.

use std::time::Duration;

use crate::cancel::Patience;
use crate::deadline::LONG_ENOUGH;
use crate::end;
use crate::ended::EndReason;
use crate::life::Known;
use crate::lock::{Acquired, LockKind, StartLock, is_kept, is_leased};
use crate::place::Place;
use crate::plan;
use crate::record::Record;

/// Whether anybody still wants this start of a server, or nobody ever said that it should end with its users.
pub(crate) fn is_wanted(place: &Place, record: &Record) -> bool {
    !record.ends_with_last() || is_leased(place) || is_kept(place, record.generation)
}

/// How long it goes on without users.
pub(crate) fn linger(record: &Record) -> Duration {
    Duration::from_millis(record.declared.as_ref().and_then(|declared| declared.linger_ms).unwrap_or_default())
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unused {
    /// It is over, by us or by others; or it cannot be ended, and is left to those who come by.
    Over,
    /// Somebody wants it, or had the lock for all of `patience`.
    Busy,
}

/// Ends this start of a server unless somebody wants it by now: under the spawn lock, so that nobody is given it meanwhile.
pub(crate) fn end_unused(place: &Place, name: &str, generation: u64, patience: &Patience) -> Unused {
    let known = || Known::living(place, name).filter(|known| known.record.generation == generation);
    // Who has nothing to end does not take the lock either: whoever looks would take us for one who starts it.
    let settled = || match known() {
        Some(known) if is_wanted(place, &known.record) => Some(Unused::Busy),
        Some(_) => None,
        None => Some(Unused::Over),
    };
    if let Some(settled) = settled() {
        return settled;
    }
    let acquired = StartLock::of(place, LockKind::Auto, None).acquire(patience, |_| {}, settled);
    let _lock = match acquired {
        Acquired::Held(lock) | Acquired::Broken(lock, _) => Some(lock),
        Acquired::Unavailable(_) => None,
        Acquired::Told(settled) => return settled,
        Acquired::Elapsed | Acquired::Cancelled => return Unused::Busy,
    };
    let Some(known) = known().map(|known| known.with_pid(place)) else { return Unused::Over };
    let Ok(grace) = plan::stop_timeout(known.record.stop_timeout()) else { return Unused::Over };
    match end::end_server(place, &known.record, EndReason::LastUser, grace, &patience.afresh(LONG_ENOUGH), || {
        is_wanted(place, &known.record)
    }) {
        Ok(false) => Unused::Busy,
        Ok(true) | Err(_) => Unused::Over,
    }
}
