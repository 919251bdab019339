//! The environment: the only place of the command that reads it.
#![expect(
    clippy::disallowed_methods,
    reason = "the one place of the command that may read the environment: for --env-prefix and the terminal"
)]

use std::env;

/// A variable as text; an empty one counts as unset.
pub fn variable(name: &str) -> Option<String> {
    env::var_os(name).map(|value| value.to_string_lossy().into_owned()).filter(|value| !value.is_empty())
}

/// Whether a person looks on, or a machine that says so.
pub fn is_automation() -> bool {
    variable("CI").is_some_and(|value| value != "false" && value != "0")
}

/// Whether the terminal can do more than print lines.
pub fn is_dumb_terminal() -> bool {
    variable("TERM").is_none_or(|term| term == "dumb")
}
