//! Where a project declares its servers: the nearest file upward that does.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::form::Site;
use super::keys::{KEYS, Key};
use super::nearest::{kebab, nearest};
use super::read::{self, Broken, Node, Tree};
use crate::environment;
use crate::error::{Error, ErrorCode, Result};
use crate::spec::ServerSpec;
use crate::sys;

/// The files that may declare servers, in the order in which they are looked at within one directory.
const FILES: &[&str] = &["spawnlock.toml", "package.json", "pyproject.toml"];
/// The word under which each of them does.
const WORD: &str = "spawnlock";
/// The one key of what is declared, and what an editor may find beside it.
const SERVERS: &str = "servers";
const SCHEMA: &str = "$schema";

/// A file that declares servers.
#[derive(Clone, Debug)]
pub struct Project {
    path: PathBuf,
    servers: Vec<(String, Tree)>,
}

impl Project {
    /// The file that is named here, else by `SPAWNLOCK_CONFIG`, else the nearest one that declares servers, from the working
    /// directory upward: in each directory `spawnlock.toml`, then `package.json`, then `pyproject.toml`.
    ///
    /// # Errors
    /// `CONFIG` for a file that cannot be read or makes no sense, that was named and declares nothing, or that was found and
    /// belongs neither to us, nor to root, nor to the owner of the working directory.
    pub fn find(named: Option<&Path>) -> Result<Option<Self>> {
        if let Some(path) = named.map(Path::to_owned).or_else(environment::config_file) {
            let path = std::path::absolute(&path).map_err(|error| Error::config("config", "names no file").caused_by(error))?;
            let text = fs::read_to_string(&path)
                .map_err(|error| Error::new(ErrorCode::Config, format!("cannot read {}", path.display())).caused_by(error))?;
            let none = || Error::new(ErrorCode::Config, format!("{} declares no servers", path.display())).hint(HOW);
            return Project::parse(&path, &text)?.ok_or_else(none).map(Some);
        }
        let Some(here) = environment::current_dir() else { return Ok(None) };
        for path in here.ancestors().flat_map(|dir| FILES.iter().map(move |file| dir.join(file))) {
            let Some(text) = content(&path)? else { continue };
            if let Some(project) = Project::parse(&path, &text)? {
                project.refuse_strangers(&here)?;
                return Ok(Some(project));
            }
        }
        Ok(None)
    }

    /// What a file of this name and content declares; `None` when it declares nothing. Each server is read when it is asked for.
    ///
    /// # Errors
    /// `CONFIG` that names the line.
    pub fn parse(path: &Path, text: &str) -> Result<Option<Self>> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let name = path.file_name().unwrap_or_default();
        let tree = match path.extension() {
            // A broken file that does not speak of us is not ours to complain about.
            _ if (name == FILES[1] || name == FILES[2]) && !text.contains(WORD) => return Ok(None),
            _ if name == FILES[1] => read::json(text, &[WORD]),
            _ if name == FILES[2] => read::toml(text, &["tool", WORD]),
            Some(extension) if extension == "json" => read::json(text, &[]),
            _ => read::toml(text, &[]),
        };
        let Some(tree) = tree.map_err(|broken| unreadable(path, &broken))? else { return Ok(None) };
        Ok(servers(path, tree)?.map(|servers| Project { path: path.to_owned(), servers }))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The names of the servers it declares.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.servers.iter().map(|(name, _)| name.as_str())
    }

    /// The name of the only server it declares.
    pub(crate) fn only(&self) -> Result<&str> {
        match &self.servers[..] {
            [(name, _)] => Ok(name),
            _ => Err(Error::new(ErrorCode::Config, format!("{} declares several servers: {}", self.path.display(), self.listed()))
                .hint("name one of them")),
        }
    }

    pub(crate) fn declares(&self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }

    /// That it does not declare a server, with the one that may have been meant.
    pub(crate) fn not_declared(&self, name: &str) -> Error {
        let path = self.path.display();
        let error = Error::new(ErrorCode::Config, format!("server \"{name}\" is not declared in {path}, which has {}", self.listed()));
        match nearest(name, self.names()) {
            Some(meant) => error.hint(format!("did you mean \"{meant}\"?")),
            None => error.hint("declare it there, or say how to tell that it is ready"),
        }
    }

    fn listed(&self) -> String {
        self.names().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
    }

    /// Where it declares a server, or one of its keys: `spawnlock.toml:3`, with the whole path.
    pub(crate) fn place_of(&self, name: &str, key: Option<&str>) -> Option<String> {
        let (_, server) = self.servers.iter().find(|(known, _)| known == name)?;
        let line = match (key, &server.node) {
            (Some(key), Node::Table(entries)) => {
                entries.iter().find(|(entry, _)| Key::named(entry).is_some_and(|named| named.name == key))?.1.line
            }
            _ => server.line,
        };
        Some(format!("{}:{line}", self.path.display()))
    }

    /// Sets what the file says of a server and the spec does not.
    pub(crate) fn fill(&self, name: &str, spec: &mut ServerSpec) -> Result<()> {
        let Some((_, server)) = self.servers.iter().find(|(known, _)| known == name) else { return Err(self.not_declared(name)) };
        let Node::Table(entries) = &server.node else {
            return Err(self.wrong(server.line, format!("server \"{name}\" must be a table of options")));
        };
        // A command of the caller's leaves no room for the other kind of the file's.
        let has_command = !spec.command.is_empty() || spec.shell.is_some();
        let dir = self.path.parent().unwrap_or(Path::new("/"));
        for (at, (entry, tree)) in entries.iter().enumerate() {
            let key = Key::named(entry).ok_or_else(|| self.unknown_key(name, entry, tree.line))?;
            if entries[..at].iter().any(|(other, _)| is(key, other)) {
                return Err(self.wrong(tree.line, format!("server \"{name}\" has `{entry}` twice, in two spellings")));
            }
            let mut aside = ServerSpec::unnamed();
            let unwanted = has_command && matches!(key.name, "command" | "shell");
            key.set(if unwanted { &mut aside } else { spec }, &tree.value(), Site { key: entry, dir })
                .map_err(|error| self.wrong(tree.line, &error.failure().summary))?;
        }
        spec.cwd.get_or_insert_with(|| dir.to_owned());
        Ok(())
    }

    fn unknown_key(&self, server: &str, entry: &str, line: usize) -> Error {
        let camel = entry.contains(|c: char| c.is_ascii_uppercase());
        let known: Vec<String> = KEYS.iter().map(|key| if camel { key.name.to_owned() } else { kebab(key.name) }).collect();
        let problem = self.wrong(line, format!("server \"{server}\" has the unknown key `{entry}`"));
        match nearest(entry, known.iter().map(String::as_str)) {
            Some(meant) => problem.hint(format!("did you mean `{meant}`?")),
            None => problem.hint(format!("known are {}", known.join(", "))),
        }
    }

    fn wrong(&self, line: usize, problem: impl std::fmt::Display) -> Error {
        wrong(&self.path, line, problem)
    }

    /// Who can write a file somewhere above us could otherwise have us run what he likes.
    fn refuse_strangers(&self, here: &Path) -> Result<()> {
        // A link counts as well: what it leads to may be ours, and the directory it counts from is not.
        let owners = [sys::inspect_dir(&self.path).map(|link| link.owner), sys::owner(&self.path)];
        let project = sys::owner(here).ok();
        let is_strange = |owner: &u32| *owner != 0 && *owner != sys::user_id() && project != Some(*owner);
        let Some(owner) = owners.into_iter().flatten().find(is_strange) else { return Ok(()) };
        let user = sys::user_name(owner).unwrap_or_else(|| owner.to_string());
        Err(Error::new(ErrorCode::Config, format!("{} belongs to user {user}: its servers are not started unasked", self.path.display()))
            .hint(format!("name the file, by the option `config` or by {}, if you trust it", environment::CONFIG)))
    }
}

/// What to do about a file without servers.
const HOW: &str = "a server is declared as [servers.NAME] in spawnlock.toml, [tool.spawnlock.servers.NAME] in pyproject.toml, \
    \"spawnlock\": {\"servers\": {…}} in package.json";

/// A file's text; `None` where there is no such file, and where it is one of those that speak of us only sometimes and is not for us to read.
fn content(path: &Path) -> Result<Option<String>> {
    use io::ErrorKind::{InvalidData, IsADirectory, NotADirectory, NotFound, PermissionDenied};
    let is_ours = path.file_name().is_some_and(|name| name == FILES[0]);
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), NotFound | NotADirectory | IsADirectory) => Ok(None),
        Err(error) if !is_ours && matches!(error.kind(), InvalidData | PermissionDenied) => Ok(None),
        Err(error) => Err(Error::new(ErrorCode::Config, format!("cannot read {}", path.display())).caused_by(error)),
    }
}

/// The servers of what a file says of us.
fn servers(path: &Path, tree: Tree) -> Result<Option<Vec<(String, Tree)>>> {
    let Node::Table(entries) = tree.node else { return Err(wrong(path, tree.line, "what is declared must be a table with `servers`")) };
    let mut found = None;
    for (key, tree) in entries {
        match (key.as_str(), tree.node) {
            (SERVERS, Node::Table(servers)) => found = Some(servers),
            (SERVERS, Node::Leaf(_)) => return Err(wrong(path, tree.line, "`servers` must be a table of servers")),
            (SCHEMA, _) => {}
            _ => {
                let error = wrong(path, tree.line, format!("unknown key `{key}`"));
                return Err(match nearest(&key, [SERVERS].into_iter()) {
                    Some(meant) => error.hint(format!("did you mean `{meant}`?")),
                    None => error.hint(HOW),
                });
            }
        }
    }
    Ok(found.filter(|servers| !servers.is_empty()))
}

fn is(key: &Key, entry: &str) -> bool {
    Key::named(entry).is_some_and(|named| named.name == key.name)
}

fn unreadable(path: &Path, broken: &Broken) -> Error {
    wrong(path, broken.line, format!("this cannot be read: {}", broken.problem))
}

/// What is wrong in a file, and where.
fn wrong(path: &Path, line: usize, problem: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::Config, format!("{}:{line}: {problem}", path.display()))
}
