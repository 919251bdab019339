//! Beside another tool that knows only O_EXCL and unlink, and never breaks a lock.

use crate::catalogue::{Case, KERNEL};
use crate::protocol::ONE_HOLDER;
use crate::setup::{Setup, Who};

/// All of them.
pub fn all() -> Vec<Case> {
    vec![
        quick_empty(),
        quick_pid(),
        slow_empty(),
        slow_pid(),
        two_slow(),
        unchecked_put_back(),
        slow_unrecovered(),
        slow_three_turns(),
        two_slow_killed(),
        overtaken_wakes(),
    ]
}

/// A tool that leaves its lock file empty, and holds it shorter than the threshold or is dead.
pub fn quick_empty() -> Case {
    Case::holds("beside a tool, empty file", Setup { crashes: 2, ..beside(Who::Empty) })
}

/// A tool that writes its pid.
pub fn quick_pid() -> Case {
    Case::holds("beside a tool, pid in the file", Setup { crashes: 2, ..beside(Who::Pid) })
}

/// The tool holds longer than the threshold, and lets go and takes again at any moment of a takeover.
pub fn slow_empty() -> Case {
    Case::holds("beside a slow tool, empty file", slow(Who::Empty))
}

/// The same where the tool may sleep between making the file and writing into it.
pub fn slow_pid() -> Case {
    Case::holds("beside a slow tool, pid in the file", Setup { turns: 3, ..slow(Who::Pid) })
}

/// Two such tools.
pub fn two_slow() -> Case {
    let setup = Setup { slow_holders: true, crashes: 0, ..Setup::new(&[KERNEL, KERNEL, Who::Empty, Who::Empty]) };
    Case::holds("beside two slow tools", setup)
}

/// What comes out when a lock is put back is not looked at: it can be a newer lock.
pub fn unchecked_put_back() -> Case {
    let setup = Setup { put_back_checked: false, turns: 3, crashes: 0, ..slow(Who::Empty) };
    Case::breaks("beside a slow tool, put back without a look", ONE_HOLDER, setup)
}

/// The tool lets go and takes again just before the exchange, and the breaker is killed just after it.
pub fn slow_unrecovered() -> Case {
    let setup = Setup { recovery: false, ..slow(Who::Empty) };
    Case::breaks("beside a slow tool, a cut-off takeover not finished", ONE_HOLDER, setup)
}

/// A tool lets go and takes again, twice, within one takeover, and the breaker is killed between its second and its third exchange.
pub fn slow_three_turns() -> Case {
    Case::breaks("limit: a slow tool, twice within a cut-off takeover", ONE_HOLDER, Setup { turns: 3, ..slow(Who::Empty) })
}

/// The same with two tools that take turns.
pub fn two_slow_killed() -> Case {
    Case::breaks("limit: two slow tools, in turn within a cut-off takeover", ONE_HOLDER, Setup { crashes: 1, ..two_slow().setup })
}

/// A tool that was overtaken wakes up and unlinks whatever is there. It knows no token; nobody can help it.
pub fn overtaken_wakes() -> Case {
    let setup = Setup { overtaken_tools_wake: true, crashes: 0, ..slow(Who::Empty) };
    Case::breaks("limit: an overtaken tool wakes and unlinks", ONE_HOLDER, setup)
}

fn beside(tool: Who) -> Setup {
    Setup::new(&[KERNEL, KERNEL, tool])
}

fn slow(tool: Who) -> Setup {
    Setup { slow_holders: true, ..beside(tool) }
}
