//! Every option of a server. Defaults and checks are in `plan`.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::cancel::Cancel;
use crate::event::{Event, Listener};
use crate::listen::Listening;
use crate::lock::LockKind;
use crate::policy::{OnLockUnavailable, OnMismatch, Reuse, StopSignal, Unresponsive};
use crate::port::Port;
use crate::probe::CheckSource;
use crate::scope::Scope;
use crate::stop_when::StopWhen;

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
    pub(crate) name: Option<String>,
    pub(crate) command: Vec<String>,
    pub(crate) shell: Option<String>,
    pub(crate) cwd: Option<PathBuf>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) inherit_env: Option<bool>,
    pub(crate) umask: Option<u32>,
    pub(crate) scope: Option<Scope>,
    pub(crate) host: Option<String>,
    pub(crate) port: Option<Port>,
    pub(crate) listen: Vec<Listening>,
    pub(crate) ready: Vec<CheckSource>,
    pub(crate) identity: Option<Value>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) probe_timeout: Option<Duration>,
    pub(crate) log: Option<PathBuf>,
    pub(crate) tail_lines: Option<usize>,
    pub(crate) state_dir: Option<PathBuf>,
    pub(crate) lock: Option<LockKind>,
    pub(crate) lock_file: Option<PathBuf>,
    pub(crate) on_lock_unavailable: Option<OnLockUnavailable>,
    pub(crate) lock_patience: Option<Duration>,
    pub(crate) stop_timeout: Option<Duration>,
    pub(crate) stop: Option<StopWhen>,
    pub(crate) linger: Option<Duration>,
    /// Asked for by a scope, which has another default for `stop`.
    pub(crate) in_scope: bool,
    pub(crate) stop_signal: Option<StopSignal>,
    pub(crate) reuse: Option<Reuse>,
    pub(crate) version: Option<String>,
    pub(crate) version_field: Option<String>,
    pub(crate) on_mismatch: Option<OnMismatch>,
    pub(crate) unresponsive: Option<Unresponsive>,
    pub(crate) cancel: Option<Cancel>,
    pub(crate) listener: Listener,
    /// The file that declares it, where the caller names one.
    pub(crate) config: Option<PathBuf>,
    /// Made from a record, which says all there is to say.
    pub(crate) from_record: bool,
}

impl ServerSpec {
    /// A server with this name: its identity for this user on this machine. A spec that says no more than that, nothing of a
    /// command or a check, is looked for in the project's files when it is used: see [`ServerSpec::declared`].
    pub fn new(name: impl Into<String>) -> Self {
        ServerSpec { name: Some(name.into()), ..ServerSpec::default() }
    }

    /// A server that is named after its endpoint: `http://localhost:1987/…` is `localhost_1987`. One that has none is the only
    /// server that the project declares.
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
        self.inherit_env = Some(inherit);
        self
    }

    /// The server's umask. Default: `0o022`, whatever the caller's is.
    pub fn umask(mut self, umask: u32) -> Self {
        self.umask = Some(umask);
        self
    }

    /// How far the name reaches: with [`Scope::Project`] the project's root is part of it, as in `web@/repo/app`. The root is the
    /// nearest directory, from the caller's upwards, with `.git`, `package.json`, `pyproject.toml`, `Cargo.toml` or
    /// `spawnlock.toml` in it, else the caller's own. Default: the user, or the project when the port is [`Port::Auto`].
    pub fn scope(mut self, scope: Scope) -> Self {
        self.scope = Some(scope);
        self
    }

    /// The host at which the server is reached; with [`port`](ServerSpec::port) only. Default: `localhost`.
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = Some(host.into());
        self
    }

    /// The server's port: a number, or [`Port::Auto`] for one that is chosen when it is started and found again by everybody
    /// who asks for the same name. The server gets it as `PORT`, and the host as `HOST`; `{port}` and `{host}` stand for them
    /// in the command, the shell line, the variables, the directory, the log, the checks, the identity and `listen`.
    /// Without a check it is asked at `http://{host}:{port}/health`.
    pub fn port(mut self, port: impl Into<Port>) -> Self {
        self.port = Some(port.into());
        self
    }

    /// Adds an address on which the starter listens in the server's stead: `tcp:port`, `tcp:host:port` or `unix:/path`, where
    /// the port may be `auto` if [`port`](ServerSpec::port) is. The server gets the sockets as descriptors 3, 4, …, with
    /// `LISTEN_FDS`, `LISTEN_PID` and `LISTEN_FDNAMES`; who connects while it starts waits in its queue and is not refused.
    pub fn listen(mut self, address: impl Into<Listening>) -> Self {
        self.listen.push(address.into());
        self
    }

    /// Adds a check; the server is ready when all pass. See [`Check`](crate::Check) for the forms.
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

    /// What the spawn lock is made of. Default: `auto`, which is `flock` wherever the file system has it.
    pub fn lock(mut self, kind: LockKind) -> Self {
        self.lock = Some(kind);
        self
    }

    /// A lock that must be held as well, at any path, so that tools which know only that file and we exclude each other:
    /// an existence lock, or with [`lock`](ServerSpec::lock) `flock` a kernel lock.
    pub fn lock_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.lock_file = Some(file.into());
        self
    }

    /// What to do where no lock can be had. Default: warn and go on.
    pub fn on_lock_unavailable(mut self, what: OnLockUnavailable) -> Self {
        self.on_lock_unavailable = Some(what);
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

    /// When the server is stopped without anybody saying so. Default: never, and for a [scope](ServerSpec::scoped) with its last user.
    pub fn stop(mut self, when: StopWhen) -> Self {
        self.stop = Some(when);
        self
    }

    /// How long a server that is to be stopped with its last user goes on without one. Default: not at all. Given alone, it asks
    /// for `stop(StopWhen::Last)` as well.
    pub fn linger(mut self, time: Duration) -> Self {
        self.linger = Some(time);
        self
    }

    /// The file that declares it; what is said here besides wins. Without, a spec that has neither a command nor a check is
    /// looked for in the project's own files: see [`ServerSpec::declared`].
    pub fn config(mut self, file: impl Into<PathBuf>) -> Self {
        self.config = Some(file.into());
        self
    }

    /// The signal that asks the server to end, whoever stops it. Default: SIGTERM.
    pub fn stop_signal(mut self, signal: StopSignal) -> Self {
        self.stop_signal = Some(signal);
        self
    }

    /// Which servers that run already will do. Default: every healthy one.
    pub fn reuse(mut self, reuse: Reuse) -> Self {
        self.reuse = Some(reuse);
        self
    }

    /// The version that is wanted: a number such as `1.4.2`, or any text such as the hash of a commit. Default: any version will do.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// The field of the health answer, dotted where nested, in which the server tells its version. Default: the version it was
    /// started as counts.
    pub fn version_field(mut self, field: impl Into<String>) -> Self {
        self.version_field = Some(field.into());
        self
    }

    /// What to do about a server of another version. Default: replace it by the newer one.
    pub fn on_mismatch(mut self, what: OnMismatch) -> Self {
        self.on_mismatch = Some(what);
        self
    }

    /// What to do about a server of ours that lives and does not answer. Default: fail with `UNRESPONSIVE`.
    pub fn unresponsive(mut self, what: Unresponsive) -> Self {
        self.unresponsive = Some(what);
        self
    }

    /// Lets another thread end the call.
    pub fn cancel(mut self, cancel: Cancel) -> Self {
        self.cancel = Some(cancel);
        self
    }

    /// Tells what happens meanwhile, on the thread that makes the call.
    pub fn on_event(mut self, listen: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.listener = Listener::new(listen);
        self
    }
}
