//! JavaScript's values as ours, with an error that names the option when one is of the wrong type.

use std::collections::HashMap;

use napi::bindgen_prelude::{JsObjectValue, Object, Unknown};
use napi::{JsValue, Status, ValueType};
use serde_json::Value;

use crate::error::{Problem, Result};

/// The object of options a caller gave; none is an empty one.
pub(crate) struct Given<'env>(Option<Object<'env>>);

impl<'env> Given<'env> {
    /// Refuses what is no object, and options that are not among `known`.
    pub(crate) fn open(given: Unknown<'env>, known: &[&str]) -> Result<Self> {
        let object = match given.get_type()? {
            ValueType::Undefined => return Ok(Given(None)),
            ValueType::Object => given.coerce_to_object()?,
            _ => return Err(Problem::option("options", "must be an object")),
        };
        let known: Vec<String> = known.iter().map(|name| camel_case(name)).collect();
        match Object::keys(&object)?.into_iter().find(|key| !known.contains(key)) {
            Some(key) => Err(Problem::option(&key, format_args!("is unknown; known are {}", known.join(", ")))),
            None => Ok(Given(Some(object))),
        }
    }

    /// One option; `words` say what it must be.
    pub(crate) fn option<T: Read>(&self, name: &str, words: &str) -> Result<Option<T>> {
        let Some(object) = &self.0 else { return Ok(None) };
        let name = camel_case(name);
        match T::read(object, &name) {
            Ok(value) => Ok(value),
            Err(error) if error.status == Status::PendingException => Err(error.into()),
            Err(_) => Err(Problem::option(&name, format_args!("must be {words}"))),
        }
    }
}

/// A text that stands by itself, as the name does.
pub(crate) fn text(name: &str, given: Unknown) -> Result<String> {
    match given.get_type()? {
        ValueType::String => Ok(given.coerce_to_string()?.into_utf8()?.into_owned()?),
        _ => Err(Problem::option(name, "must be a text")),
    }
}

/// A whole number that stands by itself.
pub(crate) fn whole(name: &str, given: Unknown) -> Result<u32> {
    let number = match given.get_type()? {
        ValueType::Number => Some(given.coerce_to_number()?.get_double()?),
        _ => None,
    };
    let fits = |number: &f64| number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(number);
    number.filter(fits).map(|number| number as u32).ok_or_else(|| Problem::option(name, "must be a whole number"))
}

/// What an option can be.
pub(crate) trait Read: Sized {
    /// The property of that name; `None` when it is undefined.
    fn read(object: &Object, name: &str) -> napi::Result<Option<Self>>;
}

macro_rules! read_as_napi_does {
    ($($kind:ty),*) => {
        $(impl Read for $kind {
            fn read(object: &Object, name: &str) -> napi::Result<Option<Self>> {
                object.get(name)
            }
        })*
    };
}

read_as_napi_does!(String, bool, f64, Vec<String>, Value);

impl Read for HashMap<String, Option<String>> {
    fn read(object: &Object, name: &str) -> napi::Result<Option<Self>> {
        match object.get::<Unknown>(name)? {
            Some(value) if value.get_type()? != ValueType::Object || value.is_array()? => Err(of_wrong_type()),
            _ => object.get(name),
        }
    }
}

impl Read for u32 {
    fn read(object: &Object, name: &str) -> napi::Result<Option<Self>> {
        match object.get::<f64>(name)? {
            Some(number) if number.fract() != 0.0 || !(0.0..=f64::from(u32::MAX)).contains(&number) => Err(of_wrong_type()),
            number => Ok(number.map(|number| number as u32)),
        }
    }
}

/// An `AbortSignal`, which JavaScript itself listens to.
pub struct Signal;

impl Read for Signal {
    fn read(object: &Object, name: &str) -> napi::Result<Option<Self>> {
        let Some(signal) = object.get::<Unknown>(name)? else { return Ok(None) };
        if signal.get_type()? == ValueType::Object && signal.coerce_to_object()?.has_named_property("aborted")? {
            return Ok(Some(Signal));
        }
        Err(of_wrong_type())
    }
}

/// A function, which JavaScript itself calls.
pub struct Callback;

impl Read for Callback {
    fn read(object: &Object, name: &str) -> napi::Result<Option<Self>> {
        match object.get::<Unknown>(name)? {
            Some(callback) if callback.get_type()? != ValueType::Function => Err(of_wrong_type()),
            callback => Ok(callback.map(|_| Callback)),
        }
    }
}

fn of_wrong_type() -> napi::Error {
    napi::Error::from_status(Status::InvalidArg)
}

/// A name of ours as JavaScript spells it.
pub(crate) fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut all, word| {
        let (initial, rest) = word.split_at(1);
        all.push_str(&initial.to_ascii_uppercase());
        all.push_str(rest);
        all
    })
}
