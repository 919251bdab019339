//! Checks as JavaScript gives them: text, objects, and functions, which are asked on its own thread.

use std::sync::{Mutex, PoisonError};

use napi::bindgen_prelude::{Array, External, FromNapiValue, Object, Unknown};
use napi::{JsValue, Status, ValueType};
use napi_derive::napi;
use serde_json::Value;
use spawnlock::{Check, CheckSource, Reply, Verdict};

use crate::error::{Code, Problem, Result};
use crate::job::Teller;
use crate::read::Read;

/// The checks of a call, which may be one or a list.
pub struct Checks(Vec<OneCheck>);

/// A check as it was given.
enum OneCheck {
    Written(Value),
    /// A function, by its place in the list; JavaScript itself calls it.
    Function(u32),
}

impl Checks {
    /// As the core takes them; functions are asked through `teller`.
    pub(crate) fn sources(self, teller: &Teller) -> Vec<CheckSource> {
        self.with_functions(|at| {
            let teller = teller.clone();
            Check::asked(move |reply| teller.ask(at, reply))
        })
    }

    /// The same for a call that returns before any function could answer.
    pub(crate) fn unasked(self) -> Vec<CheckSource> {
        self.with_functions(|_| Check::asked(drop))
    }

    fn with_functions(self, function: impl Fn(u32) -> Check) -> Vec<CheckSource> {
        let source = |check| match check {
            OneCheck::Written(value) => (&value).into(),
            OneCheck::Function(at) => function(at).into(),
        };
        self.0.into_iter().map(source).collect()
    }

    /// Reads what stands by itself, as the first argument does.
    pub(crate) fn of(name: &str, given: Unknown) -> Result<Self> {
        match all(given) {
            Ok(checks) => Ok(checks),
            Err(error) if error.status == Status::PendingException => Err(error.into()),
            Err(_) => Err(Problem::option(name, "must be a text, an object, a function, or a list of these")),
        }
    }
}

impl Read for Checks {
    fn read(object: &Object, name: &str) -> napi::Result<Option<Self>> {
        object.get::<Unknown>(name)?.map(all).transpose()
    }
}

fn all(given: Unknown) -> napi::Result<Checks> {
    if !given.is_array()? {
        return Ok(Checks(vec![one(given, 0)?]));
    }
    let list = Array::from_unknown(given)?;
    let checks = (0..list.len()).map(|at| one(list.get::<Unknown>(at)?.ok_or_else(|| napi::Error::from_status(Status::InvalidArg))?, at));
    Ok(Checks(checks.collect::<napi::Result<_>>()?))
}

fn one(given: Unknown, at: u32) -> napi::Result<OneCheck> {
    match given.get_type()? {
        ValueType::Function => Ok(OneCheck::Function(at)),
        _ => Value::from_unknown(given).map(OneCheck::Written),
    }
}

/// A reply that was not given yet.
pub struct Answerable(Mutex<Option<Reply>>);

impl From<Reply> for Answerable {
    fn from(reply: Reply) -> Self {
        Answerable(Mutex::new(Some(reply)))
    }
}

/// Leaves the answer of a function: `true` is ready, `false` and nothing are nobody there, a word is the verdict of that name.
/// What is none of these starts nothing.
#[napi(skip_typescript)]
pub fn answer(reply: &External<Answerable>, answer: Unknown) -> napi::Result<(), Code> {
    let text = || -> napi::Result<String> { answer.coerce_to_string()?.into_utf8()?.into_owned() };
    let (verdict, text) = match answer.get_type().map_err(Problem::from)? {
        ValueType::Boolean if answer.coerce_to_bool().map_err(Problem::from)? => (Verdict::Ready, "true".to_owned()),
        ValueType::Boolean => (Verdict::Dead, "false".to_owned()),
        ValueType::Undefined | ValueType::Null => (Verdict::Dead, "it gave nothing".to_owned()),
        ValueType::String => {
            let text = text().map_err(Problem::from)?;
            (Verdict::parse(&text).unwrap_or(Verdict::Unhealthy), text)
        }
        other => (Verdict::Unhealthy, format!("it gave no verdict, but a value of type {other}")),
    };
    give(reply, verdict, text);
    Ok(())
}

/// Leaves word that a function threw.
#[napi(skip_typescript)]
pub fn threw(reply: &External<Answerable>, text: String) {
    give(reply, Verdict::Dead, text);
}

fn give(reply: &Answerable, verdict: Verdict, text: String) {
    if let Some(reply) = reply.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
        reply.give(verdict, text);
    }
}
