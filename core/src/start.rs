//! How to start a server, checked.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::place;
use crate::spec::ServerSpec;

/// As many of the server's last lines as a failure shows, and as are kept of one that ended.
pub(crate) const TAIL_LINES: usize = 40;
/// What the server's files may be used for by others, unless declared otherwise.
const UMASK: u32 = 0o022;

/// How to start a server.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    pub(crate) argv: Vec<String>,
    pub(crate) shell: Option<String>,
    pub(crate) cwd: Option<PathBuf>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) inherit_env: bool,
    pub(crate) umask: u32,
    pub(crate) log: Option<PathBuf>,
    pub(crate) tail_lines: usize,
}

impl Start {
    /// The variables that are declared, and before them those that a declared one may overrule.
    pub(crate) fn env_with(&self, usual: Vec<(String, String)>) -> Vec<(String, String)> {
        usual.into_iter().chain(self.env.iter().cloned()).collect()
    }

    /// The command as a person would type it.
    pub(crate) fn readable(&self) -> String {
        match &self.shell {
            Some(line) => line.clone(),
            None => self.argv.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "),
        }
    }
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=@%+,~".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

impl ServerSpec {
    /// How to start it; `None` when there is nothing to run.
    pub(crate) fn checked_start(&self) -> Result<Option<Start>> {
        let argv = match (&self.command, &self.shell) {
            (argv, Some(_)) if !argv.is_empty() => {
                return Err(Error::config("shell", "cannot be combined with `command`: give one of them"));
            }
            (_, Some(line)) if line.trim().is_empty() => return Err(Error::config("shell", "is empty")),
            (_, Some(line)) => vec!["/bin/sh".to_owned(), "-c".to_owned(), line.clone()],
            (argv, None) if argv.is_empty() => return Ok(None),
            (argv, None) if argv[0].is_empty() => return Err(Error::config("command", "begins with an empty word")),
            (argv, None) => argv.clone(),
        };
        if argv.iter().any(|word| word.contains('\0')) {
            return Err(Error::config("command", "has a zero byte in it"));
        }
        if let Some((key, _)) = self.env.iter().find(|(key, value)| key.is_empty() || key.contains(['=', '\0']) || value.contains('\0')) {
            return Err(Error::config("env", format!("has a variable `{}` that no system accepts", key.escape_debug())));
        }
        let cwd = self.cwd.as_deref().map(checked_cwd).transpose()?;
        let log = self.log.as_deref().map(|log| place::file_path("log", log)).transpose()?;
        let umask = self.umask.unwrap_or(UMASK);
        if umask > 0o777 {
            return Err(Error::config("umask", format!("is {umask:#o}: at most 0o777")));
        }
        Ok(Some(Start {
            argv,
            shell: self.shell.clone(),
            cwd,
            env: self.env.clone(),
            inherit_env: self.inherit_env.unwrap_or(true),
            umask,
            log,
            tail_lines: self.tail_lines.unwrap_or(TAIL_LINES),
        }))
    }
}

fn checked_cwd(dir: &Path) -> Result<PathBuf> {
    let absolute = std::path::absolute(dir).map_err(|error| Error::config("cwd", format!("is `{}`", dir.display())).caused_by(error))?;
    if !absolute.is_dir() {
        return Err(Error::config("cwd", format!("is `{}`, which is no directory", absolute.display())));
    }
    Ok(absolute)
}
