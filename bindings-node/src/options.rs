//! What callers may ask for: each option once, with its type and its words.

use std::collections::HashMap;

use std::path::Path;
use std::time::Duration;

use napi::bindgen_prelude::Unknown;
use napi_derive::napi;
use serde_json::Value;
use spawnlock::{
    Cancel, Listening, LockKind, OnLockUnavailable, OnMismatch, Port, RestartOptions, Reuse, Scope, ServerSpec, StateDir, StopOptions,
    StopSignal, StopWhen, Unresponsive, WaitOptions, millis,
};

use crate::check::Checks;
use crate::error::Result;
use crate::read::{Callback, Given, Signal};

/// One table makes the type, its declaration for TypeScript, and the reader that knows every name.
/// `..` at the end stands for what every call takes that waits for a server.
macro_rules! options {
    ($(#[$($about:tt)*])* $name:ident { $($(#[$($field_about:tt)*])* $field:ident: $kind:ty = $words:literal,)* .. }) => {
        options! {
            $(#[$($about)*])*
            $name {
                $($(#[$($field_about)*])* $field: $kind = $words,)*
                /// Ends the wait; the promise is then rejected with its reason.
                #[napi(ts_type = "AbortSignal")]
                #[expect(dead_code, reason = "JavaScript itself listens to it")]
                signal: Signal = "an AbortSignal",
                /// Told what happens meanwhile, on the main thread. What it throws is an uncaught exception, as with an `EventEmitter`.
                #[napi(ts_type = "(event: ServerEvent) => void")]
                on_event: Callback = "a function",
                /// Whether people are shown what happens, on stderr: one live line on a terminal, plain lines elsewhere and under CI.
                /// `auto` shows nothing where stderr is no terminal. Default: false.
                #[napi(ts_type = "boolean | 'auto'")]
                progress: Value = "true, false or 'auto'",
            }
        }
    };
    ($(#[$($about:tt)*])* $name:ident { $($(#[$($field_about:tt)*])* $field:ident: $kind:ty = $words:literal,)* }) => {
        $(#[$($about)*])*
        #[napi(object, object_from_js = false, object_to_js = false)]
        pub struct $name { $($(#[$($field_about)*])* pub $field: Option<$kind>,)* }

        impl $name {
            pub(crate) const NAMES: &[&str] = &[$(stringify!($field)),*];

            /// Reads the object a caller gave; none is all defaults.
            pub(crate) fn read(given: Unknown) -> Result<Self> {
                let given = Given::open(given, Self::NAMES)?;
                Ok(Self { $($field: given.option(stringify!($field), $words)?,)* })
            }
        }
    };
}

options! {
    /// What `ensureServer` is told. Times are in milliseconds.
    EnsureServerOptions {
        /// Its identity for this user on this machine. Default: made from its endpoint, `http://localhost:1987/…` is `localhost_1987`.
        name: String = "a text",
        /// The program and its arguments; no shell reads them. Without a command nothing is started, only looked for.
        command: Vec<String> = "a list of texts, as in [\"node\", \"server.js\"]",
        /// A line for `/bin/sh -c`, instead of `command`.
        shell: String = "a text",
        /// The server's working directory. Default: the caller's.
        cwd: String = "a text",
        /// Variables for the server, besides those it inherits; an undefined one is left out.
        #[napi(ts_type = "Record<string, string | undefined>")]
        env: HashMap<String, Option<String>> = "an object of texts",
        /// Whether the server also gets the caller's variables. Default: true; without, only `PATH` and `HOME`.
        inherit_env: bool = "true or false",
        /// The server's umask. Default: `0o022`, whatever the caller's is.
        umask: u32 = "a whole number, as in 0o022",
        /// How far the name reaches: with `project` the project's root is part of it, as in `web@/repo/app`. The root is the nearest
        /// directory, from the caller's upwards, with `.git`, `package.json`, `pyproject.toml`, `Cargo.toml` or `spawnlock.toml` in
        /// it, else the caller's own. Default: `user`, or `project` when the port is `auto`.
        #[napi(ts_type = "'user' | 'project'")]
        scope: String = "a text",
        /// The host at which the server is reached; with `port` only. Default: `localhost`.
        host: String = "a text",
        /// The server's port, or `auto` for one that is chosen when it is started and found again by everybody who asks for the same
        /// name. The server gets it as `PORT`, and the host as `HOST`; `{port}` and `{host}` stand for them in `command`, `shell`,
        /// `env`, `cwd`, `log`, `ready`, `identity` and `listen`. Without `ready` it is asked at `http://{host}:{port}/health`.
        #[napi(ts_type = "number | 'auto'")]
        port: Value = "a number, or \"auto\"",
        /// Where to listen in the server's stead: `tcp:port`, `tcp:host:port` or `unix:/path`; several as a list, or with names as an
        /// object, in the order of the names. The server gets the sockets as descriptors 3, 4, …, with `LISTEN_FDS`, `LISTEN_PID`
        /// and `LISTEN_FDNAMES`; who connects while it starts waits in its queue and is not refused.
        #[napi(ts_type = "string | string[] | Record<string, string>")]
        listen: Value = "a text, a list of texts, or an object of names and texts",
        /// How to tell that the server is ready: one check, or several that must all pass.
        #[napi(ts_type = "Check | Check[]")]
        ready: Checks = "a text, an object, a function, or a list of these",
        /// Fields of the health answer, dotted where nested, and the values by which it is known as ours.
        /// A healthy answer without them is a stranger's: `ERR_SPAWNLOCK_FOREIGN`.
        #[napi(ts_type = "Record<string, unknown>")]
        identity: Value = "an object of fields and the values they must have",
        /// How long the whole call may take. Default: `SPAWNLOCK_READY_TIMEOUT`, else 60 000.
        timeout: f64 = "a number of milliseconds",
        /// How long one health question may take. Default: 5 000.
        probe_timeout: f64 = "a number of milliseconds",
        /// Where the server's output goes, appended. Default: `server.log` in the place, rotated at 10 MiB. A file named here is never rotated.
        log: String = "a text",
        /// How many of the server's last lines a failure shows. Default: 40.
        tail_lines: u32 = "a whole number",
        /// The directory for the state of all names. Default: `SPAWNLOCK_STATE_DIR`, else the platform's own.
        state_dir: String = "a text",
        /// What the spawn lock is made of. Default: `auto`, which is `flock` wherever the file system has it.
        #[napi(ts_type = "LockKind")]
        lock: String = "a text",
        /// A lock that must be held as well, at any path, so that tools which know only that file and we exclude each other:
        /// an existence lock, or with `lock: 'flock'` a kernel lock.
        lock_file: String = "a text",
        /// Where no lock can be had: warn by an event and start without (`proceed`, the default), or `fail`.
        #[napi(ts_type = "'proceed' | 'fail'")]
        on_lock_unavailable: String = "a text",
        /// Start anyway after having waited this long for the lock. Default: never.
        lock_patience: f64 = "a number of milliseconds",
        /// How long the server may take to end after the stop signal, before SIGKILL. Default: 10 000.
        stop_timeout: f64 = "a number of milliseconds",
        /// When the server is stopped without anybody saying so: `never`, or `last`, when all who asked for it in this way are gone,
        /// killed ones included. Default: `never`, and for `withServer` `last`.
        #[napi(ts_type = "StopWhen")]
        stop: String = "a text",
        /// How long a server that is to be stopped with its last user goes on without one. Default: not at all.
        linger: f64 = "a number of milliseconds",
        /// The file that declares the server; what is said here besides wins. Default: a name that stands without a command and without
        /// a check is looked for in `SPAWNLOCK_CONFIG`, else in the nearest `spawnlock.toml`, `package.json` or `pyproject.toml` upward.
        config: String = "a text",
        /// The signal that asks the server to end, whoever stops it. Default: `SIGTERM`.
        #[napi(ts_type = "StopSignal")]
        stop_signal: String = "a text",
        /// Which servers that run already will do: every `healthy` one (the default), only one that was started here (`owned`),
        /// or none (`never`): then one of ours is replaced by a fresh one, once for all who ask at the same moment.
        #[napi(ts_type = "Reuse")]
        reuse: String = "a text",
        /// The version that is wanted: a number such as `1.4.2`, or any text such as the hash of a commit. Default: any will do.
        version: String = "a text",
        /// The field of the health answer, dotted where nested, in which the server tells its version. Default: the version it was
        /// started as counts.
        version_field: String = "a text",
        /// What to do about a server of another version: `restart` (the default; the newer one stays, and so does one that others
        /// hold leases on, with a warning), `reuse` it with a warning, or `error`.
        #[napi(ts_type = "OnMismatch")]
        on_mismatch: String = "a text",
        /// What to do about a server of ours that lives and does not answer: `error` (the default) or `replace`.
        #[napi(ts_type = "Unresponsive")]
        unresponsive: String = "a text",
        ..
    }
}

options! {
    /// What `serverStatus` and `listServers` are told.
    StatusOptions {
        /// The directory for the state of all names. Default: `SPAWNLOCK_STATE_DIR`, else the platform's own.
        state_dir: String = "a text",
    }
}

options! {
    /// What `serverLogs` is told.
    LogOptions {
        /// How many of the last lines. Default: 40.
        lines: u32 = "a whole number",
        /// Whether the lines of earlier starts count, too. Default: false.
        all_starts: bool = "true or false",
        /// The directory for the state of all names. Default: `SPAWNLOCK_STATE_DIR`, else the platform's own.
        state_dir: String = "a text",
    }
}

options! {
    /// What `pruneServers` is told.
    PruneOptions {
        /// Whether nothing is removed, and the names are only told. Default: false.
        dry_run: bool = "true or false",
        /// The directory for the state of all names. Default: `SPAWNLOCK_STATE_DIR`, else the platform's own.
        state_dir: String = "a text",
    }
}

options! {
    /// What `stopServer` is told. Times are in milliseconds.
    StopServerOptions {
        /// The directory for the state of all names. Default: `SPAWNLOCK_STATE_DIR`, else the platform's own.
        state_dir: String = "a text",
        /// How long the server may take to end after its stop signal, before SIGKILL. Default: what it was declared with, else 10 000.
        stop_timeout: f64 = "a number of milliseconds",
        ..
    }
}

options! {
    /// What `waitFor` is told. Times are in milliseconds.
    WaitForOptions {
        /// How long the whole call may take. Default: `SPAWNLOCK_READY_TIMEOUT`, else 60 000.
        timeout: f64 = "a number of milliseconds",
        /// How long one question may take. Default: 5 000.
        probe_timeout: f64 = "a number of milliseconds",
        /// Whether to wait until nothing of it is there any more. Default: false.
        gone: bool = "true or false",
        /// Ends the wait; the promise is then rejected with its reason.
        #[napi(ts_type = "AbortSignal")]
        #[expect(dead_code, reason = "JavaScript itself listens to it")]
        signal: Signal = "an AbortSignal",
        /// Told what is waited for, after about a second. What it throws is an uncaught exception, as with an `EventEmitter`.
        #[napi(ts_type = "(event: ServerEvent) => void")]
        on_event: Callback = "a function",
        /// Whether people are shown what happens, on stderr: one live line on a terminal, plain lines elsewhere and under CI.
        /// `auto` shows nothing where stderr is no terminal. Default: false.
        #[napi(ts_type = "boolean | 'auto'")]
        progress: Value = "true, false or 'auto'",
    }
}

options! {
    /// What `restartServer` is told. Times are in milliseconds.
    RestartServerOptions {
        /// The directory for the state of all names. Default: `SPAWNLOCK_STATE_DIR`, else the platform's own.
        state_dir: String = "a text",
        /// Restart only this start of the name. When a later one runs, that one is given; any other counts as not running.
        only_generation: u32 = "a whole number",
        /// How long the whole call may take, the stop included. Default: `SPAWNLOCK_READY_TIMEOUT`, else 60 000, or what the
        /// server was declared with if that is longer.
        timeout: f64 = "a number of milliseconds",
        /// How long the server may take to end after SIGTERM, before SIGKILL. Default: what it was declared with, else 10 000.
        stop_timeout: f64 = "a number of milliseconds",
        /// Go on without the lock after having waited this long for it. Default: never.
        break_after: f64 = "a number of milliseconds",
        ..
    }
}

options! {
    /// How to take a `SpawnLock`. Times are in milliseconds.
    LockOptions {
        /// What it is made of; all who share a lock must use the same kind. Default: `auto`, which is `flock`, and where the
        /// file system has none, `excl` at `<path>.excl`.
        #[napi(ts_type = "LockKind")]
        lock: String = "a text",
        /// How long to wait for it. Default: 60 000.
        timeout: f64 = "a number of milliseconds",
        /// After how long an existence lock counts as left behind when nothing proves that its owner lives or is dead. A live
        /// owner's lock is never stale. Default: 10 000.
        stale_after: f64 = "a number of milliseconds",
        /// Takes an existence lock from an owner that lives, after having waited for this one owner so long. Default: never.
        break_after: f64 = "a number of milliseconds",
        /// Whether one who holds the lock and takes it again gets a share of it. Default: false, that is `ERR_SPAWNLOCK_RECURSIVE`.
        reentrant: bool = "true or false",
        /// Whether the holder is written into the file of a kernel lock, for people who ask on whom they wait. Default: true.
        record_holder: bool = "true or false",
        /// Ends the wait; the promise is then rejected with its reason.
        #[napi(ts_type = "AbortSignal")]
        #[expect(dead_code, reason = "JavaScript itself listens to it")]
        signal: Signal = "an AbortSignal",
        /// Told on whom one waits, and from whom a lock was taken; by the sync forms afterwards.
        #[napi(ts_type = "(event: ServerEvent) => void")]
        on_event: Callback = "a function",
    }
}

options! {
    /// What `SpawnLock.holder` is told.
    HolderOptions {
        /// What the lock is made of. Default: `auto`.
        #[napi(ts_type = "LockKind")]
        lock: String = "a text",
    }
}

options! {
    /// What `notifyReady` tells besides.
    ReadyNotice {
        /// The port on which it listens, where it chose one itself.
        port: u32 = "a whole number",
        /// What it is doing, in one line for people.
        status: String = "a text",
    }
}

options! {
    /// What `notify` tells.
    Notice {
        /// It serves.
        ready: bool = "true or false",
        /// The port on which it listens, where it chose one itself.
        port: u32 = "a whole number",
        /// What it is doing, in one line for people.
        status: String = "a text",
        /// It is about to end.
        stopping: bool = "true or false",
    }
}

impl EnsureServerOptions {
    /// The same, as the core takes it.
    pub(crate) fn spec(self, cancel: &Cancel) -> Result<ServerSpec> {
        let mut spec = self.name.map_or_else(ServerSpec::unnamed, ServerSpec::new).cancel(cancel.clone());
        spec = set(spec, self.command, ServerSpec::command);
        spec = set(spec, self.shell, ServerSpec::shell);
        spec = set(spec, self.cwd, ServerSpec::cwd);
        spec = self.env.into_iter().flatten().fold(spec, |spec, (key, value)| set(spec, value, |spec, value| spec.env(key, value)));
        spec = set(spec, self.inherit_env, ServerSpec::inherit_env);
        spec = set(spec, self.umask, ServerSpec::umask);
        spec = set(spec, word(self.scope.as_deref(), Scope::parse)?, ServerSpec::scope);
        spec = set(spec, self.host, ServerSpec::host);
        spec = set(spec, self.port.as_ref().map(Port::from_value).transpose()?, ServerSpec::port);
        spec = self.listen.iter().flat_map(Listening::from_value).fold(spec, ServerSpec::listen);
        spec = set(spec, self.identity, ServerSpec::identity);
        spec = set(spec, time("timeout", self.timeout)?, ServerSpec::timeout);
        spec = set(spec, time("probeTimeout", self.probe_timeout)?, ServerSpec::probe_timeout);
        spec = set(spec, self.log, ServerSpec::log);
        spec = set(spec, self.tail_lines, |spec, lines| spec.tail_lines(lines as usize));
        spec = set(spec, self.state_dir, ServerSpec::state_dir);
        spec = set(spec, word(self.lock.as_deref(), LockKind::parse)?, ServerSpec::lock);
        spec = set(spec, self.lock_file, ServerSpec::lock_file);
        spec = set(spec, word(self.on_lock_unavailable.as_deref(), OnLockUnavailable::parse)?, ServerSpec::on_lock_unavailable);
        spec = set(spec, time("lockPatience", self.lock_patience)?, ServerSpec::lock_patience);
        spec = set(spec, time("stopTimeout", self.stop_timeout)?, ServerSpec::stop_timeout);
        spec = set(spec, word(self.stop.as_deref(), StopWhen::parse)?, ServerSpec::stop);
        spec = set(spec, self.config, ServerSpec::config);
        spec = set(spec, time("linger", self.linger)?, ServerSpec::linger);
        spec = set(spec, word(self.stop_signal.as_deref(), StopSignal::parse)?, ServerSpec::stop_signal);
        spec = set(spec, word(self.reuse.as_deref(), Reuse::parse)?, ServerSpec::reuse);
        spec = set(spec, self.version, ServerSpec::version);
        spec = set(spec, self.version_field, ServerSpec::version_field);
        spec = set(spec, word(self.on_mismatch.as_deref(), OnMismatch::parse)?, ServerSpec::on_mismatch);
        Ok(set(spec, word(self.unresponsive.as_deref(), Unresponsive::parse)?, ServerSpec::unresponsive))
    }
}

impl LogOptions {
    /// The same, as the core takes it.
    pub(crate) fn log_options(&self) -> spawnlock::LogOptions {
        let options = set(spawnlock::LogOptions::new(), self.lines, |options, lines| options.lines(lines as usize));
        set(options, self.all_starts, spawnlock::LogOptions::all_starts)
    }
}

impl StopServerOptions {
    /// The same, as the core takes it.
    pub(crate) fn stop_options(&self, cancel: &Cancel) -> Result<StopOptions> {
        let options = StopOptions::new().cancel(cancel.clone());
        Ok(set(options, time("stopTimeout", self.stop_timeout)?, StopOptions::stop_timeout))
    }
}

impl WaitForOptions {
    /// The same, as the core takes it.
    pub(crate) fn wait_options(&self, cancel: &Cancel) -> Result<WaitOptions> {
        let mut options = WaitOptions::new().cancel(cancel.clone());
        options = set(options, time("timeout", self.timeout)?, WaitOptions::timeout);
        options = set(options, time("probeTimeout", self.probe_timeout)?, WaitOptions::probe_timeout);
        Ok(set(options, self.gone, WaitOptions::gone))
    }
}

impl RestartServerOptions {
    /// The same, as the core takes it.
    pub(crate) fn restart_options(&self, cancel: &Cancel) -> Result<RestartOptions> {
        let mut options = RestartOptions::new().cancel(cancel.clone());
        options = set(options, self.only_generation.map(u64::from), RestartOptions::only_generation);
        options = set(options, time("timeout", self.timeout)?, RestartOptions::timeout);
        options = set(options, time("stopTimeout", self.stop_timeout)?, RestartOptions::stop_timeout);
        Ok(set(options, time("breakAfter", self.break_after)?, RestartOptions::break_after))
    }
}

impl LockOptions {
    /// The same, as the core takes it.
    pub(crate) fn checked(self) -> Result<LockTerms> {
        let kind = word(self.lock.as_deref(), LockKind::parse)?.unwrap_or_default();
        let mut core = spawnlock::LockOptions::new().kind(kind);
        core = set(core, time("timeout", self.timeout)?, spawnlock::LockOptions::timeout);
        core = set(core, time("staleAfter", self.stale_after)?, spawnlock::LockOptions::stale_after);
        core = set(core, time("breakAfter", self.break_after)?, spawnlock::LockOptions::break_after);
        core = set(core, self.reentrant, spawnlock::LockOptions::reentrant);
        core = set(core, self.record_holder, spawnlock::LockOptions::record_holder);
        Ok(LockTerms { core, shares: self.reentrant == Some(true), listens: self.on_event.is_some() })
    }
}

/// Options of a lock that were read and checked, for any number of calls.
pub struct LockTerms {
    pub(crate) core: spawnlock::LockOptions,
    pub(crate) shares: bool,
    pub(crate) listens: bool,
}

impl HolderOptions {
    pub(crate) fn kind(&self) -> Result<LockKind> {
        Ok(word(self.lock.as_deref(), LockKind::parse)?.unwrap_or_default())
    }
}

impl ReadyNotice {
    /// The same, as the core takes it.
    pub(crate) fn notice(self) -> spawnlock::Notice {
        Notice { ready: Some(true), port: self.port, status: self.status, stopping: None }.notice()
    }
}

impl Notice {
    /// The same, as the core takes it.
    pub(crate) fn notice(self) -> spawnlock::Notice {
        let mut notice = set(spawnlock::Notice::new(), self.ready, spawnlock::Notice::ready);
        notice = set(notice, self.port, spawnlock::Notice::port);
        notice = set(notice, self.status, spawnlock::Notice::status);
        set(notice, self.stopping, spawnlock::Notice::stopping)
    }
}

/// The directory that a caller names, else the usual one.
pub(crate) fn directory(named: Option<&String>) -> Result<StateDir> {
    Ok(StateDir::new(named.map(Path::new))?)
}

/// An option that is one of a few words.
fn word<T>(given: Option<&str>, parse: fn(&str) -> spawnlock::Result<T>) -> Result<Option<T>> {
    Ok(given.map(parse).transpose()?)
}

fn time(option: &str, given: Option<f64>) -> Result<Option<Duration>> {
    Ok(given.map(|given| millis(option, given)).transpose()?)
}

fn set<B, T, F: FnOnce(B, T) -> B>(builder: B, value: Option<T>, set: F) -> B {
    match value {
        Some(value) => set(builder, value),
        None => builder,
    }
}
