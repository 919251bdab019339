//! The locks that are compared, and the workers that take them.

use std::process::Command;

use crate::tools::{Tools, run};
use crate::trouble::Result;

/// One kind of lock in one language.
pub struct Kind {
    pub name: &'static str,
    host: Host,
    /// What its worker calls it.
    word: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Host {
    Rust,
    Node,
    Python,
}

const fn kind(name: &'static str, host: Host, word: &'static str) -> Kind {
    Kind { name, host, word }
}

pub const OURS: &[Kind] = &[
    kind("flock in Rust", Host::Rust, "flock"),
    kind("flock in Node", Host::Node, "flock"),
    kind("flock in Python", Host::Python, "flock"),
    kind("excl in Rust", Host::Rust, "excl"),
    kind("excl in Node", Host::Node, "excl"),
    kind("excl in Python", Host::Python, "excl"),
];

/// The system's own queue, without anything: the least that a language can have.
pub const BARE: &[Kind] = &[
    kind("blocking flock", Host::Rust, "blocking"),
    kind("blocking flock in Node (fs-ext)", Host::Node, "fs-ext"),
    kind("blocking flock in Python (fcntl)", Host::Python, "fcntl"),
];

pub const PEERS: &[Kind] = &[
    kind("filelock", Host::Python, "filelock"),
    kind("fasteners", Host::Python, "fasteners"),
    kind("portalocker", Host::Python, "portalocker"),
    kind("SoftFileLock", Host::Python, "SoftFileLock"),
    kind("lockfile", Host::Node, "lockfile"),
    kind("proper-lockfile", Host::Node, "proper-lockfile"),
];

impl Kind {
    /// Whether both are of one language.
    pub fn is_beside(&self, other: &Kind) -> bool {
        self.host == other.host
    }

    /// Its worker, with what stands behind the name of the lock.
    pub fn command(&self, tools: &Tools, rest: &[&str]) -> Result<Command> {
        let mut command = match self.host {
            Host::Rust => {
                let mut command = run(&tools.ourselves);
                command.arg("worker");
                command
            }
            Host::Node => {
                let mut command = run(&tools.node()?);
                command.arg(tools.script("scripts/worker.cjs")).arg(&tools.root);
                command
            }
            Host::Python => {
                let mut command = run(&tools.python()?);
                command.arg(tools.script("scripts/worker.py")).arg(tools.python_peers_path()?);
                command
            }
        };
        command.arg(self.word).args(rest).current_dir(tools.root.join("bench"));
        Ok(command)
    }
}
