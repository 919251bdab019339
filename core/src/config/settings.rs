//! Every setting of a call, and where it comes from.

use std::fmt;

use serde_json::Value;

use super::keys::{SHOWN, Shown};
use super::resolve::Resolved;
use crate::environment;
use crate::error::Result;
use crate::spec::ServerSpec;

/// The key whose value stands for the server itself.
const NAME: &str = "name";

/// One setting of a call.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Setting {
    /// The option, `stopTimeout`, or the variable, `SPAWNLOCK_TIMEOUT_SCALE`, where no option says the same.
    pub name: String,
    /// Its value, as a file would say it; for a default, in words.
    pub value: Value,
    /// Where it comes from.
    pub source: SettingSource,
}

/// Where a setting comes from, what wins first.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SettingSource {
    /// The caller: an option, or a flag.
    Caller,
    /// A variable of this name.
    Variable(String),
    /// A file and a line: `/repo/spawnlock.toml:3`.
    File(String),
    /// Nobody said anything.
    Default,
}

impl fmt::Display for SettingSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SettingSource::Caller => f.write_str("option"),
            SettingSource::Variable(name) | SettingSource::File(name) => f.write_str(name),
            SettingSource::Default => f.write_str("default"),
        }
    }
}

impl ServerSpec {
    /// Every setting a call with this spec would have, and where it comes from. Nothing is started and nobody is asked.
    ///
    /// # Errors
    /// `CONFIG` and `PLACE`, as the call would say them.
    pub fn settings(&self) -> Result<Vec<Setting>> {
        let resolved = self.clone().resolve()?;
        let name = self.clone().plan()?.name;
        let mut settings: Vec<Setting> = SHOWN
            .iter()
            .map(|key| Setting {
                name: key.name.to_owned(),
                value: if key.name == NAME { Value::from(name.as_str()) } else { value(key, &resolved.spec) },
                source: source(key, self, &resolved),
            })
            .collect();
        let besides = [environment::url_variable(&name), environment::TIMEOUT_SCALE.to_owned(), environment::DISABLE.to_owned()];
        settings.extend(besides.into_iter().filter_map(|variable| {
            let value = Value::from(environment::text(&variable)?);
            Some(Setting { name: variable.clone(), value, source: SettingSource::Variable(variable) })
        }));
        Ok(settings)
    }
}

/// What is set, or the default in words; a number or a yes among them is one.
fn value(key: &Shown, spec: &ServerSpec) -> Value {
    match key.default {
        _ if (key.is_set)(spec) => (key.value)(spec),
        "" => Value::Null,
        words => serde_json::from_str(words).unwrap_or_else(|_| Value::from(words)),
    }
}

fn source(key: &Shown, caller: &ServerSpec, resolved: &Resolved) -> SettingSource {
    let in_file = |key: Option<&str>| {
        let place = resolved.file.as_ref().and_then(|(project, name)| project.place_of(name, key));
        place.map(SettingSource::File)
    };
    // By its name a server is found in the file, which may give it another one.
    let renamed = || in_file(Some(NAME)).filter(|_| key.name == NAME);
    let from_caller = || (key.is_set)(caller).then_some(SettingSource::Caller);
    let from_variable =
        || key.variable.filter(|variable| environment::text(variable).is_some()).map(|name| SettingSource::Variable(name.to_owned()));
    let from_file = || in_file(Some(key.name).filter(|name| *name != NAME));
    renamed().or_else(from_caller).or_else(from_variable).or_else(from_file).unwrap_or(SettingSource::Default)
}
