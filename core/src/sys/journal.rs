//! The journal of the program that we are part of: the crate `log`, where the feature of that name asks for it.

use std::fmt::Display;

/// Writes one line under the target `spawnlock`, if anybody wants one of this weight.
#[cfg(feature = "log")]
pub(crate) fn journal(level: &str, line: &impl Display) {
    let level = match level {
        "warning" => log::Level::Warn,
        "info" => log::Level::Info,
        _ => log::Level::Debug,
    };
    log::log!(target: "spawnlock", level, "{line}");
}

#[cfg(not(feature = "log"))]
pub(crate) fn journal(_level: &str, _line: &impl Display) {}
