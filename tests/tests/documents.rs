//! What the documents say of the sources, held against them.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// All pages for people, from the root of the project.
fn pages() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for dir in ["", "bindings-node", "bindings-python", "cli", "core", "docs", "docs/migrate", "docs/reference", "examples/listen"] {
        let entries = fs::read_dir(root().join(dir)).unwrap().flatten().map(|entry| Path::new(dir).join(entry.file_name()));
        found.extend(entries.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    }
    assert!(found.len() > 20, "{found:?}");
    found
}

/// The text of a page without its fences, where brackets are code.
fn prose(page: &Path) -> String {
    let text = fs::read_to_string(root().join(page)).unwrap();
    text.split("\n```").step_by(2).collect()
}

/// Where its links lead, but for those to the web.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains("://") && !target.contains(char::is_whitespace))
}

/// The anchors of a page, as GitHub makes them of its headings.
fn anchors(page: &Path) -> Vec<String> {
    let headings = prose(page);
    let headings =
        headings.lines().filter_map(|line| line.strip_prefix('#')).map(|line| line.trim_start_matches('#').trim().to_lowercase());
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ');
    headings.map(|heading| heading.chars().filter(kept).collect::<String>().replace(' ', "-")).collect()
}

#[test]
fn every_link_of_a_page_leads_somewhere() {
    let mut dead = Vec::new();
    for page in pages() {
        for link in links(&prose(&page)) {
            let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
            let target = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            let found = root().join(&target).exists() && anchor.is_none_or(|anchor| anchors(&target).iter().any(|known| known == anchor));
            if !found {
                dead.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
}

#[test]
fn every_test_that_a_promise_names_is_there() {
    let text = read("docs/guarantees.md");
    let mut named = 0;
    for line in text.lines().filter_map(|line| line.strip_prefix("- `")) {
        let mut words = line.split('`').step_by(2);
        let file = words.next().unwrap();
        let source = read(&format!("tests/tests/{file}"));
        for test in words.filter(|word| word.contains('_')) {
            assert!(source.contains(&format!("fn {test}()")), "{file} has no test {test}");
            named += 1;
        }
    }
    assert!(named > 30, "{named}");
}

#[test]
fn every_module_of_core_is_on_the_map() {
    let map = read("ARCHITECTURE.md");
    let map = map.split("## Code map").nth(1).unwrap().split("\n## ").next().unwrap();
    let known: Vec<&str> = map.split('`').skip(1).step_by(2).flat_map(|word| word.split('/')).collect();
    let modules = fs::read_dir(root().join("core/src")).unwrap().flatten().map(|entry| entry.path());
    let missing: Vec<String> = modules
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .filter(|module| !matches!(module.as_str(), "lib" | "fuzz") && !known.contains(&module.as_str()))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// The fields of a struct, as JSON spells them.
fn fields(file: &str, name: &str) -> Vec<String> {
    let text = read(file);
    let body = text.split(&format!("pub(crate) struct {name} {{")).nth(1).unwrap().split("\n}").next().unwrap();
    let names = body.lines().filter_map(|line| line.trim().strip_prefix("pub(crate) ")?.split(':').next());
    names.map(camel).collect()
}

fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap().to_owned();
    words.fold(first, |made, word| made + &word[..1].to_uppercase() + &word[1..])
}

#[test]
fn every_file_and_every_field_of_a_place_is_in_the_protocol() {
    let page = read("docs/protocol.md");
    let place = read("core/src/place.rs");
    let files: Vec<&str> = place.split("self.dir.join(\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let all = ["Record", "Declared", "FailedAttempt"].map(|name| fields("core/src/record.rs", name));
    assert!(files.len() > 8 && all.iter().all(|fields| fields.len() > 4), "{files:?} {all:?}");
    let is_told =
        |word: &str| page.split(|c: char| !c.is_alphanumeric() && !matches!(c, '.' | '_')).any(|told| told.trim_end_matches('.') == word);
    let missing: Vec<&str> = files.into_iter().chain(all.iter().flatten().map(String::as_str)).filter(|word| !is_told(word)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
