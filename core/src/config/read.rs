//! TOML and JSON as one tree that knows its lines.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value and the line it begins on.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub(super) line: usize,
    pub(super) node: Node,
}

/// A table keeps the lines of what is in it.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Table(Vec<(String, Tree)>),
    Leaf(Value),
}

/// What is no TOML or no JSON, and on which line.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) line: usize,
    pub(super) problem: String,
}

impl Tree {
    /// The value without its lines.
    pub(super) fn value(&self) -> Value {
        match &self.node {
            Node::Leaf(value) => value.clone(),
            Node::Table(entries) => Value::Object(entries.iter().map(|(key, tree)| (key.clone(), tree.value())).collect::<Map<_, _>>()),
        }
    }
}

/// What stands under these keys of a JSON text; `None` where nothing does.
pub(super) fn json(text: &str, under: &[&str]) -> Result<Option<Tree>, Broken> {
    let mut raw: &RawValue = serde_json::from_str(text).map_err(|error| of_json(&error))?;
    for key in under {
        let Ok(mut fields) = serde_json::from_str::<BTreeMap<String, &RawValue>>(raw.get()) else { return Ok(None) };
        let Some(next) = fields.remove(*key) else { return Ok(None) };
        raw = next;
    }
    json_tree(text, raw).map(Some)
}

fn json_tree(text: &str, raw: &RawValue) -> Result<Tree, Broken> {
    let line = line_at(text, raw.get().as_ptr().addr() - text.as_ptr().addr());
    let node = if raw.get().starts_with('{') {
        let fields: BTreeMap<String, &RawValue> = serde_json::from_str(raw.get()).map_err(|error| of_json(&error))?;
        Node::Table(fields.into_iter().map(|(key, raw)| Ok((key, json_tree(text, raw)?))).collect::<Result<_, _>>()?)
    } else {
        Node::Leaf(serde_json::from_str(raw.get()).map_err(|error| Broken { line, ..of_json(&error) })?)
    };
    Ok(Tree { line, node })
}

fn of_json(error: &serde_json::Error) -> Broken {
    let text = error.to_string();
    Broken { line: error.line().max(1), problem: text.split(" at line ").next().unwrap_or(&text).to_owned() }
}

/// What stands under these keys of a TOML text; `None` where nothing does.
pub(super) fn toml(text: &str, under: &[&str]) -> Result<Option<Tree>, Broken> {
    let root = DeTable::parse(text)
        .map_err(|error| Broken { line: line_at(text, error.span().map_or(0, |span| span.start)), problem: error.message().to_owned() })?;
    let mut tree = toml_table(text, 0, root.get_ref());
    for key in under {
        let Node::Table(entries) = tree.node else { return Ok(None) };
        let Some((_, next)) = entries.into_iter().find(|(name, _)| name == key) else { return Ok(None) };
        tree = next;
    }
    Ok(Some(tree))
}

fn toml_table(text: &str, start: usize, table: &DeTable<'_>) -> Tree {
    let entry = |(key, value): (&Spanned<std::borrow::Cow<'_, str>>, &Spanned<DeValue<'_>>)| {
        (key.get_ref().to_string(), toml_tree(text, key.span().start, value.get_ref()))
    };
    let mut entries: Vec<(String, Tree)> = table.iter().map(entry).collect();
    entries.sort_by_key(|(_, tree)| tree.line);
    Tree { line: line_at(text, start), node: Node::Table(entries) }
}

fn toml_tree(text: &str, start: usize, value: &DeValue<'_>) -> Tree {
    match value {
        DeValue::Table(table) => toml_table(text, start, table),
        other => Tree { line: line_at(text, start), node: Node::Leaf(toml_value(other)) },
    }
}

fn toml_value(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).map_or(Value::Null, Value::from),
        DeValue::Float(number) => serde_json::from_str(number.as_str()).unwrap_or_default(),
        DeValue::Boolean(yes) => Value::Bool(*yes),
        DeValue::Datetime(time) => Value::String(time.to_string()),
        DeValue::Array(list) => Value::Array(list.iter().map(|item| toml_value(item.get_ref())).collect()),
        DeValue::Table(table) => {
            Value::Object(table.iter().map(|(key, value)| (key.get_ref().to_string(), toml_value(value.get_ref()))).collect())
        }
    }
}

/// The line of a byte, from 1.
fn line_at(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line_of(tree: &Tree, path: &[&str]) -> usize {
        path.iter()
            .fold(tree.clone(), |tree, key| match tree.node {
                Node::Table(entries) => entries.into_iter().find(|(name, _)| name == key).expect("the key is there").1,
                Node::Leaf(_) => panic!("no table"),
            })
            .line
    }

    #[test]
    fn every_key_knows_its_line() {
        let text = "# a comment\n[servers.web]\ncommand = [\n  \"npm\",\n]\n\nready = \"tcp:localhost:1\"\n";
        let tree = toml(text, &["servers"]).unwrap().unwrap();
        assert_eq!((line_of(&tree, &["web"]), line_of(&tree, &["web", "command"]), line_of(&tree, &["web", "ready"])), (2, 3, 7));
        let text = "{\n \"name\": \"a\",\n \"spawnlock\": {\n  \"servers\": {\n   \"web\": {\"ready\":\n \"x\"}}}}";
        let tree = json(text, &["spawnlock", "servers"]).unwrap().unwrap();
        assert_eq!((line_of(&tree, &["web"]), line_of(&tree, &["web", "ready"])), (5, 6));
    }

    #[test]
    fn what_cannot_be_read_names_its_line() {
        assert_eq!(toml("a = 1\nb = \n", &[]).unwrap_err().line, 2);
        assert_eq!(json("{\n\"a\": 1,\n}", &[]).unwrap_err().line, 3);
        assert!(json("[]", &["spawnlock"]).unwrap().is_none() && toml("tool = 1", &["tool", "spawnlock"]).unwrap().is_none());
    }
}
