//! Servers that die soon after every "ready": after a few, no more starts for a while.

use crate::deadline;
use crate::ended::{EndReason, Ended};
use crate::place::Place;
use crate::record::{Phase, Record};

/// A server that dies within this time of "ready" crashed.
const SOON_MS: u64 = 10_000;
/// As many crashes …
const MANY: usize = 3;
/// … in this time are a loop.
const WITHIN_MS: u64 = 60_000;

/// The crashes of a name in the last minute, the last one included: `record` is of a server that is dead.
/// Whoever comes first notes when it was found dead, so that the others count the same.
pub(crate) fn crashes(place: &Place, record: &Record) -> Vec<u64> {
    let died = (record.state == Phase::Ready).then(|| died_at(place, record)).flatten();
    let soon = died.filter(|died| died.saturating_sub(record.ready_at) < SOON_MS);
    let now = deadline::now_ms();
    record.crashes.iter().copied().chain(soon).filter(|at| now.abs_diff(*at) < WITHIN_MS).collect()
}

fn died_at(place: &Place, record: &Record) -> Option<u64> {
    let known = || Ended::read(place).filter(|ended| ended.generation == record.generation);
    if known().is_none() {
        let _ = Ended::note(place, record, EndReason::Exited, None);
    }
    match known() {
        Some(ended) => Some(ended.ended_at_ms).filter(|_| ended.reason == EndReason::Exited),
        None => Some(deadline::now_ms()),
    }
}

/// When the next start is allowed, where that is not now.
pub(crate) fn next_try_ms(crashes: &[u64]) -> Option<u64> {
    let first = crashes.len().checked_sub(MANY).map(|at| crashes[at])?;
    Some(first + WITHIN_MS).filter(|next| *next > deadline::now_ms())
}
