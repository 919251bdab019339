//! `ready`: what Python hands over, as the core takes it.

use std::sync::Arc;

use pyo3::exceptions::PyException;
use pyo3::inspect::PyStaticExpr;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyList, PyString, PyTuple};
use serde_json::Value;
use spawnlock::{Check, CheckSource, Verdict};

use crate::audience::Callable;
use crate::exit;
use crate::interrupt::Interrupt;

/// `ready`: one check, or a list of them.
pub(crate) struct Ready(pub(crate) Vec<OneCheck>);

/// A check as it was given.
pub(crate) enum OneCheck {
    Written(Value),
    Function(Callable),
}

impl FromPyObject<'_, '_> for Ready {
    type Error = PyErr;
    const INPUT_TYPE: PyStaticExpr = pyo3::type_hint_identifier!("spawnlock.types", "Ready");

    fn extract(given: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if given.is_instance_of::<PyList>() || given.is_instance_of::<PyTuple>() {
            return Ok(Ready(given.try_iter()?.map(|check| one_check(&check?)).collect::<PyResult<_>>()?));
        }
        Ok(Ready(vec![one_check(&given)?]))
    }
}

impl OneCheck {
    /// The check, for a call that `interrupt` ends.
    pub(crate) fn for_call(&self, interrupt: &Interrupt) -> CheckSource {
        match self {
            OneCheck::Written(value) => value.into(),
            OneCheck::Function(function) => {
                let (function, interrupt) = (Arc::clone(function), interrupt.clone());
                Check::function(move || ask(&function, &interrupt)).into()
            }
        }
    }
}

fn one_check(given: &Bound<'_, PyAny>) -> PyResult<OneCheck> {
    if given.is_callable() {
        return Ok(OneCheck::Function(Arc::new(given.clone().unbind())));
    }
    json(given).map(OneCheck::Written)
}

/// A value of text, numbers, lists and dicts.
pub(crate) fn json(given: &Bound<'_, PyAny>) -> PyResult<Value> {
    if let Ok(text) = given.cast::<PyString>() {
        return Ok(Value::String(text.to_str()?.to_owned()));
    }
    let text: String = given.py().import("json")?.call_method1("dumps", (given,))?.extract()?;
    serde_json::from_str(&text).map_err(|error| pyo3::exceptions::PyValueError::new_err(error.to_string()))
}

fn ask(function: &Callable, interrupt: &Interrupt) -> (Verdict, String) {
    let asked = exit::attach(|py| match function.call0(py) {
        Ok(answer) => read(answer.bind(py)),
        Err(raised) if raised.is_instance_of::<PyException>(py) => (Verdict::Dead, raised.to_string()),
        Err(raised) => {
            let text = raised.to_string();
            interrupt.end_with(raised);
            (Verdict::Dead, text)
        }
    });
    asked.unwrap_or((Verdict::Busy, String::new()))
}

/// `True` is ready, `False` and `None` are nobody there, a word is the verdict of that name. What is none of these starts nothing.
fn read(answer: &Bound<'_, PyAny>) -> (Verdict, String) {
    let text = answer.to_string();
    let verdict = match answer.cast::<PyBool>() {
        Ok(answer) if answer.is_true() => Verdict::Ready,
        Ok(_) => Verdict::Dead,
        Err(_) if answer.is_none() => Verdict::Dead,
        Err(_) => Verdict::parse(&text).unwrap_or(Verdict::Unhealthy),
    };
    (verdict, text)
}
