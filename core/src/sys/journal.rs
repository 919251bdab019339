//! The journal of the program that we are part of: the crate `log`, where the feature of that name asks for it.

/// Whether there is anybody to write for, and where the words go: the name of the server, and the one line of an event.
#[cfg(feature = "log")]
pub(crate) fn journal(level: &str, name: &str, message: &str) {
    let level = match level {
        "warning" => log::Level::Warn,
        "info" => log::Level::Info,
        _ => log::Level::Debug,
    };
    log::log!(target: "spawnlock", level, "{name}: {message}");
}

#[cfg(not(feature = "log"))]
pub(crate) fn journal(_level: &str, _name: &str, _message: &str) {}
