//! The name of an option as the language of the caller spells it.

use crate::error::{Error, ErrorCode};

/// How a language spells `probeTimeout`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// `probeTimeout`
    Camel,
    /// `probe_timeout`
    Snake,
    /// `--probe-timeout`, and `NAME`, `CMD` and `CHECK` for what stands without a flag.
    Flag,
}

impl Error {
    /// The whole text, with the name of a wrong option as the caller wrote it.
    ///
    /// # Example
    /// ```
    /// use std::time::Duration;
    /// use spawnlock::{ServerSpec, Spelling};
    /// let error = ServerSpec::new("api").ready("tcp:localhost:1987").probe_timeout(Duration::ZERO).ensure().unwrap_err();
    /// assert!(error.text(Spelling::Flag).starts_with("option `--probe-timeout` must"));
    /// ```
    pub fn text(&self, spelling: Spelling) -> String {
        let text = self.to_string();
        if self.code() != ErrorCode::Config {
            return text;
        }
        match text.strip_prefix("option `").and_then(|rest| rest.split_once('`')) {
            Some((option, problem)) => format!("option `{}`{problem}", spelled(option, spelling)),
            None => text,
        }
    }
}

/// Variables, and names that are not ours, stay as they are.
fn spelled(option: &str, spelling: Spelling) -> String {
    if !option.starts_with(|c: char| c.is_ascii_lowercase()) {
        return option.to_owned();
    }
    match (spelling, option) {
        (Spelling::Camel, _) => option.to_owned(),
        (Spelling::Snake, _) => split(option, '_'),
        (Spelling::Flag, "name") => "NAME".to_owned(),
        (Spelling::Flag, "command") => "CMD".to_owned(),
        (Spelling::Flag, "checks") => "CHECK".to_owned(),
        (Spelling::Flag, _) => format!("--{}", split(option, '-')),
    }
}

fn split(camel: &str, between: char) -> String {
    let mut words = String::with_capacity(camel.len() + 4);
    for c in camel.chars() {
        if c.is_ascii_uppercase() {
            words.push(between);
        }
        words.push(c.to_ascii_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::{Spelling, spelled};

    #[test]
    fn options_are_named_as_they_are_typed() {
        assert_eq!(spelled("probeTimeout", Spelling::Flag), "--probe-timeout");
        assert_eq!(spelled("onLockUnavailable", Spelling::Snake), "on_lock_unavailable");
        assert_eq!(spelled("onLockUnavailable", Spelling::Camel), "onLockUnavailable");
        assert_eq!(spelled("SPAWNLOCK_READY_TIMEOUT", Spelling::Flag), "SPAWNLOCK_READY_TIMEOUT");
        assert_eq!(spelled("--timeout", Spelling::Flag), "--timeout");
        assert_eq!(spelled("name", Spelling::Flag), "NAME");
    }
}
