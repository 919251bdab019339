//! Ours alone, with the mutex by existence: for file systems without flock.

use crate::catalogue::{Case, EXISTENCE};
use crate::progress::EVERYONE;
use crate::protocol::ONE_HOLDER;
use crate::setup::{Reap, Setup, TakeOver};

/// All of them.
pub fn all() -> Vec<Case> {
    vec![
        two(),
        three(),
        two_hosts(),
        reclaim(),
        reclaim_left(),
        reclaim_unlinked(),
        reclaim_awaited(),
        four(),
        frozen(),
        frozen_under_reclaim(),
        frozen_with_own_names(),
        frozen_with_own_names_killed(),
        frozen_with_own_names_by_rename(),
        frozen_with_stray_tokens(),
    ]
}

/// A dead one's mutex is reaped by its token.
pub fn two() -> Case {
    Case::holds("O_EXCL mutex, reaped by token", Setup { crashes: 2, ..Setup::new(&[EXISTENCE; 2]) })
}

/// Two of three may be killed, anywhere.
pub fn three() -> Case {
    Case::holds("O_EXCL mutex, reaped by token", Setup { crashes: 2, ..Setup::new(&[EXISTENCE; 3]) })
}

/// Holders may sleep; nobody sleeps in the mutex.
pub fn two_hosts() -> Case {
    let setup = Setup { turns: 1, crashes: 1, hosts: vec![0, 0, 1], slow_holders: true, ..Setup::new(&[EXISTENCE; 3]) };
    Case::holds("O_EXCL mutex, two hosts, holders asleep", setup)
}

/// Two reapers do not break each other: the reclaim lock holds, as long as no reaper dies.
pub fn reclaim() -> Case {
    Case::holds("O_EXCL mutex, reaped under a reclaim lock", Setup { crashes: 1, ..reaped(Reap::Reclaim, 3) })
}

/// The holder of the mutex is killed, then its reaper: the reclaim lock stays, and with it the mutex.
pub fn reclaim_left() -> Case {
    Case::breaks("O_EXCL mutex, reclaim lock, the reaper is killed too", EVERYONE, Setup { crashes: 2, ..reaped(Reap::Reclaim, 3) })
}

/// The reclaim lock is itself unlinked when old: two who do so break each other.
pub fn reclaim_unlinked() -> Case {
    Case::breaks("O_EXCL mutex, an old reclaim lock is unlinked", ONE_HOLDER, Setup { crashes: 2, ..reaped(Reap::ReclaimUnlinked, 4) })
}

/// The reclaim lock is replaced when old, and had after a pause if it is still one's own.
pub fn reclaim_awaited() -> Case {
    Case::holds("O_EXCL mutex, an old reclaim lock is replaced, a pause", Setup { crashes: 2, ..reaped(Reap::ReclaimAwaited, 4) })
}

/// No reclaim lock at all.
pub fn four() -> Case {
    Case::holds("O_EXCL mutex, reaped by token", Setup { crashes: 2, ..reaped(Reap::ByToken, 4) })
}

/// A holder of the mutex is frozen beyond its threshold, and thaws: nothing based on time can be safe.
pub fn frozen() -> Case {
    let setup = Setup { crashes: 0, frozen_in_mutex: true, ..Setup::new(&[EXISTENCE; 2]) };
    Case::breaks("limit: frozen in the O_EXCL mutex", ONE_HOLDER, setup)
}

/// However the mutex is reaped.
pub fn frozen_under_reclaim() -> Case {
    let setup = Setup { reap: Reap::Reclaim, ..frozen().setup };
    Case::breaks("limit: frozen in the O_EXCL mutex, a reclaim lock", ONE_HOLDER, setup)
}

/// With a name of one's own for `L.new`, and without a kill, the lock is never had twice; but it can stay with one who does not know that it
/// has it, for as long as that one lives.
pub fn frozen_with_own_names() -> Case {
    Case::breaks("limit: frozen, own names for `L.new`", EVERYONE, Setup { turns: 1, ..own_names(3) })
}

/// And with a kill between two exchanges it can be had twice.
pub fn frozen_with_own_names_killed() -> Case {
    let setup = Setup { turns: 1, crashes: 1, ..own_names(3) };
    Case::breaks("limit: frozen, own names for `L.new`, one killed", ONE_HOLDER, setup)
}

/// Without an exchange own names help nothing.
pub fn frozen_with_own_names_by_rename() -> Case {
    let setup = Setup { take_over: TakeOver::RenameOver, ..own_names(2) };
    Case::breaks("limit: frozen, own names, rename instead of exchange", ONE_HOLDER, setup)
}

/// Whoever finds its own pid with a token it does not hold takes that lock for stale: another may just be about to put it back.
pub fn frozen_with_stray_tokens() -> Case {
    let setup = Setup { turns: 1, stray_token_stale: true, ..own_names(3) };
    Case::breaks("bad: frozen, own names, one's own pid is no proof", ONE_HOLDER, setup)
}

fn own_names(processes: usize) -> Setup {
    let who = vec![EXISTENCE; processes];
    Setup { own_names: true, recovery: false, frozen_in_mutex: true, crashes: 0, ..Setup::new(&who) }
}

fn reaped(reap: Reap, processes: usize) -> Setup {
    Setup { reap, turns: 1, ..Setup::new(&vec![EXISTENCE; processes]) }
}
