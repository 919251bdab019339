//! Schemes that must be seen to fail: what shows that the check can fail.

use crate::catalogue::{Case, KERNEL};
use crate::protocol::ONE_HOLDER;
use crate::setup::{Setup, TakeOver, Who};

/// All of them.
pub fn all() -> Vec<Case> {
    vec![unlink_and_create(), write_and_read_back(), blind_release(), unlink_under_the_mutex(), rename_under_the_mutex()]
}

/// Two look at one stale lock; the second unlinks what the first has made.
pub fn unlink_and_create() -> Case {
    let setup = Setup { crashes: 0, ..Setup::new(&[Who::UnlinkAndCreate; 2]) };
    Case::breaks("bad: stale → unlink → create", ONE_HOLDER, setup)
}

/// Each writes, reads its own token, and is overwritten.
pub fn write_and_read_back() -> Case {
    let setup = Setup { crashes: 0, ..Setup::new(&[Who::WriteAndReadBack; 2]) };
    Case::breaks("bad: write the token over it, read it back", ONE_HOLDER, setup)
}

/// A holder that was overtaken unlinks its successor's lock.
pub fn blind_release() -> Case {
    let setup = Setup { crashes: 0, token_checked: false, hosts: vec![0, 1], slow_holders: true, ..Setup::new(&[KERNEL; 2]) };
    Case::breaks("bad: mutex, but a release that checks no token", ONE_HOLDER, setup)
}

/// The tool lets go and takes again between the second look and the unlink.
pub fn unlink_under_the_mutex() -> Case {
    Case::breaks("bad: mutex, look again, unlink, create; a slow tool beside", ONE_HOLDER, beside_a_tool(TakeOver::UnlinkAndCreate))
}

/// The same, between the second look and the rename.
pub fn rename_under_the_mutex() -> Case {
    Case::breaks("bad: mutex, look again, rename over; a slow tool beside", ONE_HOLDER, beside_a_tool(TakeOver::RenameOver))
}

fn beside_a_tool(take_over: TakeOver) -> Setup {
    Setup { crashes: 0, take_over, slow_holders: true, ..Setup::new(&[KERNEL, Who::Empty]) }
}
