//! Who holds a lock. For people: only the kernel's lock decides.

use serde::{Deserialize, Serialize};

use crate::deadline;
use crate::sys;

/// The process that holds a spawn lock, as it wrote it down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Holder {
    /// Its process id.
    pub pid: u32,
    /// What it was run as, short: `node server.js`.
    #[serde(default)]
    pub program: String,
    /// Since when it holds the lock, in milliseconds since 1970.
    #[serde(default, rename = "timestamp")]
    pub since_ms: u64,
    /// The machine it runs on.
    #[serde(default)]
    pub host: String,
    /// Tells this holding from every other.
    #[serde(default)]
    pub token: String,
}

impl Holder {
    /// This process, from now on.
    pub(crate) fn ourselves() -> Self {
        let pid = std::process::id();
        Holder {
            pid,
            program: sys::program_of(pid).unwrap_or_default(),
            since_ms: deadline::now_ms(),
            host: sys::host_name(),
            token: deadline::unique(),
        }
    }

    /// For how long it has held the lock by the wall clock, as a text.
    pub(crate) fn held_for(&self) -> String {
        deadline::readable(std::time::Duration::from_millis(deadline::now_ms().saturating_sub(self.since_ms)))
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "pid {}", self.pid)?;
        if !self.program.is_empty() {
            write!(f, " ({})", self.program)?;
        }
        write!(f, ", for {}", self.held_for())
    }
}
