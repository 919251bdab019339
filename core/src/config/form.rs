//! What a key may be set to: how it is read, and what the schema says of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::deadline;
use crate::error::Error;
use crate::listen::Listening;
use crate::lock::LockKind;
use crate::policy::OnLockUnavailable;
use crate::policy::{OnMismatch, Reuse, StopSignal, Unresponsive};
use crate::port::Port;
use crate::probe::CheckSource;
use crate::scope::Scope;
use crate::stop_when::StopWhen;

/// Where a value stands: relative paths count from there.
#[derive(Clone, Copy)]
pub(super) struct Site<'a> {
    /// The key, as the user wrote it.
    pub(super) key: &'a str,
    pub(super) dir: &'a Path,
}

/// A form of values.
pub(super) trait Form {
    type Value;
    /// What it must be, after "must be".
    const WORDS: &'static str;
    /// The value; `None` when it is of another type.
    fn read(value: &Value, site: Site<'_>) -> Option<Result<Self::Value, Error>>;
    fn schema() -> Value;
}

/// Declares forms: the type of the value, what it must be, how it is read, its schema.
macro_rules! forms {
    ($($(#[doc = $about:literal])+ $name:ident -> $kind:ty = $words:literal, |$value:ident, $site:pat_param| $read:expr, $schema:expr;)*) => {
        $($(#[doc = $about])+
        pub(super) struct $name;

        impl Form for $name {
            type Value = $kind;
            const WORDS: &'static str = $words;

            fn read($value: &Value, $site: Site<'_>) -> Option<Result<$kind, Error>> {
                $read
            }

            fn schema() -> Value {
                $schema
            }
        })*
    };
}

forms! {
    /// Any text.
    Text -> String = "a text", |value, _| value.as_str().map(|text| Ok(text.to_owned())), json!({ "type": "string" });

    /// The words of a command.
    Words -> Vec<String> = "a list of texts, as in [\"node\", \"server.js\"]", |value, _| {
        value.as_array()?.iter().map(|word| word.as_str().map(str::to_owned)).collect::<Option<_>>().map(Ok)
    }, json!({ "type": "array", "items": { "type": "string" }, "minItems": 1 });

    /// A file or a directory; a relative one counts from the file it stands in.
    Location -> PathBuf = "a path", |value, site| value.as_str().map(|path| Ok(site.dir.join(path))), json!({ "type": "string" });

    /// Variables and their values.
    Variables -> Vec<(String, String)> = "a table of texts", |value, _| {
        value.as_object()?.iter().map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect::<Option<_>>().map(Ok)
    }, json!({ "type": "object", "additionalProperties": { "type": "string" } });

    /// Yes or no.
    Flag -> bool = "true or false", |value, _| value.as_bool().map(Ok), json!({ "type": "boolean" });

    /// A number that counts something.
    Count -> usize = "a whole number", |value, _| {
        value.as_u64().and_then(|number| usize::try_from(number).ok()).map(Ok)
    }, json!({ "type": "integer", "minimum": 0 });

    /// A umask. Not a number: nobody could tell which one `22` means.
    Umask -> u32 = "octal digits, as in \"022\"", |value, _| {
        u32::from_str_radix(value.as_str()?.trim_start_matches("0o"), 8).ok().map(Ok)
    }, json!({ "type": "string", "pattern": "^(0o)?[0-7]{1,4}$" });

    /// A time with its unit.
    Time -> Duration = "a time with its unit, as in \"30s\" or \"500ms\"", |value, site| {
        value.as_str().map(|text| deadline::duration(site.key, text))
    }, json!({ "type": "string", "pattern": "^\\s*([0-9.]+\\s*[a-zA-Zµ]+\\s*)+$" });

    /// One check, or several.
    Checks -> Vec<CheckSource> = "a check or a list of checks, as in \"http://localhost:1987/health\"", |value, site| {
        let one = |check: &Value| (check.is_string() || check.is_object()).then(|| CheckSource::from(&anchored(check, site.dir)));
        value.as_array().map_or_else(|| Some(vec![one(value)?]), |checks| checks.iter().map(one).collect()).map(Ok)
    }, json!({ "anyOf": [{ "$ref": "#/$defs/check" }, { "type": "array", "items": { "$ref": "#/$defs/check" }, "minItems": 1 }] });

    /// The fields by which an answer is known as ours.
    Fields -> Value = "a table of fields and the values they must have", |value, _| {
        value.is_object().then(|| Ok(value.clone()))
    }, json!({ "type": "object" });

    /// A port, or that one is to be chosen.
    PortWord -> Port = "a port from 1 to 65535, or `auto`", |value, _| {
        (value.is_number() || value.is_string()).then(|| Port::from_value(value))
    }, json!({ "anyOf": [{ "type": "integer", "minimum": 1, "maximum": 65535 }, { "const": "auto" }] });

    /// Addresses to listen on in its stead.
    Addresses -> Vec<Listening> = "an address such as tcp:1987, a list of these, or a table of names and addresses", |value, _| {
        (value.is_string() || value.is_array() || value.is_object()).then(|| Ok(Listening::from_value(value)))
    }, json!({ "anyOf": [
        { "type": "string" },
        { "type": "array", "items": { "type": "string" } },
        { "type": "object", "additionalProperties": { "type": "string" } },
    ] });
}

/// Declares forms that are one of a few words.
macro_rules! word_forms {
    ($($(#[doc = $about:literal])+ $name:ident -> $kind:ident = $words:literal;)*) => {
        forms! {
            $($(#[doc = $about])+ $name -> $kind = $words, |value, _| value.as_str().map($kind::parse), {
                json!({ "enum": $kind::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>() })
            };)*
        }
    };
}

word_forms! {
    /// What the spawn lock is made of.
    LockWord -> LockKind = "`auto`, `flock` or `excl`";

    /// Whose its name is.
    ScopeWord -> Scope = "`user` or `project`";

    /// The signal that asks it to end.
    SignalWord -> StopSignal = "the name of a signal, as in `SIGINT`";

    /// Which servers that run already will do.
    ReuseWord -> Reuse = "`healthy`, `owned` or `never`";

    /// What to do about another version.
    MismatchWord -> OnMismatch = "`restart`, `reuse` or `error`";

    /// What to do about one that does not answer.
    UnresponsiveWord -> Unresponsive = "`error` or `replace`";

    /// When it is stopped without anybody saying so.
    StopWord -> StopWhen = "`never` or `last`";

    /// What to do where no lock can be had.
    OnUnavailable -> OnLockUnavailable = "`proceed` or `fail`";
}

/// The schemes whose paths count from the file they stand in.
const OF_FILES: &[&str] = &["unix:", "http+unix:", "file:"];

/// A check with its relative paths made whole.
fn anchored(check: &Value, dir: &Path) -> Value {
    match check {
        Value::String(text) => OF_FILES
            .iter()
            .find_map(|scheme| Some(format!("{scheme}{}", whole(text.strip_prefix(scheme)?, dir))))
            .map_or_else(|| check.clone(), Value::String),
        Value::Object(fields) => {
            let field = |(key, value): (&String, &Value)| match (key.as_str(), value) {
                ("unix" | "file", Value::String(path)) if !OF_FILES.iter().any(|scheme| path.starts_with(scheme)) => {
                    (key.clone(), Value::String(whole(path, dir)))
                }
                ("http" | "unix" | "file", Value::String(_)) => (key.clone(), anchored(value, dir)),
                _ => (key.clone(), value.clone()),
            };
            Value::Object(fields.iter().map(field).collect())
        }
        other => other.clone(),
    }
}

/// A path from `dir`, unless it is whole, or begins with a `{` that is filled in later.
fn whole(path: &str, dir: &Path) -> String {
    if path.is_empty() || path.starts_with(['/', '{']) { path.to_owned() } else { dir.join(path).display().to_string() }
}
