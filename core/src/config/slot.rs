//! A field of a spec: whether it is set, how it is filled where it is not, and how it is shown.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::listen::Listening;
use crate::lock::LockKind;
use crate::policy::OnLockUnavailable;
use crate::policy::{OnMismatch, Reuse, StopSignal, Unresponsive};
use crate::port::Port;
use crate::probe::CheckSource;
use crate::scope::Scope;
use crate::stop_when::StopWhen;

/// A field of a spec that can be filled in later.
pub(super) trait Slot {
    type Value;
    fn is_set(&self) -> bool;
    /// Sets what is not set yet.
    fn fill(&mut self, value: Self::Value);
    fn show(&self) -> Value;
}

impl<T: Show> Slot for Option<T> {
    type Value = T;

    fn is_set(&self) -> bool {
        self.is_some()
    }

    fn fill(&mut self, value: T) {
        self.get_or_insert(value);
    }

    fn show(&self) -> Value {
        self.as_ref().map_or(Value::Null, Show::show)
    }
}

impl<T: Show> Slot for Vec<T> {
    type Value = Vec<T>;

    fn is_set(&self) -> bool {
        !self.is_empty()
    }

    fn fill(&mut self, value: Vec<T>) {
        if self.is_empty() {
            *self = value;
        }
    }

    fn show(&self) -> Value {
        Value::Array(self.iter().map(Show::show).collect())
    }
}

/// Variables for the server, each of which is set or not.
impl Slot for Vec<(String, String)> {
    type Value = Vec<(String, String)>;

    fn is_set(&self) -> bool {
        !self.is_empty()
    }

    fn fill(&mut self, value: Vec<(String, String)>) {
        let missing: Vec<_> = value.into_iter().filter(|(key, _)| self.iter().all(|(known, _)| known != key)).collect();
        self.splice(0..0, missing);
    }

    fn show(&self) -> Value {
        Value::Object(self.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect::<Map<_, _>>())
    }
}

/// A value as a file would say it.
pub(super) trait Show {
    fn show(&self) -> Value;
}

macro_rules! show {
    ($($kind:ty: |$value:ident| $shown:expr;)*) => {
        $(impl Show for $kind {
            fn show(&self) -> Value {
                let $value = self;
                Value::from($shown)
            }
        })*
    };
}

show! {
    String: |text| text.as_str();
    PathBuf: |path| path.display().to_string();
    Duration: |time| humantime::format_duration(*time).to_string();
    bool: |yes| *yes;
    usize: |number| *number;
    u32: |mode| format!("{mode:03o}");
    Port: |port| port.to_text();
    Listening: |listening| listening.to_text();
    Value: |value| value.clone();
    CheckSource: |check| check.to_value();
}

macro_rules! show_words {
    ($($kind:ty),*) => { show! { $($kind: |word| word.as_str();)* } };
}

show_words!(LockKind, OnLockUnavailable, StopWhen, StopSignal, Reuse, OnMismatch, Unresponsive, Scope);
