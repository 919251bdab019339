//! A new entry, in a file that stays otherwise as it is.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Value, json};
use spawnlock::Project;

use crate::trouble::{Result, Trouble};

/// A server to be declared.
pub struct Entry<'a> {
    pub name: &'a str,
    pub command: Vec<String>,
    pub ready: String,
}

impl Entry<'_> {
    /// Adds it to the file, which need not exist, and gives the lines that were added.
    pub fn write(&self, file: &Path) -> Result<String> {
        let old = match fs::read_to_string(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            read => read.map_err(|error| unusable("read", file, &error))?,
        };
        if let Some(project) = Project::parse(file, &old).or_else(|error| if old.is_empty() { Ok(None) } else { Err(error) })?
            && project.names().any(|known| known == self.name)
        {
            return Err(Trouble::usage("NAME", format_args!("is \"{}\", which {} declares already", self.name, file.display())));
        }
        let (new, lines) = match file.extension().is_some_and(|extension| extension == "json") {
            true => self.added_to_json(file, &old)?,
            false => self.added_to_toml(file, &old),
        };
        // What we would not understand ourselves is not written.
        if !Project::parse(file, &new)?.is_some_and(|project| project.names().any(|name| name == self.name)) {
            return Err(self.to_be_pasted(file, &lines));
        }
        fs::write(file, &new).map_err(|error| unusable("write", file, &error))?;
        Ok(lines)
    }

    /// `[servers.web]` and what belongs to it.
    pub fn toml(&self, table: &str) -> String {
        let bare = !self.name.is_empty() && self.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        let name = if bare { self.name.to_owned() } else { json!(self.name).to_string() };
        let command: Vec<String> = self.command.iter().map(|word| json!(word).to_string()).collect();
        format!("[{table}.{name}]\ncommand = [{}]\nready = {}\n", command.join(", "), json!(self.ready))
    }

    fn added_to_toml(&self, file: &Path, old: &str) -> (String, String) {
        let lines =
            self.toml(if file.file_name().is_some_and(|name| name == "pyproject.toml") { "tool.spawnlock.servers" } else { "servers" });
        let between = match old {
            "" => "",
            _ if old.ends_with('\n') => "\n",
            _ => "\n\n",
        };
        (format!("{old}{between}{lines}"), lines)
    }

    /// Only a package.json that does not speak of us yet: a new key at its end leaves all else as it is.
    fn added_to_json(&self, file: &Path, old: &str) -> Result<(String, String)> {
        let newline = if old.contains("\r\n") { "\r\n" } else { "\n" };
        let indent =
            old.lines().find_map(|line| line.find('"').map(|at| &line[..at]).filter(|blank| !blank.is_empty() && blank.trim().is_empty()));
        let lines = self.json(indent.unwrap_or("  "), newline);
        let known: Option<Value> = serde_json::from_str(old.trim_start_matches('\u{feff}')).ok();
        let end = old.rfind('}').filter(|_| known.is_some_and(|known| known.is_object() && known.get("spawnlock").is_none()));
        let Some(end) = end.filter(|_| file.file_name().is_some_and(|name| name == "package.json")) else {
            return Err(self.to_be_pasted(file, &lines));
        };
        let before = old[..end].trim_end();
        let comma = if before.ends_with('{') { "" } else { "," };
        Ok((format!("{before}{comma}{newline}{lines}{newline}{}", &old[end..]), lines))
    }

    fn json(&self, indent: &str, newline: &str) -> String {
        let command: Vec<String> = self.command.iter().map(|word| json!(word).to_string()).collect();
        let lines = [
            (1, "\"spawnlock\": {".to_owned()),
            (2, "\"servers\": {".to_owned()),
            (3, format!("{}: {{", json!(self.name))),
            (4, format!("\"command\": [{}],", command.join(", "))),
            (4, format!("\"ready\": {}", json!(self.ready))),
            (3, "}".to_owned()),
            (2, "}".to_owned()),
            (1, "}".to_owned()),
        ];
        lines.map(|(depth, line)| format!("{}{line}", indent.repeat(depth))).join(newline)
    }

    fn to_be_pasted(&self, file: &Path, lines: &str) -> Trouble {
        Trouble::Unknown(format!(
            "{} is not ours to rearrange: nothing is written\n  hint     add this to it yourself:\n\n{lines}",
            file.display()
        ))
    }
}

fn unusable(what: &str, file: &Path, error: &io::Error) -> Trouble {
    Trouble::Unknown(format!("cannot {what} {}: {error}", file.display()))
}
