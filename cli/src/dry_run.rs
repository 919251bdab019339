//! `server-init ensure --dry-run`: every setting, and where it comes from.

use serde::Serialize;
use serde_json::Value;
use spawnlock::{ServerSpec, SettingSource};

use crate::args::Ensure;
use crate::exit;
use crate::output::Output;
use crate::table::table;
use crate::trouble::Result;

/// What of the command line tells where a setting comes from.
pub struct DryRun {
    /// The variables of a hand-written script that stand for flags, and the settings they make.
    stand_ins: Vec<(&'static str, String)>,
}

#[derive(Serialize)]
struct Told {
    ok: bool,
    settings: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    value: Value,
    from: String,
}

impl DryRun {
    pub fn of(args: &Ensure) -> Self {
        let prefix = args.env_prefix.as_deref().unwrap_or_default().trim_end_matches('_');
        let by_variable =
            [("timeout", "INIT_TIMEOUT", args.timeout.is_none()), ("port", "PORT", args.ready.is_empty() && args.port.is_none())];
        let used = by_variable.into_iter().filter(|(_, _, used)| *used && !prefix.is_empty());
        DryRun { stand_ins: used.map(|(setting, suffix, _)| (setting, format!("{prefix}_{suffix}"))).collect() }
    }

    pub fn report(&self, spec: &ServerSpec, output: &Output) -> Result<u8> {
        let settings = spec.settings()?.into_iter();
        let rows: Vec<Row> = settings
            .map(|setting| Row { from: self.source(&setting.name, &setting.source), name: setting.name, value: setting.value })
            .collect();
        let lines: Vec<[String; 3]> = rows.iter().map(|row| [row.name.clone(), text(&row.value), row.from.clone()]).collect();
        output.result(table(["SETTING", "VALUE", "FROM"], &lines), &Told { ok: true, settings: rows })?;
        Ok(exit::OK)
    }

    fn source(&self, setting: &str, source: &SettingSource) -> String {
        match source {
            SettingSource::Caller => self
                .stand_ins
                .iter()
                .find(|(name, _)| *name == setting)
                .map_or_else(|| "command line".to_owned(), |(_, variable)| variable.clone()),
            source => source.to_string(),
        }
    }
}

/// A value as one reads it.
fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
