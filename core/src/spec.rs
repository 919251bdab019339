//! Every option with its default and its check, written once.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::cancel::{Cancel, Patience};
use crate::deadline::Deadline;
use crate::environment;
use crate::error::{Error, Result};
use crate::event::{Event, Listener};
use crate::place::{self, Place};
use crate::probe::{Check, CheckSource, Endpoint, Probe, parse_identity};

/// How long a start may take.
const TIMEOUT: Duration = Duration::from_secs(60);
/// How long one health question may take.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a server may take to end after the polite signal.
pub(crate) const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// As many log lines as a failure shows.
const TAIL_LINES: usize = 40;
/// What the server's files may be used for by others, unless declared otherwise.
const UMASK: u32 = 0o022;

/// What to do where no lock can be had: a read-only place, a file system without locks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnLockUnavailable {
    /// Warn by an event and start without the lock; the server's own bind is then the arbiter.
    #[default]
    Proceed,
    /// Fail with `LOCK_UNAVAILABLE`.
    Fail,
}

impl OnLockUnavailable {
    /// Reads `proceed` or `fail`.
    ///
    /// # Errors
    /// `CONFIG` for any other word.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "proceed" => Ok(OnLockUnavailable::Proceed),
            "fail" => Ok(OnLockUnavailable::Fail),
            other => Err(Error::config("onLockUnavailable", format!("is `{other}`: write `proceed` or `fail`"))),
        }
    }
}

/// A server to have exactly once: its name, how to start it, and how to tell that it is ready.
///
/// Options are checked when [`ensure`](ServerSpec::ensure) is called, not while the spec is built.
///
/// # Example
/// ```no_run
/// use spawnlock::ServerSpec;
/// let server = ServerSpec::new("api")
///     .command(["node", "server.js"])
///     .ready("http://localhost:1987/health")
///     .ensure()?;
/// println!("{} at {:?}, pid {:?}", server.origin().as_str(), server.url(), server.pid());
/// # Ok::<(), spawnlock::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ServerSpec {
    name: Option<String>,
    command: Vec<String>,
    shell: Option<String>,
    cwd: Option<PathBuf>,
    env: Vec<(String, String)>,
    keep_out_env: bool,
    umask: Option<u32>,
    ready: Vec<CheckSource>,
    identity: Option<Value>,
    timeout: Option<Duration>,
    probe_timeout: Option<Duration>,
    log: Option<PathBuf>,
    tail_lines: Option<usize>,
    state_dir: Option<PathBuf>,
    on_lock_unavailable: OnLockUnavailable,
    lock_patience: Option<Duration>,
    stop_timeout: Option<Duration>,
    cancel: Cancel,
    listener: Listener,
}

impl ServerSpec {
    /// A server with this name: its identity for this user on this machine.
    pub fn new(name: impl Into<String>) -> Self {
        ServerSpec { name: Some(name.into()), ..ServerSpec::default() }
    }

    /// A server that is named after its endpoint: `http://localhost:1987/…` is `localhost_1987`.
    pub fn unnamed() -> Self {
        ServerSpec::default()
    }

    /// The program and its arguments. No shell reads them. Without a command nothing is started, only looked for.
    pub fn command<I: IntoIterator<Item = S>, S: Into<String>>(mut self, argv: I) -> Self {
        self.command = argv.into_iter().map(Into::into).collect();
        self
    }

    /// A line for `/bin/sh -c`, instead of a command.
    pub fn shell(mut self, line: impl Into<String>) -> Self {
        self.shell = Some(line.into());
        self
    }

    /// The server's working directory. Default: the caller's.
    pub fn cwd(mut self, dir: impl Into<PathBuf>) -> Self {
        self.cwd = Some(dir.into());
        self
    }

    /// Sets one variable for the server.
    pub fn env(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.push((key.into(), value.into()));
        self
    }

    /// Whether the server also gets the caller's variables. Default: yes; without, only `PATH` and `HOME`.
    pub fn inherit_env(mut self, inherit: bool) -> Self {
        self.keep_out_env = !inherit;
        self
    }

    /// The server's umask. Default: `0o022`, whatever the caller's is.
    pub fn umask(mut self, umask: u32) -> Self {
        self.umask = Some(umask);
        self
    }

    /// Adds a check; the server is ready when all pass. See [`Check`] for the forms.
    pub fn ready(mut self, check: impl Into<CheckSource>) -> Self {
        self.ready.push(check.into());
        self
    }

    /// Fields of the health answer, dotted where nested, and the values by which it is known as ours.
    /// A healthy answer without them is a stranger's: `FOREIGN`.
    pub fn identity(mut self, fields: Value) -> Self {
        self.identity = Some(fields);
        self
    }

    /// How long the whole call may take. Default: `SPAWNLOCK_READY_TIMEOUT`, else 60 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// How long one health question may take. Default: 5 s.
    pub fn probe_timeout(mut self, timeout: Duration) -> Self {
        self.probe_timeout = Some(timeout);
        self
    }

    /// Where the server's output goes, appended. Default: `server.log` in the place, rotated at 10 MiB. A file named here is never rotated.
    pub fn log(mut self, file: impl Into<PathBuf>) -> Self {
        self.log = Some(file.into());
        self
    }

    /// How many of the server's last lines a failure shows. Default: 40.
    pub fn tail_lines(mut self, lines: usize) -> Self {
        self.tail_lines = Some(lines);
        self
    }

    /// The directory for the state of all names. Default: `SPAWNLOCK_STATE_DIR`, else the platform's own.
    pub fn state_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.state_dir = Some(dir.into());
        self
    }

    /// What to do where no lock can be had. Default: warn and go on.
    pub fn on_lock_unavailable(mut self, what: OnLockUnavailable) -> Self {
        self.on_lock_unavailable = what;
        self
    }

    /// Start anyway after having waited this long for the lock. Default: never.
    pub fn lock_patience(mut self, patience: Duration) -> Self {
        self.lock_patience = Some(patience);
        self
    }

    /// How long the server may take to end after SIGTERM, before SIGKILL. Default: 10 s.
    pub fn stop_timeout(mut self, timeout: Duration) -> Self {
        self.stop_timeout = Some(timeout);
        self
    }

    /// Lets another thread end the call.
    pub fn cancel(mut self, cancel: Cancel) -> Self {
        self.cancel = cancel;
        self
    }

    /// Tells what happens meanwhile, on the thread that makes the call.
    pub fn on_event(mut self, listen: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.listener = Listener::new(listen);
        self
    }

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
        let timeout = match self.timeout {
            Some(timeout) => timeout,
            None => environment::ready_timeout()?.unwrap_or(TIMEOUT),
        };
        let probe_timeout = at_least_some("probeTimeout", self.probe_timeout.unwrap_or(PROBE_TIMEOUT))?;
        Ok(Plan {
            start: if environment::disabled()? { None } else { self.checked_start()? },
            probe: Probe { checks, identity, timeout: probe_timeout },
            patience: Patience::new(Deadline::after(at_least_some("timeout", timeout)?), self.cancel.clone()),
            timeout,
            lock_patience: self.lock_patience,
            on_lock_unavailable: self.on_lock_unavailable,
            stop_timeout: self.stop_timeout.unwrap_or(STOP_TIMEOUT),
            listener: self.listener.clone(),
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
        let log = self
            .log
            .as_deref()
            .map(|log| std::path::absolute(log).map_err(|error| Error::config("log", "is no path").caused_by(error)))
            .transpose()?;
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
    pub(crate) lock_patience: Option<Duration>,
    pub(crate) on_lock_unavailable: OnLockUnavailable,
    pub(crate) stop_timeout: Duration,
    pub(crate) listener: Listener,
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
