//! The picture of core's layers, held against its sources.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The modules of core from the bottom up. One may use what stands below it, and what stands beside it in its own
/// layer, but for `APART`.
const LAYERS: &[&[&str]] = &[
    &["sys"],
    &[
        "command",
        "error",
        "notify",
        "place",
        "record",
        "deadline",
        "cancel",
        "event",
        "environment",
        "holder",
        "history",
        "log",
        "progress",
        "stop_when",
        "voice",
        "words",
    ],
    &["lock", "probe", "launch"],
    // The parts of one call and of one server's life.
    &[
        "life",
        "policy",
        "version",
        "crash",
        "ended",
        "end",
        "inside",
        "config",
        "plan",
        "start",
        "spec",
        "declared",
        "call",
        "report",
        "hearing",
        "overheard",
        "minder",
        "begin",
        "attempt",
        "spelling",
        "last",
        "user",
        "port",
        "listen",
        "scope",
        "addresses",
    ],
    &[
        "flow",
        "fit",
        "logs",
        "prune",
        "turn",
        "ensure",
        "server",
        "names",
        "stop",
        "restart",
        "kick",
        "mind",
        "claim",
        "notify_send",
        "wait",
        "doctor",
    ],
    &["lib", "fuzz"],
];

/// Three that never use each other.
const APART: &[&str] = &["lock", "probe", "launch"];

/// Words of the bindings, which core does not know.
const FOREIGN_WORDS: &[&str] = &["napi", "pyo3", "javascript", "python", "libuv", "asyncio"];

/// A source file of core, without its tests.
struct Source {
    path: PathBuf,
    module: String,
    text: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    assert!(files.len() > 20, "core was found: {files:?}");
    files.into_iter().map(|path| source(&root, path)).collect()
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap().flatten().map(|entry| entry.path()) {
        if entry.is_dir() {
            collect(&entry, files);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            files.push(entry);
        }
    }
}

fn source(root: &Path, path: PathBuf) -> Source {
    let below = path.strip_prefix(root).unwrap();
    let first = below.components().next().unwrap().as_os_str().to_str().unwrap();
    let module = first.strip_suffix(".rs").unwrap_or(first).to_owned();
    let text = fs::read_to_string(&path).unwrap();
    let text = text.split("#[cfg(test)]").next().unwrap().to_owned();
    Source { path, module, text }
}

/// The lines that are code: no comments, no docs.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line));
    lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

fn layer_of(module: &str) -> usize {
    let found = LAYERS.iter().position(|layer| layer.contains(&module));
    found.unwrap_or_else(|| panic!("the module `{module}` stands in no layer: put it into the picture"))
}

/// The modules of core that a source uses, through `crate::…`.
fn uses(source: &Source) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    let text: String = code(&source.text).map(|(_, line)| format!("{line}\n")).collect();
    for part in text.split("crate::").skip(1) {
        let words: Vec<&str> = match part.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap().split(',').map(str::trim).collect(),
            None => vec![part],
        };
        for word in words {
            let name: String = word.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            let whole = !word[name.len()..].starts_with(|c: char| c.is_ascii_alphanumeric());
            if !name.is_empty() && whole {
                used.insert(name);
            }
        }
    }
    used.remove(&source.module);
    used
}

#[test]
fn no_module_uses_one_above_it() {
    for source in sources() {
        for used in uses(&source) {
            assert!(
                layer_of(&used) <= layer_of(&source.module),
                "{} uses `{used}`, which stands above `{}`",
                source.path.display(),
                source.module
            );
        }
    }
}

#[test]
fn lock_probe_and_launch_never_use_each_other() {
    for source in sources().iter().filter(|source| APART.contains(&source.module.as_str())) {
        let used: Vec<String> = uses(source).into_iter().filter(|used| APART.contains(&used.as_str())).collect();
        assert!(used.is_empty(), "{} uses {used:?}", source.path.display());
    }
}

#[test]
fn unsafe_and_cfg_stand_in_sys_only() {
    for source in sources().iter().filter(|source| source.module != "sys") {
        for (at, line) in code(&source.text) {
            let word = |word: &str| line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|part| part == word);
            let allowed = line.contains("#![forbid(unsafe_code)]") || line.contains("#![deny(unsafe_code)]");
            assert!(!word("unsafe") || allowed, "{}:{at}: {line}", source.path.display());
            assert!(!line.contains("cfg(") && !line.contains("cfg!("), "{}:{at}: {line}", source.path.display());
        }
    }
}

#[test]
fn core_prints_nothing() {
    for source in sources() {
        for (at, line) in code(&source.text) {
            let prints = ["println!", "print!(", "dbg!", "io::stdout", "io::stderr"].iter().find(|word| line.contains(**word));
            assert!(prints.is_none(), "{}:{at}: {line}", source.path.display());
        }
    }
}

#[test]
fn core_knows_no_word_of_the_bindings() {
    for source in sources() {
        for (at, line) in source.text.lines().enumerate() {
            let line = line.to_lowercase();
            let word = FOREIGN_WORDS.iter().find(|word| line.split(|c: char| !c.is_alphanumeric()).any(|part| part == **word));
            assert!(word.is_none(), "{}:{}: core speaks of {}", source.path.display(), at + 1, word.unwrap());
        }
    }
}

#[test]
fn every_file_of_core_is_short() {
    for source in sources() {
        let lines = source.text.lines().count();
        assert!(lines < 330, "{} has {lines} lines: one noun, one file", source.path.display());
    }
}
