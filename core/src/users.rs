//! Who uses a server: the leases in its place, each locked by its living holder.

use std::fs;
use std::path::PathBuf;

use crate::holder::Holder;
use crate::lock;
use crate::place::{self, Place};

/// The living holders of leases, in no order. Who wrote nothing down is told without a pid.
pub(crate) fn users_of(place: &Place) -> Vec<Holder> {
    let held = leases(place).into_iter().filter(|lease| lock::is_held(lease));
    held.map(|lease| place::read_json(&lease).ok().flatten().unwrap_or_default()).collect()
}

/// Whether somebody besides this process holds a lease.
pub(crate) fn others_use_it(place: &Place) -> bool {
    users_of(place).iter().any(|user| user.pid != std::process::id())
}

fn leases(place: &Place) -> Vec<PathBuf> {
    let entries = fs::read_dir(place.leases()).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "lease")).collect()
}
