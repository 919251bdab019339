//! The table of keys: what a declared server may say, one line an option.

use serde_json::Value;

use super::form::{
    Addresses, Checks, Count, Fields, Flag, Form, Location, LockWord, MismatchWord, OnUnavailable, PortWord, ReuseWord, ScopeWord,
    SignalWord, Site, StopWord, Text, Time, Umask, UnresponsiveWord, Variables, Words,
};
use super::nearest::kebab;
use super::slot::Slot;
use crate::environment as variable;
use crate::error::{Error, Result};
use crate::spec::ServerSpec;

/// One key: an option of a server, under its name in files.
pub(super) struct Key {
    /// `stopTimeout`; `stop-timeout` is the same.
    pub(super) name: &'static str,
    /// The variable that stands between what the caller says and what the file says.
    pub(super) variable: Option<&'static str>,
    /// What the value must be.
    words: &'static str,
    /// Sets the option of a spec that does not have it.
    fill: fn(&mut ServerSpec, &Value, Site<'_>) -> Option<Result<()>>,
}

/// The same key for people. Apart, so that who shows nothing carries none of it.
pub(super) struct Shown {
    pub(super) name: &'static str,
    pub(super) variable: Option<&'static str>,
    pub(super) words: &'static str,
    /// The default, in words.
    pub(super) default: &'static str,
    pub(super) about: &'static str,
    pub(super) schema: fn() -> Value,
    pub(super) is_set: fn(&ServerSpec) -> bool,
    pub(super) value: fn(&ServerSpec) -> Value,
}

/// One line a key: its name, the field of the spec, the form of its values, the variable, the default, what it means.
macro_rules! keys {
    ($($name:literal $field:ident: $form:ty, $variable:expr, $default:literal, $about:literal;)*) => {
        /// Every key, in the order in which they are shown.
        pub(super) const KEYS: &[Key] = &[$(Key {
            name: $name,
            variable: $variable,
            words: <$form as Form>::WORDS,
            fill: |spec, value, site| Some(<$form as Form>::read(value, site)?.map(|value| spec.$field.fill(value))),
        }),*];

        /// Every key as it is shown.
        pub(super) const SHOWN: &[Shown] = &[$(Shown {
            name: $name,
            variable: $variable,
            words: <$form as Form>::WORDS,
            default: $default,
            about: $about,
            schema: <$form as Form>::schema,
            is_set: |spec| spec.$field.is_set(),
            value: |spec| spec.$field.show(),
        }),*];
    };
}

keys! {
    "name" name: Text, None, "its name in the file", "Its identity for this user on this machine, where that must differ from its name in the file.";
    "command" command: Words, None, "none: only look", "The program and its arguments; no shell reads them.";
    "shell" shell: Text, None, "", "A line for `/bin/sh -c`, instead of `command`.";
    "scope" scope: ScopeWord, None, "user; with port auto, project", "Whose its name is: this user's, or this project's.";
    "host" host: Text, None, "localhost", "Where its port is reached, with `port`.";
    "port" port: PortWord, None, "", "Its port, or `auto` for one that is chosen when it is started; `{port}` and `{host}` stand for it elsewhere.";
    "listen" listen: Addresses, None, "", "What is bound for it and passed on, as `LISTEN_FDS`.";
    "ready" ready: Checks, None, "required", "How to tell that it is ready: one check, or several that must all pass.";
    "identity" identity: Fields, None, "", "Fields of the health answer, dotted where nested, by which it is known as ours.";
    "cwd" cwd: Location, None, "the caller's; of a declared server, the directory of its file", "Its working directory.";
    "env" env: Variables, None, "", "Variables for it, besides those it inherits.";
    "inheritEnv" inherit_env: Flag, None, "true", "Whether it also gets the caller's variables; without, only `PATH` and `HOME`.";
    "umask" umask: Umask, None, "022", "Its umask, whatever the caller's is.";
    "timeout" timeout: Time, Some(variable::READY_TIMEOUT), "60s", "How long a call may take.";
    "probeTimeout" probe_timeout: Time, Some(variable::PROBE_TIMEOUT), "5s", "How long one health question may take.";
    "stopTimeout" stop_timeout: Time, Some(variable::STOP_TIMEOUT), "10s", "How long it may take to end after SIGTERM, before SIGKILL.";
    "stopSignal" stop_signal: SignalWord, None, "SIGTERM", "The signal that asks it to end, whoever stops it.";
    "reuse" reuse: ReuseWord, None, "healthy", "Which servers that run already will do.";
    "version" version: Text, None, "any", "The version that is wanted: a number, or any text.";
    "versionField" version_field: Text, None, "what it was started as", "The field of the health answer in which it tells its version.";
    "onMismatch" on_mismatch: MismatchWord, None, "restart", "What to do about a server of another version: the newer one stays.";
    "unresponsive" unresponsive: UnresponsiveWord, None, "error", "What to do about one of ours that lives and does not answer.";
    "stop" stop: StopWord, None, "never; of a scope, last", "When it is stopped without anybody saying so: never, or with the last of those who asked for it in this way.";
    "linger" linger: Time, None, "not at all", "How long it goes on without a user, where it is stopped with its last.";
    "log" log: Location, None, "server.log in its place", "Where its output goes, appended.";
    "tailLines" tail_lines: Count, Some(variable::TAIL_LINES), "40", "How many of its last lines a failure shows.";
    "stateDir" state_dir: Location, Some(variable::STATE_DIR), "the platform's own", "The directory for the state of all names.";
    "lock" lock: LockWord, None, "auto", "What the spawn lock is made of.";
    "lockFile" lock_file: Location, None, "", "A lock that must be held as well, for tools which know only that file.";
    "onLockUnavailable" on_lock_unavailable: OnUnavailable, Some(variable::ON_LOCK_UNAVAILABLE), "proceed", "What to do where no lock can be had.";
    "lockPatience" lock_patience: Time, None, "never", "Start anyway after having waited this long for the lock.";
}

impl Key {
    /// The key of this name, in either spelling.
    pub(super) fn named(name: &str) -> Option<&'static Key> {
        KEYS.iter().find(|key| key.name == name || kebab(key.name) == name)
    }

    /// Fills in a value that stands at `site`.
    ///
    /// # Errors
    /// `CONFIG` that says what the value must be.
    pub(super) fn set(&self, spec: &mut ServerSpec, value: &Value, site: Site<'_>) -> Result<()> {
        (self.fill)(spec, value, site).unwrap_or_else(|| Err(Error::config(site.key, format_args!("must be {}", self.words))))
    }

    /// The same with the text of a variable, which may be a number.
    pub(super) fn set_text(&self, spec: &mut ServerSpec, text: String, site: Site<'_>) -> Result<()> {
        let number = text.trim().parse::<u64>().map(Value::from).ok();
        match (self.fill)(spec, &Value::String(text), site) {
            Some(set) => set,
            None => self.set(spec, &number.unwrap_or_default(), site),
        }
    }
}
