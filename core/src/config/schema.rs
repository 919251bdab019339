//! The table of keys, for editors and for people.

use serde_json::{Map, Value, json};

use super::find::Project;
use super::keys::SHOWN;
use super::nearest::kebab;

impl Project {
    /// The JSON Schema of what a file may declare: of `spawnlock.toml` as a whole, of `tool.spawnlock` in `pyproject.toml`, of
    /// `spawnlock` in `package.json`.
    pub fn schema() -> Value {
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": "https://raw.githubusercontent.com/spawnlock/spawnlock/main/spawnlock.schema.json",
            "title": "Servers that spawnlock starts once",
            "description": "spawnlock.toml, the table [tool.spawnlock] of pyproject.toml, the key \"spawnlock\" of package.json",
            "type": "object",
            "properties": {
                "$schema": { "type": "string" },
                "servers": { "type": "object", "description": "The servers, by name.", "additionalProperties": { "$ref": "#/$defs/server" } },
            },
            "additionalProperties": false,
            "$defs": { "server": server(), "check": check() },
        })
    }

    /// The table of keys as Markdown, for the documentation.
    pub fn reference() -> String {
        let mut table = String::from("| key | value | default | meaning |\n|---|---|---|---|\n");
        for key in SHOWN {
            let name =
                if kebab(key.name) == key.name { format!("`{}`", key.name) } else { format!("`{}`, `{}`", kebab(key.name), key.name) };
            let default = key.variable.map_or_else(|| key.default.to_owned(), |variable| format!("`{variable}`, else {}", key.default));
            table.push_str(&format!("| {name} | {} | {default} | {} |\n", key.words, key.about));
        }
        table
    }
}

fn server() -> Value {
    let mut properties = Map::new();
    for key in SHOWN {
        let mut property = (key.schema)();
        property["description"] = Value::from(described(key.about, key.default));
        properties.insert(kebab(key.name), property.clone());
        properties.insert(key.name.to_owned(), property);
    }
    json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "not": { "required": ["command", "shell"] },
    })
}

fn check() -> Value {
    json!({
        "description": "How to tell that a server is ready: http://host:port/path, tcp:host:port, unix:/path, http+unix:/path:/page; a relative path counts from the file.",
        "type": ["string", "object"],
    })
}

fn described(about: &str, default: &str) -> String {
    if default.is_empty() { about.to_owned() } else { format!("{about} Default: {default}.") }
}
