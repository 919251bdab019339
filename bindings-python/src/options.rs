//! Every option under its Python name, handed to the core as it is.

use std::collections::HashMap;
use std::sync::Arc;

use pyo3::inspect::PyStaticExpr;
use pyo3::prelude::*;
use spawnlock::{Listening, LockKind, OnLockUnavailable, OnMismatch, Port, Reuse, Scope, StopSignal, StopWhen, Unresponsive};

use crate::audience::{Audience, Callable, Told};
use crate::check::{Ready, json};
use crate::error::checked;
use crate::interrupt::Interrupt;
use crate::job::{self, Job};
use crate::kick::Kick;
use crate::server::Server;
use crate::typed::{Seconds, StrPath, Word};

/// A server to have exactly once. Use `spawnlock.ensure_server` and its kin, which take the same options.
#[pyclass(frozen, module = "spawnlock._native")]
pub(crate) struct ServerSpec {
    options: spawnlock::ServerSpec,
    ready: Ready,
    audience: Audience,
}

/// Hands each option that was given to the builder's method of the same name.
macro_rules! set {
    ($spec:ident: $($option:ident),+) => {
        $(if let Some(value) = $option { $spec = $spec.$option(value); })+
    };
}
pub(crate) use set;

#[pymethods]
impl ServerSpec {
    #[new]
    #[pyo3(signature = (
        name=None, *, scope=None, command=None, shell=None, cwd=None, env=None, inherit_env=None, umask=None, host=None, port=None,
        listen=None, ready=None, identity=None, timeout=None, probe_timeout=None, log=None, tail_lines=None, state_dir=None, lock=None, lock_file=None,
        on_lock_unavailable=None, lock_patience=None, stop_timeout=None, stop=None, linger=None, config=None,
        stop_signal=None, reuse=None, version=None, version_field=None, on_mismatch=None, unresponsive=None, on_event=None,
        progress=None,
    ))]
    #[expect(clippy::too_many_arguments, reason = "one for each option")]
    fn new(
        py: Python<'_>,
        name: Option<String>,
        scope: Option<ScopeWord>,
        command: Option<Command>,
        shell: Option<String>,
        cwd: Option<StrPath>,
        env: Option<Environment>,
        inherit_env: Option<bool>,
        umask: Option<i64>,
        host: Option<String>,
        port: Option<PortWord>,
        listen: Option<Listen>,
        ready: Option<Ready>,
        identity: Option<Identity>,
        timeout: Option<Seconds>,
        probe_timeout: Option<Seconds>,
        log: Option<StrPath>,
        tail_lines: Option<i64>,
        state_dir: Option<StrPath>,
        lock: Option<KindWord>,
        lock_file: Option<StrPath>,
        on_lock_unavailable: Option<OnUnavailable>,
        lock_patience: Option<Seconds>,
        stop_timeout: Option<Seconds>,
        stop: Option<StopWord>,
        linger: Option<Seconds>,
        config: Option<StrPath>,
        stop_signal: Option<SignalWord>,
        reuse: Option<ReuseWord>,
        version: Option<String>,
        version_field: Option<String>,
        on_mismatch: Option<MismatchWord>,
        unresponsive: Option<UnresponsiveWord>,
        on_event: Option<Listener>,
        progress: Option<Show>,
    ) -> PyResult<Self> {
        let time = |option: &str, time: Option<Seconds>| checked(py, time.map(|time| time.named(option)));
        let timeout = time("timeout", timeout)?;
        let probe_timeout = time("probe_timeout", probe_timeout)?;
        let lock_patience = time("lock_patience", lock_patience)?;
        let stop_timeout = time("stop_timeout", stop_timeout)?;
        let linger = time("linger", linger)?;
        let stop = checked(py, stop.map(|word| StopWhen::parse(&word.0)))?;
        let lock = checked(py, lock.map(KindWord::parsed))?;
        let on_lock_unavailable = checked(py, on_lock_unavailable.map(|word| OnLockUnavailable::parse(&word.0)))?;
        let stop_signal = checked(py, stop_signal.map(|word| StopSignal::parse(&word.0)))?;
        let reuse = checked(py, reuse.map(|word| Reuse::parse(&word.0)))?;
        let on_mismatch = checked(py, on_mismatch.map(|word| OnMismatch::parse(&word.0)))?;
        let unresponsive = checked(py, unresponsive.map(|word| Unresponsive::parse(&word.0)))?;
        let number = |option: &str, number: Option<i64>| checked(py, number.map(|number| spawnlock::whole(option, number)));
        let umask = number("umask", umask)?;
        let tail_lines = number("tailLines", tail_lines)?.map(|lines| lines as usize);
        let scope = checked(py, scope.map(|word| Scope::parse(&word.0)))?;
        let port = checked(py, port.map(|port| Port::from_value(&port.0)))?;
        let identity = identity.map(|fields| fields.0);
        let command = command.map(|words| words.0);

        let mut spec = name.map_or_else(spawnlock::ServerSpec::unnamed, spawnlock::ServerSpec::new);
        set!(spec: scope, host, port);
        spec = listen.iter().flat_map(|listen| Listening::from_value(&listen.0)).fold(spec, spawnlock::ServerSpec::listen);
        set!(spec: command, shell, cwd, inherit_env, umask, identity, timeout, probe_timeout, log, tail_lines);
        set!(spec: state_dir, lock, lock_file, on_lock_unavailable, lock_patience, stop_timeout, stop, linger, config);
        set!(spec: stop_signal, reuse, version, version_field, on_mismatch, unresponsive);
        let options = env.into_iter().flat_map(|env| env.0).fold(spec, |spec, (key, value)| spec.env(key, value));
        Ok(ServerSpec { options, ready: ready.unwrap_or(Ready(Vec::new())), audience: Audience::new(py, on_event, progress)? })
    }

    /// Gets the server; other threads run meanwhile, and Ctrl-C ends the wait.
    fn ensure(&self, py: Python<'_>) -> PyResult<Server> {
        let interrupt = Interrupt::by_signals();
        let (spec, told) = self.for_call(py, &interrupt);
        let result = py.detach(|| told.during(|| spec.ensure()));
        interrupt.outcome(py, result).map(Server)
    }

    /// Gets the server on a thread of its own, then calls `done(server, error)` there.
    fn begin(&self, py: Python<'_>, done: Done) -> PyResult<Job> {
        let interrupt = Interrupt::by_hand();
        let (spec, told) = self.for_call(py, &interrupt);
        job::begin(done.0, interrupt, move || told.during(|| spec.ensure()).map(Server))
    }

    /// The same for a scope.
    fn ensure_scoped(&self, py: Python<'_>) -> PyResult<Server> {
        let interrupt = Interrupt::by_signals();
        let (spec, told) = self.for_call(py, &interrupt);
        let result = py.detach(|| told.during(|| spec.ensure_scoped()));
        interrupt.outcome(py, result).map(Server)
    }

    /// The same for a scope, on a thread of its own.
    fn begin_scoped(&self, py: Python<'_>, done: Done) -> PyResult<Job> {
        let interrupt = Interrupt::by_hand();
        let (spec, told) = self.for_call(py, &interrupt);
        job::begin(done.0, interrupt, move || told.during(|| spec.ensure_scoped()).map(Server))
    }

    /// Starts the server if nobody has, without waiting for it.
    fn kick(&self, py: Python<'_>) -> PyResult<Kick> {
        let interrupt = Interrupt::by_signals();
        let (spec, told) = self.for_call(py, &interrupt);
        let result = py.detach(|| told.during(|| spec.kick()));
        interrupt.outcome(py, result).and_then(|kick| Kick::new(py, kick))
    }
}

impl ServerSpec {
    /// The spec of one call, and who is told of it.
    fn for_call(&self, py: Python<'_>, interrupt: &Interrupt) -> (spawnlock::ServerSpec, Told) {
        let told = self.audience.of_call(py, interrupt);
        let spec = self.options.clone().cancel(interrupt.cancel());
        let spec = self.ready.0.iter().fold(spec, |spec, check| spec.ready(check.for_call(interrupt)));
        (spec.on_event(told.listen()), told)
    }
}

/// Declares an argument that is taken as it comes, under the type the stub shows for it.
macro_rules! argument {
    ($(#[$doc:meta])+ $name:ident($inner:ty) = $type:literal, $extract:expr) => {
        $(#[$doc])+
        pub(crate) struct $name(pub(crate) $inner);

        impl FromPyObject<'_, '_> for $name {
            type Error = PyErr;
            const INPUT_TYPE: PyStaticExpr = pyo3::type_hint_identifier!("spawnlock.types", $type);

            fn extract(given: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
                let extract: fn(&Bound<'_, PyAny>) -> PyResult<$inner> = $extract;
                extract(&given).map($name)
            }
        }
    };
}

argument! {
    /// The program and its arguments.
    Command(Vec<Word>) = "Command", |given| given.extract()
}
argument! {
    /// Variables for the server.
    Environment(HashMap<String, String>) = "Environment", |given| given.extract()
}
argument! {
    /// The fields by which an answer is known as ours.
    Identity(serde_json::Value) = "Identity", json
}
argument! {
    /// A word of `scope`.
    ScopeWord(String) = "Scope", |given| given.extract()
}
argument! {
    /// A number, or the word for one that is chosen.
    PortWord(serde_json::Value) = "Port", json
}
argument! {
    /// One address or several, with names or without.
    Listen(serde_json::Value) = "Listen", json
}
argument! {
    /// A word of `on_lock_unavailable`.
    OnUnavailable(String) = "OnLockUnavailable", |given| given.extract()
}
argument! {
    /// A word of `stop`.
    StopWord(String) = "StopWhen", |given| given.extract()
}
argument! {
    /// A word of `lock`.
    KindWord(String) = "LockKind", |given| given.extract()
}

argument! {
    /// A word of `stop_signal`.
    SignalWord(String) = "StopSignal", |given| given.extract()
}
argument! {
    /// A word of `reuse`.
    ReuseWord(String) = "Reuse", |given| given.extract()
}
argument! {
    /// A word of `on_mismatch`.
    MismatchWord(String) = "OnMismatch", |given| given.extract()
}
argument! {
    /// A word of `unresponsive`.
    UnresponsiveWord(String) = "Unresponsive", |given| given.extract()
}

impl KindWord {
    pub(crate) fn parsed(self) -> spawnlock::Result<LockKind> {
        LockKind::parse(&self.0)
    }
}

argument! {
    /// A function that is told what happens.
    Listener(Callable) = "Listener", |given| Ok(Arc::new(given.clone().unbind()))
}
argument! {
    /// A word of `progress`.
    Show(String) = "ShowProgress", |given| match given.extract::<bool>() {
        Ok(show) => Ok(show.to_string()),
        Err(_) => given.extract(),
    }
}
argument! {
    /// What the protocol hands over and nobody needs.
    Ignored(()) = "Ignored", |_| Ok(())
}
argument! {
    /// A function that takes a result or an error.
    Done(Py<PyAny>) = "Done", |given| Ok(given.clone().unbind())
}
