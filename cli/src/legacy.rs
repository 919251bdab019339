//! The variables that hand-written init scripts read, in milliseconds and under a prefix of their own.
//!
//! | variable | becomes |
//! |---|---|
//! | `PREFIX_PORT` | `--port` |
//! | `PREFIX_INIT_TIMEOUT` | `--timeout` |
//! | `PREFIX_LOCK_TIMEOUT` | nothing: in such scripts it is the age at which a lock counts as left behind and is broken. Our lock is the kernel's and
//!   free the moment its holder ends, so there is no such age; a holder that lives is waited for until `--timeout`, for breaking its lock would start a second
//!   server. Whoever wants that all the same says `--lock-patience`. |
//! | `PREFIX_POLL_INTERVAL` | nothing: the interval follows the time already waited |

use std::time::Duration;

use crate::environment;
use crate::progress::Progress;
use crate::trouble::{Result, Trouble};

/// What the variables say.
#[derive(Debug, Default)]
pub struct Legacy {
    pub port: Option<u16>,
    pub timeout: Option<Duration>,
}

impl Legacy {
    /// Reads and checks all four.
    pub fn read(prefix: &str, progress: &Progress) -> Result<Self> {
        checked_prefix(prefix)?;
        let of = |suffix: &str| format!("{}_{suffix}", prefix.trim_end_matches('_'));
        let port = number(&of("PORT"))?.map(|value| as_port(&of("PORT"), value)).transpose()?;
        let timeout = number(&of("INIT_TIMEOUT"))?.map(|ms| at_least_one(&of("INIT_TIMEOUT"), ms)).transpose()?;
        if number(&of("LOCK_TIMEOUT"))?.is_some() {
            progress.note(|| format!("{} is not needed: the lock is free as soon as its holder ends", of("LOCK_TIMEOUT")));
        }
        if number(&of("POLL_INTERVAL"))?.is_some() {
            progress.note(|| format!("{} is not needed: the interval follows the time already waited", of("POLL_INTERVAL")));
        }
        Ok(Legacy { port, timeout: timeout.map(Duration::from_millis) })
    }
}

fn checked_prefix(prefix: &str) -> Result<()> {
    let word = prefix.trim_end_matches('_');
    if word.is_empty() || !word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(Trouble::usage(
            "--env-prefix",
            format_args!("is `{prefix}`: write the part of the variables before `_PORT`, as in OCTOCODE"),
        ));
    }
    Ok(())
}

fn number(variable: &str) -> Result<Option<u64>> {
    let Some(text) = environment::variable(variable) else { return Ok(None) };
    match text.trim().parse() {
        Ok(number) => Ok(Some(number)),
        Err(_) => Err(Trouble::Usage(format!("variable `{variable}` is `{text}`, which is no whole number"))),
    }
}

fn as_port(variable: &str, value: u64) -> Result<u16> {
    let port = u16::try_from(value).ok().filter(|port| *port > 0);
    port.ok_or_else(|| Trouble::Usage(format!("variable `{variable}` is `{value}`, which is no port: at least 1, at most 65535")))
}

fn at_least_one(variable: &str, ms: u64) -> Result<u64> {
    if ms == 0 {
        return Err(Trouble::Usage(format!("variable `{variable}` is `0`: at least one millisecond")));
    }
    Ok(ms)
}
