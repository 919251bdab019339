//! The versions that are beside each other here: all of them speak one protocol on disk, and the same version speaks it best.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Finding;
use crate::environment;
use crate::minder;

const OURS: &str = env!("CARGO_PKG_VERSION");
const PACKAGE: &str = "node_modules/spawnlock/package.json";
const METADATA: &str = "spawnlock-";

#[derive(Deserialize)]
struct Package {
    version: String,
}

pub(super) fn findings() -> Vec<Finding> {
    [command(), packages()].into()
}

/// The native command, which becomes the minder of servers that are to be looked after.
fn command() -> Finding {
    const ABOUT: &str = "command";
    match minder::command() {
        Ok(path) => Finding::ok(ABOUT, environment::tilde(&path)),
        Err(error) => Finding::warn(
            ABOUT,
            error.to_string(),
            "servers with `stop: last` and starts that nobody waits for need it: install it, or name it in SPAWNLOCK_COMMAND",
        ),
    }
}

fn packages() -> Finding {
    const ABOUT: &str = "versions";
    let found: Vec<(PathBuf, String)> = [from_node_modules(), from_site_packages()].into_iter().flatten().collect();
    let other: Vec<String> = found.iter().filter(|(_, version)| version != OURS).map(shown).collect();
    if other.is_empty() {
        let beside: Vec<String> = found.iter().map(shown).collect();
        return Finding::ok(ABOUT, [&[OURS.to_owned()], &beside[..]].concat().join(", "));
    }
    Finding::warn(ABOUT, format!("we are {OURS}, beside us: {}", other.join(", ")), "install the same version of all")
}

fn shown((path, version): &(PathBuf, String)) -> String {
    format!("{version} in {}", environment::tilde(path))
}

/// The nearest package that a program here would load.
fn from_node_modules() -> Option<(PathBuf, String)> {
    let here = environment::current_dir()?;
    let path = here.ancestors().map(|dir| dir.join(PACKAGE)).find(|path| path.is_file())?;
    let package: Package = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
    Some((path.parent()?.to_owned(), package.version))
}

/// The package in the environment that is switched on, else in the one whose `bin` the command is in.
fn from_site_packages() -> Option<(PathBuf, String)> {
    let above_command = || Some(minder::command().ok()?.parent()?.parent()?.to_owned());
    let root = environment::virtual_env().or_else(above_command)?;
    let libraries = children(&root.join("lib")).map(|library| library.join("site-packages"));
    let metadata = libraries.flat_map(|dir| children(&dir).collect::<Vec<_>>());
    metadata.filter_map(|path| version_of(&path).map(|version| (path.with_file_name("spawnlock"), version))).next()
}

fn version_of(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    Some(name.strip_prefix(METADATA)?.strip_suffix(".dist-info")?.to_owned())
}

fn children(dir: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path())
}
