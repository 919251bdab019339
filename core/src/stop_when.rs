//! When a server is stopped without anybody saying so.

use crate::words::words;

words! {
    /// When a server is stopped without anybody saying so.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub enum StopWhen ("stop") {
        /// Never: it runs until somebody stops it.
        #[default]
        Never = "never",
        /// With its last user: when all who asked for it in this way are gone, killed ones included. A server that anybody asked
        /// for in the other way is kept.
        Last = "last",
    }
}
