//! Who is told what happens during a call: a listener, the application's `logging`, and people at stderr.

use std::io::{IsTerminal as _, Write as _, stderr};
use std::sync::Arc;

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict as _, PyDict};
use spawnlock::{Manner, Progress, Weight};

use crate::error::raised;
use crate::event::Event;
use crate::exit;
use crate::interrupt::Interrupt;
use crate::options::{Listener, Show};

/// One Python callable that several calls share.
pub(crate) type Callable = Arc<Py<PyAny>>;

/// Who asked to be told.
pub(crate) struct Audience {
    listener: Option<Callable>,
    manner: Manner,
}

impl Audience {
    /// Those who asked for it, by `on_event` and by `progress`.
    pub(crate) fn new(py: Python<'_>, listener: Option<Listener>, progress: Option<Show>) -> PyResult<Self> {
        let manner = match progress {
            None => Manner::Silent,
            Some(Show(word)) => Manner::parse(&word, stderr().is_terminal()).map_err(|error| raised(py, &error))?,
        };
        Ok(Audience { listener: listener.map(|listener| listener.0), manner })
    }

    /// For calls that take no listener.
    pub(crate) fn of_nobody() -> Self {
        Audience { listener: None, manner: Manner::Silent }
    }

    /// Those who are told of one call, which `interrupt` ends.
    pub(crate) fn of_call(&self, py: Python<'_>, interrupt: &Interrupt) -> Told {
        let write = |text: &str| drop(stderr().write_all(text.as_bytes()));
        Told {
            listener: self.listener.clone(),
            logger: logger(py).map(Arc::new),
            progress: Progress::new(self.manner, "spawnlock", write),
            interrupt: interrupt.clone(),
        }
    }
}

/// A listener alone, for waits so short that nobody else is to be asked.
pub(crate) fn listening(listener: &Callable, interrupt: &Interrupt) -> impl Fn(&spawnlock::Event) + Send + Sync + use<> {
    let (listener, interrupt) = (Arc::clone(listener), interrupt.clone());
    move |event| attempt(&listener, &interrupt, |py| listener.call1(py, (Event::new(py, event)?,)).map(drop))
}

/// Those who are told of one call.
#[derive(Clone)]
pub(crate) struct Told {
    listener: Option<Callable>,
    logger: Option<Callable>,
    progress: Progress,
    interrupt: Interrupt,
}

impl Told {
    /// For the call's `on_event`.
    pub(crate) fn listen(&self) -> impl Fn(&spawnlock::Event) + Send + Sync + use<> {
        let told = self.clone();
        move |event| told.tell(event)
    }

    /// Gives the outcome of the call; the terminal is as it was before.
    pub(crate) fn during<T>(&self, call: impl FnOnce() -> T) -> T {
        let outcome = call();
        self.progress.end();
        outcome
    }

    fn tell(&self, event: &spawnlock::Event) {
        self.progress.tell(event);
        if let Some(logger) = &self.logger {
            attempt(logger, &self.interrupt, |py| log(py, logger, event));
        }
        if let Some(listener) = &self.listener {
            attempt(listener, &self.interrupt, |py| listener.call1(py, (Event::new(py, event)?,)).map(drop));
        }
    }
}

/// What a listener raises does not end the call, but for what is meant to: Ctrl-C and `SystemExit`.
fn attempt(who: &Callable, interrupt: &Interrupt, tell: impl FnOnce(Python<'_>) -> PyResult<()>) {
    exit::attach(|py| match tell(py) {
        Ok(()) => {}
        Err(raised) if raised.is_instance_of::<PyException>(py) => raised.write_unraisable(py, Some(who.bind(py))),
        Err(raised) => interrupt.end_with(raised),
    });
}

/// The logger of our name, if the application has imported `logging` and given it a handler: a library neither imports it for
/// itself nor writes where nobody asked for it.
fn logger(py: Python<'_>) -> Option<Py<PyAny>> {
    let modules = py.import("sys").and_then(|sys| sys.getattr("modules")).ok()?;
    let logging = modules.cast_into::<PyDict>().ok()?.get_item("logging").ok()??;
    let logger = logging.call_method1("getLogger", ("spawnlock",)).ok()?;
    let handled = logger.call_method0("hasHandlers").and_then(|handled| handled.is_truthy()).unwrap_or(false);
    handled.then(|| logger.unbind())
}

/// The event itself goes along as `record.event`.
fn log(py: Python<'_>, logger: &Py<PyAny>, event: &spawnlock::Event) -> PyResult<()> {
    let level = match event.kind.weight() {
        Weight::Debug => 10,
        Weight::Info => 20,
        Weight::Warning => 30,
    };
    let logger = logger.bind(py);
    if logger.call_method1("isEnabledFor", (level,))?.is_truthy()? {
        let extra = [("extra", [("event", Event::new(py, event)?)].into_py_dict(py)?)].into_py_dict(py)?;
        logger.call_method("log", (level, event.to_string()), Some(&extra))?;
    }
    Ok(())
}
