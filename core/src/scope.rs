//! Whom a name belongs to: the user, or one project of the user's.

use std::path::{Path, PathBuf};

use crate::environment;
use crate::error::{Error, Result};
use crate::place::{Place, Stamp};
use crate::words::words;

/// What marks the root of a project.
const MARKERS: &[&str] = &[".git", "package.json", "pyproject.toml", "Cargo.toml", "spawnlock.toml"];

words! {
    /// How far a name reaches.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Scope ("scope") {
        /// One server of this name for the user.
        User = "user",
        /// One for each project: its root is part of the name.
        Project = "project",
    }
}

/// The whole name of a server of the caller's project: `web@/repo/app`.
pub(crate) fn in_project(name: &str) -> Result<String> {
    match project_root() {
        Some(root) => Ok(full_name(name, &root)),
        None => Err(Error::config("scope", "is `project`, and the working directory, by which the project is found, does not exist")),
    }
}

/// The name that is meant by one who types it: the very name where something is known of it, else that of the caller's
/// project where something is known of that.
pub(crate) fn known_name(state_dir: &Path, name: &str) -> Result<String> {
    if is_known(state_dir, name)? {
        return Ok(name.to_owned());
    }
    match project_root().map(|root| full_name(name, &root)) {
        Some(full) if is_known(state_dir, &full)? => Ok(full),
        _ => Ok(name.to_owned()),
    }
}

fn is_known(state_dir: &Path, name: &str) -> Result<bool> {
    let place = Place::of(state_dir, name)?;
    Ok(!Stamp::of(&place.record()).is_missing() || !Stamp::of(&place.spawn_lock()).is_missing())
}

fn full_name(name: &str, root: &Path) -> String {
    format!("{name}@{}", root.display())
}

/// The nearest directory from the caller's upwards that a marker makes a project, else the caller's own; links resolved, so
/// that a project has one name.
fn project_root() -> Option<PathBuf> {
    let here = environment::current_dir()?.canonicalize().ok()?;
    let root = here.ancestors().find(|dir| MARKERS.iter().any(|marker| !Stamp::of(&dir.join(marker)).is_missing()));
    Some(root.unwrap_or(&here).to_owned())
}
