//! Every setting of a call, and where it comes from.

use std::fmt;

use serde_json::Value;

use super::keys::{KEYS, Key};
use crate::environment;
use crate::error::Result;
use crate::spec::ServerSpec;

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
        let plan = self.clone().plan()?;
        let in_file = |key: Option<&Key>| {
            let place = resolved.file.as_ref().and_then(|(project, name)| project.place_of(name, key));
            place.map_or(SettingSource::Default, SettingSource::File)
        };
        let source = |key: &Key| match key.variable.filter(|variable| environment::text(variable).is_some()) {
            // By its name a server is found in the file, which may give it another one.
            _ if key.name == "name" && resolved.file.is_some() => match in_file(Some(key)) {
                SettingSource::Default if self.name.is_none() => in_file(None),
                SettingSource::Default => SettingSource::Caller,
                place => place,
            },
            _ if (key.is_set)(self) => SettingSource::Caller,
            Some(variable) => SettingSource::Variable(variable.to_owned()),
            None => in_file(Some(key)),
        };
        let mut settings: Vec<Setting> = KEYS
            .iter()
            .map(|key| Setting {
                name: key.name.to_owned(),
                value: match key.name {
                    "name" => Value::from(plan.name.as_str()),
                    _ if (key.is_set)(&resolved.spec) => (key.show)(&resolved.spec),
                    _ if key.default.is_empty() => Value::Null,
                    _ => serde_json::from_str(key.default).unwrap_or_else(|_| Value::from(key.default)),
                },
                source: source(key),
            })
            .collect();
        let besides = [environment::url_variable(&plan.name), environment::TIMEOUT_SCALE.to_owned(), environment::DISABLE.to_owned()];
        settings.extend(besides.into_iter().filter_map(|variable| {
            let value = Value::from(environment::text(&variable)?);
            Some(Setting { name: variable.clone(), value, source: SettingSource::Variable(variable) })
        }));
        Ok(settings)
    }
}
