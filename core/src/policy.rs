//! What is to be done about a server that runs already: the words of the options.

use crate::error::{Error, Result};
use crate::spec::ServerSpec;
use crate::sys::Signal;
use crate::words::words;

words! {
    /// Which servers that run already will do.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum Reuse ("reuse") {
        /// Every healthy one, whoever started it.
        #[default]
        Healthy = "healthy",
        /// Only one that was started here, by this user: any other is `FOREIGN`.
        Owned = "owned",
        /// None: one of ours is replaced by a fresh one, once for all who ask at the same moment; any other is `FOREIGN`.
        Never = "never",
    }
}

words! {
    /// What to do about a server of another version.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum OnMismatch ("onMismatch") {
        /// Replace it by the newer one. A newer one, or one that others hold leases on, is used as it is, with a warning.
        #[default]
        Restart = "restart",
        /// Use it, with a warning.
        Reuse = "reuse",
        /// Fail with `VERSION`.
        Error = "error",
    }
}

words! {
    /// What to do about a server of ours that lives and does not answer.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum Unresponsive ("unresponsive") {
        /// Fail with `UNRESPONSIVE`.
        #[default]
        Error = "error",
        /// Replace it, once its alive lock proves that it is ours.
        Replace = "replace",
    }
}

words! {
    /// The signal that asks a server to end; one that stays is killed.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum StopSignal ("stopSignal") {
        /// The usual one.
        #[default]
        Term = "SIGTERM",
        /// As Ctrl-C.
        Int = "SIGINT",
        /// As a closed terminal.
        Hup = "SIGHUP",
        /// As Ctrl-\, or a graceful end for some servers.
        Quit = "SIGQUIT",
        /// What the server makes of it.
        Usr1 = "SIGUSR1",
        /// What the server makes of it.
        Usr2 = "SIGUSR2",
        /// At once.
        Kill = "SIGKILL",
    }
}

impl From<StopSignal> for Signal {
    fn from(signal: StopSignal) -> Self {
        match signal {
            StopSignal::Term => Signal::Terminate,
            StopSignal::Int => Signal::Interrupt,
            StopSignal::Hup => Signal::HangUp,
            StopSignal::Quit => Signal::Quit,
            StopSignal::Usr1 => Signal::User1,
            StopSignal::Usr2 => Signal::User2,
            StopSignal::Kill => Signal::Kill,
        }
    }
}

words! {
    /// What to do where no lock can be had: a read-only place, a file system without locks.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub enum OnLockUnavailable ("onLockUnavailable") {
        /// Warn by an event and start without the lock; the server's own bind is then the arbiter.
        #[default]
        Proceed = "proceed",
        /// Fail with `LOCK_UNAVAILABLE`.
        Fail = "fail",
    }
}

/// What to do about a server that runs already, checked.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    pub(crate) reuse: Reuse,
    pub(crate) version: Option<String>,
    pub(crate) on_mismatch: OnMismatch,
    pub(crate) unresponsive: Unresponsive,
}

impl ServerSpec {
    pub(crate) fn checked_policy(&self) -> Result<Policy> {
        let reuse = self.reuse.unwrap_or_default();
        if reuse == Reuse::Never && self.command.is_empty() && self.shell.is_none() {
            return Err(Error::config("reuse", "is `never`, and no command is given to start a fresh server with"));
        }
        if self.version.as_ref().is_some_and(|version| version.is_empty() || version.chars().any(char::is_control)) {
            return Err(Error::config("version", "must be a text without control characters"));
        }
        if self.version_field.as_deref() == Some("") {
            return Err(Error::config("versionField", "is empty"));
        }
        let (on_mismatch, unresponsive) = (self.on_mismatch.unwrap_or_default(), self.unresponsive.unwrap_or_default());
        Ok(Policy { reuse, version: self.version.clone(), on_mismatch, unresponsive })
    }
}
