//! Who holds a lock, as it wrote itself down. For a kernel lock this is for people; for an existence lock it is the evidence.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::deadline;
use crate::sys::{self, PerProcess};

/// The process that holds a lock, as it wrote it down.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Holder {
    /// Its process id.
    pub pid: u32,
    /// Since when it holds the lock, in milliseconds since 1970; 0 when it did not say.
    #[serde(default, rename = "timestamp")]
    pub since_ms: u64,
    /// Tells this holding from every other.
    #[serde(default)]
    pub token: String,
    /// The machine it runs on.
    #[serde(default)]
    pub host: String,
    /// What it was run as, short: `node server.js`.
    #[serde(default)]
    pub program: String,
    /// When the process began, in the system's own unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) start_time: Option<u64>,
    /// The boot in which that pid means something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) boot_id: Option<String>,
    /// The pid namespace in which it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pid_namespace: Option<String>,
}

/// What does not change while a process lives: asked of the system once.
static OURSELVES: PerProcess<Holder> = PerProcess::new(Holder::asked_of_the_system);

impl Holder {
    /// This process, from now on.
    pub(crate) fn ourselves() -> Self {
        let us = Holder::this_process();
        Holder { since_ms: deadline::now_ms(), token: deadline::unique_for(us.pid), ..us }
    }

    /// This process, holding nothing yet.
    pub(crate) fn this_process() -> Self {
        match OURSELVES.get() {
            known if known.pid == sys::own_pid() => known.clone(),
            // A child that was made by a bare system call.
            _ => Holder::asked_of_the_system(),
        }
    }

    fn asked_of_the_system() -> Self {
        let pid = sys::own_pid();
        let sees = sys::sees_own_pids();
        Holder {
            pid,
            host: sys::host_name(),
            program: sys::program_of(pid).filter(|_| sees).unwrap_or_default(),
            start_time: sys::process(pid).filter(|_| sees).map(|process| process.start_time),
            boot_id: sys::boot_id(),
            pid_namespace: sys::pid_namespace(),
            ..Holder::default()
        }
    }

    /// For how long it has held the lock by the wall clock; nothing when it did not say since when.
    pub(crate) fn held(&self) -> Duration {
        let since = if self.since_ms > 0 { self.since_ms } else { deadline::now_ms() };
        Duration::from_millis(deadline::now_ms().saturating_sub(since))
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "pid {}", self.pid)?;
        if !self.program.is_empty() {
            write!(f, " ({})", self.program)?;
        }
        if !self.host.is_empty() && self.host != Holder::this_process().host {
            write!(f, " on {}", self.host)?;
        }
        if self.since_ms > 0 { write!(f, ", for {}", deadline::readable(self.held())) } else { Ok(()) }
    }
}

/// Who holds a lock, as far as it was written down.
pub(crate) fn who(holder: Option<&Holder>) -> String {
    holder.map_or_else(|| "another process".to_owned(), Holder::to_string)
}

/// What a waiter tells after a while.
pub(crate) fn waiting_line(lock: &str, holder: Option<&Holder>) -> String {
    format!("waiting for the {lock}, held by {}", who(holder))
}
