//! What is to be done about a server that runs already: the words of the options.

use crate::error::{Error, Result};
use crate::sys::Signal;

/// Declares an option that is one of a few words.
macro_rules! words {
    ($(#[$about:meta])* $name:ident, $option:literal { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            /// Every word.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The word for it, the same in every language.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)+ }
            }

            /// Reads one of the words.
            ///
            /// # Errors
            /// `CONFIG` for any other.
            pub fn parse(text: &str) -> Result<Self> {
                let found = Self::ALL.iter().copied().find(|known| known.as_str() == text);
                found.ok_or_else(|| Error::config($option, format!("is `{text}`: write {}", [$(concat!("`", $word, "`")),+].join(" or "))))
            }
        }
    };
}

words! {
    /// Which servers that run already will do.
    Reuse, "reuse" {
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
    OnMismatch, "onMismatch" {
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
    Unresponsive, "unresponsive" {
        /// Fail with `UNRESPONSIVE`.
        #[default]
        Error = "error",
        /// Replace it, once its alive lock proves that it is ours.
        Replace = "replace",
    }
}

words! {
    /// The signal that asks a server to end; one that stays is killed.
    StopSignal, "stopSignal" {
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
