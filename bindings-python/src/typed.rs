//! Values whose Python types the stub must name exactly.

use std::convert::Infallible;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pyo3::inspect::PyStaticExpr;
use pyo3::prelude::*;
use pyo3::type_hint_identifier;
use pyo3::types::{PyDelta, PyFloat, PyString};

macro_rules! words {
    ($($word:ident),+) => { $(
        /// The word for it, one of a list.
        #[derive(Clone, Copy)]
        pub(crate) struct $word(pub(crate) spawnlock::$word);

        impl<'py> IntoPyObject<'py> for $word {
            type Target = PyString;
            type Output = Bound<'py, PyString>;
            type Error = Infallible;
            const OUTPUT_TYPE: PyStaticExpr = type_hint_identifier!("spawnlock.types", stringify!($word));

            fn into_pyobject(self, py: Python<'py>) -> Result<Self::Output, Infallible> {
                Ok(PyString::intern(py, self.0.as_str()))
            }
        }

        impl<'py> IntoPyObject<'py> for &$word {
            type Target = PyString;
            type Output = Bound<'py, PyString>;
            type Error = Infallible;
            const OUTPUT_TYPE: PyStaticExpr = $word::OUTPUT_TYPE;

            fn into_pyobject(self, py: Python<'py>) -> Result<Self::Output, Infallible> {
                (*self).into_pyobject(py)
            }
        }
    )+

        /// Every word of each list, so that the lists of `spawnlock.types` can be held against them.
        #[pyfunction]
        pub(crate) fn words() -> std::collections::HashMap<&'static str, Vec<&'static str>> {
            let mut all = std::collections::HashMap::new();
            $(all.insert(stringify!($word), spawnlock::$word::ALL.iter().map(|word| word.as_str()).collect());)+
            all
        }
    };
}

words!(
    EndReason,
    ErrorCode,
    EventKind,
    FlockSupport,
    KickState,
    LockKind,
    OnMismatch,
    Origin,
    Reuse,
    State,
    StopSignal,
    StopWhen,
    Unresponsive,
    Verdict
);

/// A time: seconds, or a `timedelta`.
pub(crate) struct Seconds(f64);

impl FromPyObject<'_, '_> for Seconds {
    type Error = PyErr;
    const INPUT_TYPE: PyStaticExpr = type_hint_identifier!("spawnlock.types", "Seconds");

    fn extract(given: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if given.is_instance_of::<PyDelta>() {
            return Ok(Seconds(given.call_method0("total_seconds")?.extract()?));
        }
        Ok(Seconds(given.extract()?))
    }
}

impl<'py> IntoPyObject<'py> for Seconds {
    type Target = PyFloat;
    type Output = Bound<'py, PyFloat>;
    type Error = Infallible;

    fn into_pyobject(self, py: Python<'py>) -> Result<Self::Output, Infallible> {
        self.0.into_pyobject(py)
    }
}

impl Seconds {
    /// As the core counts it.
    pub(crate) fn named(self, option: &str) -> spawnlock::Result<Duration> {
        spawnlock::seconds(option, self.0)
    }
}

/// A word of a command: text or a path.
pub(crate) struct Word(String);

impl FromPyObject<'_, '_> for Word {
    type Error = PyErr;
    const INPUT_TYPE: PyStaticExpr = type_hint_identifier!("spawnlock.types", "StrPath");

    fn extract(given: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let text = given.py().import("os")?.call_method1("fspath", (given,))?;
        Ok(Word(text.extract()?))
    }
}

impl From<Word> for String {
    fn from(word: Word) -> String {
        word.0
    }
}

/// A path: text or something that has one.
pub(crate) struct StrPath(PathBuf);

impl FromPyObject<'_, '_> for StrPath {
    type Error = PyErr;
    const INPUT_TYPE: PyStaticExpr = Word::INPUT_TYPE;

    fn extract(given: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        Ok(StrPath(given.extract()?))
    }
}

impl From<StrPath> for PathBuf {
    fn from(path: StrPath) -> PathBuf {
        path.0
    }
}

impl AsRef<std::path::Path> for StrPath {
    fn as_ref(&self) -> &std::path::Path {
        &self.0
    }
}

/// An answer that is a Python object of a known type.
macro_rules! answer {
    ($(#[$doc:meta])+ $name:ident = $type:expr) => {
        $(#[$doc])+
        pub(crate) struct $name(pub(crate) Py<PyAny>);

        impl<'py> IntoPyObject<'py> for $name {
            type Target = PyAny;
            type Output = Bound<'py, PyAny>;
            type Error = Infallible;
            const OUTPUT_TYPE: PyStaticExpr = $type;

            fn into_pyobject(self, py: Python<'py>) -> Result<Self::Output, Infallible> {
                Ok(self.0.into_bound(py))
            }
        }
    };
}

answer! {
    /// A failure that is told about and not raised.
    LastFailure = type_hint_identifier!("spawnlock.errors", "SpawnlockError")
}
answer! {
    /// A coroutine that gives a scope of a lock.
    Acquiring = type_hint_identifier!("spawnlock.types", "Acquiring")
}
answer! {
    /// A coroutine that gives the lock.
    Locked = type_hint_identifier!("spawnlock.types", "Locked")
}
answer! {
    /// A coroutine that gives nothing back.
    Nothing = type_hint_identifier!("spawnlock.types", "Nothing")
}

answer! {
    /// A coroutine that gives a server.
    LaterServer = type_hint_identifier!("spawnlock.types", "LaterServer")
}

/// Milliseconds since 1970, as Python converts them to a `datetime` in UTC.
pub(crate) fn at(ms: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(ms)
}

/// Milliseconds as seconds.
pub(crate) fn in_seconds(ms: u64) -> f64 {
    Duration::from_millis(ms).as_secs_f64()
}
