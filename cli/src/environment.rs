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

/// Whether we run as a step of a GitHub workflow, whose log folds what is between two marks.
pub fn folds_groups() -> bool {
    variable("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}
