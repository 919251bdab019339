//! The Python module `spawnlock._native`: converts, forwards to the core, wraps the error.

mod error;
mod typed;

mod event;
mod exit;
mod interrupt;
mod job;

mod audience;
mod check;
mod claim;
mod guards;
mod kick;
mod lock;
mod names;
mod notify;
mod options;
mod restart;
mod server;
mod wait;

use pyo3::prelude::*;

/// The native part of spawnlock. Import `spawnlock`, not this.
#[pymodule]
mod _native {
    #[pymodule_export]
    use super::claim::{ClaimedSocket, claim_socket};
    #[pymodule_export]
    use super::event::{Event, Holder};
    #[pymodule_export]
    use super::guards::Guard;
    #[pymodule_export]
    use super::job::Job;
    #[pymodule_export]
    use super::kick::Kick;
    #[pymodule_export]
    use super::lock::{Acquired, SpawnLock};
    #[pymodule_export]
    use super::names::{Ended, Status, begin_stop, list_servers, prune_servers, server_logs, server_status, stop_server};
    #[pymodule_export]
    use super::notify::{notify, notify_ready};
    #[pymodule_export]
    use super::options::ServerSpec;
    #[pymodule_export]
    use super::restart::Restart;
    #[pymodule_export]
    use super::server::Server;
    #[pymodule_export]
    use super::typed::words;
    #[pymodule_export]
    use super::wait::Wait;

    /// The version of the package.
    #[pymodule_export]
    #[allow(non_upper_case_globals, reason = "the name is Python's")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
