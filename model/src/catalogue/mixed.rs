//! Both kinds of mutex at one path: a process that is refused flock beside those that have it, or a tool with a mutex of its own.

use crate::catalogue::{Case, EXISTENCE, KERNEL};
use crate::protocol::ONE_HOLDER;
use crate::setup::Setup;

/// All of them.
pub fn all() -> Vec<Case> {
    vec![mark_respected(), mark_reaped(), mark_touched()]
}

/// Who cannot flock leaves a marked mutex alone: the lock is unavailable to it.
pub fn mark_respected() -> Case {
    let setup = Setup { crashes: 2, ..Setup::new(&[KERNEL, KERNEL, EXISTENCE]) };
    Case::holds("flock beside O_EXCL mutex, the mark respected", setup)
}

/// Who goes by age alone reaps the marked mutex while somebody has it.
pub fn mark_reaped() -> Case {
    let setup = Setup { crashes: 0, mark_respected: false, ..Setup::new(&[KERNEL, EXISTENCE]) };
    Case::breaks("flock beside O_EXCL mutex, the mark reaped by age", ONE_HOLDER, setup)
}

/// Whoever gets it makes it look young: that narrows the gap, and does not close it.
pub fn mark_touched() -> Case {
    Case::breaks("flock beside O_EXCL mutex, touched, reaped by age", ONE_HOLDER, Setup { mark_touched: true, ..mark_reaped().setup })
}
