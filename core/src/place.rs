//! The private directory of one name, and the state directory that holds them all.

use std::fs;
use std::io;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::environment;
use crate::error::{Error, ErrorCode, Result};
use crate::sys;

/// The longest part of a name that its folder keeps as it is.
const LONGEST_FOLDER: usize = 80;

/// The directory that holds the places of all names: `SPAWNLOCK_STATE_DIR`, else `$XDG_STATE_HOME/spawnlock`, else
/// `~/.local/state/spawnlock` (macOS: `~/Library/Application Support/spawnlock`).
pub(crate) fn state_dir(asked: Option<&Path>) -> Result<PathBuf> {
    let dir = match asked.map(Path::to_owned).or_else(environment::state_dir) {
        Some(dir) => std::path::absolute(&dir).map_err(|error| no_such_place(&dir).caused_by(error))?,
        None => sys::data_dir()
            .ok_or_else(|| Error::new(ErrorCode::Place, "there is no home directory to keep the state in"))
            .map_err(|error| error.hint(format!("set {} to a directory of yours", environment::STATE_DIR)))?
            .join("spawnlock"),
    };
    Ok(dir)
}

/// A file of the user's, by its whole path: the same one wherever the process goes meanwhile.
///
/// # Errors
/// `CONFIG` naming `option` when it names no file.
pub(crate) fn file_path(option: &str, path: &Path) -> Result<PathBuf> {
    // One that is whole stays as it was written: to take it apart costs a tenth of a lock.
    let whole = if path.is_absolute() { Ok(path.to_owned()) } else { std::path::absolute(path) };
    match whole {
        Ok(path) if path.file_name().is_some() => Ok(path),
        Ok(_) => Err(Error::config(option, format!("is `{}`, which names no file", path.display()))),
        Err(error) => Err(Error::config(option, "is empty").caused_by(error)),
    }
}

/// The directory of one name. Nothing is made on disk before [`Place::create`].
#[derive(Clone, Debug)]
pub(crate) struct Place {
    dir: PathBuf,
}

impl Place {
    /// The place of `name`, checked as far as it exists.
    ///
    /// # Errors
    /// `PLACE` when the state directory or the place is a link, no directory, or another user's.
    pub(crate) fn of(state_dir: &Path, name: &str) -> Result<Self> {
        if exists_and_is_ours(state_dir)? {
            exists_and_is_ours(&state_dir.join(folder(name)))?;
        }
        Ok(Place { dir: state_dir.join(folder(name)) })
    }

    /// A place found by listing the state directory.
    pub(crate) fn at(dir: PathBuf) -> Result<Self> {
        exists_and_is_ours(&dir)?;
        Ok(Place { dir })
    }

    /// Makes the directory, private to us.
    ///
    /// # Errors
    /// The system's own: a file system that is read-only or full leaves us without a place, and the caller decides.
    pub(crate) fn create(&self) -> io::Result<()> {
        match sys::inspect_dir(&self.dir) {
            Ok(facts) if facts.private => Ok(()),
            _ => sys::make_private_dir(&self.dir),
        }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn state_dir(&self) -> &Path {
        self.dir.parent().unwrap_or(&self.dir)
    }

    pub(crate) fn spawn_lock(&self) -> PathBuf {
        self.dir.join("start.lock")
    }

    pub(crate) fn alive_lock(&self) -> PathBuf {
        self.dir.join("alive.lock")
    }

    /// Held by whoever watches over the server: its minder.
    pub(crate) fn minder_lock(&self) -> PathBuf {
        self.dir.join("minder.lock")
    }

    pub(crate) fn leases(&self) -> PathBuf {
        self.dir.join("leases")
    }

    pub(crate) fn record(&self) -> PathBuf {
        self.dir.join("server.json")
    }

    pub(crate) fn failure(&self) -> PathBuf {
        self.dir.join("failure.json")
    }

    /// What happened to the name, step by step.
    pub(crate) fn history(&self) -> PathBuf {
        self.dir.join("history.jsonl")
    }

    pub(crate) fn ended(&self) -> PathBuf {
        self.dir.join("ended.json")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.dir.join("server.log")
    }

    /// What the server has said of itself.
    pub(crate) fn notified(&self) -> PathBuf {
        self.dir.join("notify.json")
    }
}

/// Which version of a file is there: another one after every replacement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stamp(Option<(u64, i64, i64)>);

impl Stamp {
    pub(crate) fn of(path: &Path) -> Self {
        Stamp(sys::stamp(path))
    }

    pub(crate) fn is_missing(self) -> bool {
        self.0.is_none()
    }
}

/// Reads a JSON file; a missing one is `None`, one that makes no sense is an error that says where.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    let mut text = Vec::new();
    match sys::open_private(path, sys::Lookup::Existing) {
        Ok(mut file) => io::Read::read_to_end(&mut file, &mut text)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    serde_json::from_slice(&text).map(Some).map_err(|problem| io::Error::new(io::ErrorKind::InvalidData, problem))
}

/// Replaces a JSON file in one step.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> io::Result<()> {
    replace(path, &to_json(value)?)
}

/// Replaces a file in one step: a reader sees the old or the new, and a full disk leaves the old.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(dir)?;
    file.write_all(content)?;
    file.persist(path).map(drop).map_err(|problem| problem.error)
}

/// JSON as all our files have it: for people, too.
pub(crate) fn to_json(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    Ok(text)
}

/// The places in a state directory.
pub(crate) fn all_in(state_dir: &Path) -> Result<Vec<Place>> {
    if !exists_and_is_ours(state_dir)? {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(state_dir).map_err(|error| no_such_place(state_dir).caused_by(error))?;
    let mut dirs: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    dirs.sort();
    Ok(dirs.into_iter().filter_map(|dir| Place::at(dir).ok()).collect())
}

/// Whether the directory is there, and an error when it is there and not to be trusted.
fn exists_and_is_ours(dir: &Path) -> Result<bool> {
    let facts = match sys::inspect_dir(dir) {
        Ok(facts) => facts,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(no_such_place(dir).caused_by(error)),
    };
    let refusal = if facts.symlink {
        "is a symbolic link, which others could turn elsewhere".to_owned()
    } else if !facts.directory {
        "is no directory".to_owned()
    } else if !facts.ours {
        let owner = sys::user_name(facts.owner).unwrap_or_else(|| facts.owner.to_string());
        format!("belongs to user {owner} and not to us")
    } else if facts.open_to_all {
        "may be written by everybody".to_owned()
    } else {
        return Ok(true);
    };
    let hint = format!("remove or repair it, or set {} to a directory of yours", environment::STATE_DIR);
    Err(Error::new(ErrorCode::Place, format!("{} {refusal}", dir.display())).hint(hint))
}

fn no_such_place(dir: &Path) -> Error {
    Error::new(ErrorCode::Place, format!("cannot use the directory {}", dir.display()))
}

/// The folder of a name: unsafe characters become `_`, and a name that was changed gets a hash, so that two never meet.
pub(crate) fn folder(name: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let mut folder: String = name.chars().take(LONGEST_FOLDER).map(|c| if safe(c) { c } else { '_' }).collect();
    if folder.starts_with('.') {
        folder.replace_range(..1, "_");
    }
    if folder == name && !name.is_empty() {
        return folder;
    }
    format!("{folder}-{:08x}", hash(name) as u32)
}

/// A short name that stands for a directory.
pub(crate) fn short_name(dir: &Path) -> String {
    format!("{:016x}", hash(&dir.to_string_lossy()))
}

/// FNV-1a, 64 bit: the protocol needs one that is the same in every version and language.
fn hash(name: &str) -> u64 {
    use std::hash::Hasher;
    let mut hasher = fnv::FnvHasher::default();
    hasher.write(name.as_bytes());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::folder;

    #[test]
    fn a_plain_name_is_its_own_folder() {
        assert_eq!(folder("localhost_1987"), "localhost_1987");
    }

    #[test]
    fn names_that_look_alike_never_meet() {
        let names = ["a/b", "a_b", "a b", "..", ".", "__", "_.", "", "é", "e"];
        let folders: std::collections::HashSet<String> = names.iter().map(|name| folder(name)).collect();
        assert_eq!(folders.len(), names.len());
        assert!(folders.iter().all(|folder| !folder.contains('/') && !folder.starts_with('.') && !folder.is_empty()));
    }
}
