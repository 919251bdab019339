//! Ours alone, with the kernel's mutex.

use crate::catalogue::{Case, KERNEL};
use crate::protocol::ONE_HOLDER;
use crate::setup::{Setup, TakeOver};

/// All of them.
pub fn all() -> Vec<Case> {
    vec![
        two(),
        three(),
        three_unrecovered(),
        three_by_rename(),
        three_on_two_hosts(),
        three_on_two_hosts_killed(),
        two_hosts_unrecovered(),
        two_hosts_by_rename(),
    ]
}

/// Both may be killed, anywhere.
pub fn two() -> Case {
    Case::holds("flock mutex", Setup { crashes: 2, ..Setup::new(&[KERNEL; 2]) })
}

/// Two of three may be killed, anywhere.
pub fn three() -> Case {
    Case::holds("flock mutex", Setup { crashes: 2, ..Setup::new(&[KERNEL; 3]) })
}

/// Where every owner can be looked at, nothing that still lives ever comes out of an exchange.
pub fn three_unrecovered() -> Case {
    let setup = Setup { recovery: false, put_back_checked: false, ..three().setup };
    Case::holds("flock mutex, a cut-off takeover not finished", setup)
}

/// Where there is no exchange.
pub fn three_by_rename() -> Case {
    Case::holds("flock mutex, rename instead of exchange", Setup { take_over: TakeOver::RenameOver, ..three().setup })
}

/// Nobody can tell whether an owner on the other host lives; each may sleep beyond the threshold, and wake at any moment.
pub fn three_on_two_hosts() -> Case {
    Case::holds("flock mutex, two hosts, holders asleep", Setup { crashes: 0, ..two_hosts() })
}

/// The same with a kill anywhere.
pub fn three_on_two_hosts_killed() -> Case {
    Case::holds("flock mutex, two hosts, holders asleep", Setup { turns: 1, crashes: 2, ..two_hosts() })
}

/// The same with two turns each: millions of steps, for the patient.
pub fn three_on_two_hosts_killed_twice() -> Case {
    Case::holds("flock mutex, two hosts, holders asleep", Setup { crashes: 2, ..two_hosts() })
}

/// The sleeper wakes and touches its file just before the exchange, and the breaker is killed just after it.
pub fn two_hosts_unrecovered() -> Case {
    let setup = Setup { recovery: false, crashes: 1, ..two_hosts() };
    Case::breaks("flock mutex, two hosts, a cut-off takeover not finished", ONE_HOLDER, setup)
}

/// The sleeper wakes and touches its file just before the rename. Nothing can see that.
pub fn two_hosts_by_rename() -> Case {
    let setup = Setup { take_over: TakeOver::RenameOver, crashes: 0, ..two_hosts() };
    Case::breaks("flock mutex, two hosts, rename instead of exchange", ONE_HOLDER, setup)
}

fn two_hosts() -> Setup {
    Setup { hosts: vec![0, 0, 1], slow_holders: true, ..Setup::new(&[KERNEL; 3]) }
}
