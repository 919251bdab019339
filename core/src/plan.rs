//! A checked spec: every default and every check of an option, written once.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cancel::{Cancel, Patience};
use crate::deadline::Deadline;
use crate::environment;
use crate::error::{Error, Result};
use crate::event::Listener;
use crate::lock::StartLock;
use crate::place::{self, Place};
use crate::policy::{OnMismatch, Reuse, Unresponsive};
use crate::probe::{Check, CheckSource, Endpoint, Probe, parse_identity};
use crate::record::Declared;
use crate::spec::{OnLockUnavailable, ServerSpec};

/// How long a start may take.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);
/// How long one health question may take.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a server may take to end after the polite signal.
pub(crate) const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// As many log lines as a failure shows.
const TAIL_LINES: usize = 40;
/// What the server's files may be used for by others, unless declared otherwise.
const UMASK: u32 = 0o022;

/// A checked spec.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) endpoint: Option<Endpoint>,
    pub(crate) probe: Probe,
    /// How to start it; `None` when this call may only look.
    pub(crate) start: Option<Start>,
    pub(crate) patience: Patience,
    pub(crate) timeout: Duration,
    pub(crate) lock: StartLock,
    pub(crate) lock_patience: Option<Duration>,
    pub(crate) on_lock_unavailable: OnLockUnavailable,
    pub(crate) stop_timeout: Duration,
    pub(crate) policy: Policy,
    pub(crate) listener: Listener,
    /// What a record keeps, for a restart.
    pub(crate) declared: Declared,
}

/// What to do about a server that runs already.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    pub(crate) reuse: Reuse,
    pub(crate) version: Option<String>,
    pub(crate) on_mismatch: OnMismatch,
    pub(crate) unresponsive: Unresponsive,
}

/// How to start a server.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    pub(crate) argv: Vec<String>,
    pub(crate) shell: Option<String>,
    pub(crate) cwd: Option<PathBuf>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) inherit_env: bool,
    pub(crate) umask: u32,
    pub(crate) log: Option<PathBuf>,
    pub(crate) tail_lines: usize,
}

impl Start {
    /// The command as a person would type it.
    pub(crate) fn readable(&self) -> String {
        match &self.shell {
            Some(line) => line.clone(),
            None => self.argv.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "),
        }
    }
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=@%+,~".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

impl ServerSpec {
    /// Checks every option and fills in the defaults.
    pub(crate) fn plan(self) -> Result<Plan> {
        let checks = self.ready.iter().map(CheckSource::read).collect::<Result<Vec<Check>>>()?;
        if checks.is_empty() {
            return Err(Error::config("ready", "is missing: say how to tell that the server is ready, as in http://localhost:1987/health"));
        }
        let endpoint = checks.iter().find_map(Check::endpoint);
        let name = self.checked_name(endpoint.as_ref())?;
        let place = Place::of(&place::state_dir(self.state_dir.as_deref())?, &name)?;
        let identity = self.identity.as_ref().map(parse_identity).transpose()?;
        if identity.is_some() && !checks.iter().any(|check| matches!(check, Check::Http(_))) {
            return Err(Error::config("identity", "needs a check over HTTP: it looks at the fields of an answer"));
        }
        if self.version_field.is_some() && !checks.iter().any(|check| matches!(check, Check::Http(_))) {
            return Err(Error::config("versionField", "needs a check over HTTP: it is a field of an answer"));
        }
        let policy = self.checked_policy()?;
        let timeout = match self.timeout {
            Some(timeout) => timeout,
            None => environment::ready_timeout()?.unwrap_or(TIMEOUT),
        };
        let probe_timeout = at_least_some("probeTimeout", self.probe_timeout.unwrap_or(PROBE_TIMEOUT))?;
        Ok(Plan {
            start: if environment::disabled()? { None } else { self.checked_start()? },
            probe: Probe { checks, identity, version_field: self.version_field.clone(), timeout: probe_timeout },
            patience: Patience::new(Deadline::after(at_least_some("timeout", timeout)?), self.cancel.clone().unwrap_or_else(Cancel::never)),
            timeout,
            lock: StartLock::of(&place, self.lock, self.lock_file.as_deref().map(|file| place::file_path("lockFile", file)).transpose()?),
            lock_patience: self.lock_patience,
            on_lock_unavailable: self.on_lock_unavailable,
            stop_timeout: self.stop_timeout.unwrap_or(STOP_TIMEOUT),
            policy,
            listener: self.listener.clone(),
            declared: Declared::of(&self),
            endpoint,
            name,
            place,
        })
    }

    fn checked_name(&self, endpoint: Option<&Endpoint>) -> Result<String> {
        let name = match (&self.name, endpoint) {
            (Some(name), _) => name.clone(),
            (None, Some(endpoint)) => endpoint.default_name(),
            (None, None) => return Err(Error::config("name", "is missing, and no check has an address to make one from")),
        };
        checked_name(&name)?;
        Ok(name)
    }

    fn checked_policy(&self) -> Result<Policy> {
        if self.reuse == Reuse::Never && self.command.is_empty() && self.shell.is_none() {
            return Err(Error::config("reuse", "is `never`, and no command is given to start a fresh server with"));
        }
        if self.version.as_ref().is_some_and(|version| version.is_empty() || version.chars().any(char::is_control)) {
            return Err(Error::config("version", "must be a text without control characters"));
        }
        if self.version_field.as_deref() == Some("") {
            return Err(Error::config("versionField", "is empty"));
        }
        let (version, on_mismatch) = (self.version.clone(), self.on_mismatch);
        Ok(Policy { reuse: self.reuse, version, on_mismatch, unresponsive: self.unresponsive })
    }

    fn checked_start(&self) -> Result<Option<Start>> {
        let argv = match (&self.command, &self.shell) {
            (argv, Some(_)) if !argv.is_empty() => {
                return Err(Error::config("shell", "cannot be combined with `command`: give one of them"));
            }
            (_, Some(line)) if line.trim().is_empty() => return Err(Error::config("shell", "is empty")),
            (_, Some(line)) => vec!["/bin/sh".to_owned(), "-c".to_owned(), line.clone()],
            (argv, None) if argv.is_empty() => return Ok(None),
            (argv, None) if argv[0].is_empty() => return Err(Error::config("command", "begins with an empty word")),
            (argv, None) => argv.clone(),
        };
        if argv.iter().any(|word| word.contains('\0')) {
            return Err(Error::config("command", "has a zero byte in it"));
        }
        if let Some((key, _)) = self.env.iter().find(|(key, value)| key.is_empty() || key.contains(['=', '\0']) || value.contains('\0')) {
            return Err(Error::config("env", format!("has a variable `{}` that no system accepts", key.escape_debug())));
        }
        let cwd = self.cwd.as_deref().map(checked_cwd).transpose()?;
        let log = self.log.as_deref().map(|log| place::file_path("log", log)).transpose()?;
        let umask = self.umask.unwrap_or(UMASK);
        if umask > 0o777 {
            return Err(Error::config("umask", format!("is {umask:#o}: at most 0o777")));
        }
        Ok(Some(Start {
            argv,
            shell: self.shell.clone(),
            cwd,
            env: self.env.clone(),
            inherit_env: !self.keep_out_env,
            umask,
            log,
            tail_lines: self.tail_lines.unwrap_or(TAIL_LINES),
        }))
    }
}

/// A name that a person can type again.
pub(crate) fn checked_name(name: &str) -> Result<()> {
    if name.is_empty() {
        return Err(Error::config("name", "is empty"));
    }
    if name.len() > 1024 || name.chars().any(char::is_control) {
        return Err(Error::config("name", "must be at most 1024 bytes of text without control characters"));
    }
    Ok(())
}

fn checked_cwd(dir: &Path) -> Result<PathBuf> {
    let absolute = std::path::absolute(dir).map_err(|error| Error::config("cwd", format!("is `{}`", dir.display())).caused_by(error))?;
    if !absolute.is_dir() {
        return Err(Error::config("cwd", format!("is `{}`, which is no directory", absolute.display())));
    }
    Ok(absolute)
}

fn at_least_some(option: &str, time: Duration) -> Result<Duration> {
    if time.is_zero() {
        return Err(Error::config(option, "must be longer than nothing"));
    }
    Ok(time)
}
