//! When a server is stopped without anybody saying so.

use crate::error::{Error, Result};

/// When a server is stopped without anybody saying so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum StopWhen {
    /// Never: it runs until somebody stops it.
    #[default]
    Never,
    /// With its last user: when all who asked for it in this way are gone, killed ones included. A server that anybody asked
    /// for in the other way is kept.
    Last,
}

impl StopWhen {
    /// Every one.
    pub const ALL: &'static [StopWhen] = &[StopWhen::Never, StopWhen::Last];

    /// The word for it, the same in every language.
    pub const fn as_str(self) -> &'static str {
        match self {
            StopWhen::Never => "never",
            StopWhen::Last => "last",
        }
    }

    /// Reads `never` or `last`.
    ///
    /// # Errors
    /// `CONFIG` for any other word.
    pub fn parse(text: &str) -> Result<Self> {
        let named = StopWhen::ALL.iter().find(|when| when.as_str() == text);
        named.copied().ok_or_else(|| Error::config("stop", format!("is `{text}`: write `never` or `last`")))
    }
}
