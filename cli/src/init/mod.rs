//! `server-init init`: a first entry for a project, by looking at it.

mod entry;
mod guess;
mod script;

use std::path::{Path, PathBuf};

use serde::Serialize;
use spawnlock::Project;

use crate::args::Init;
use crate::exit;
use crate::facts::path;
use crate::output::Output;
use crate::trouble::{Result, Trouble};
use entry::Entry;

/// The name of a server that is given none.
const NAME: &str = "web";
/// Where it is declared, unless said otherwise.
const FILE: &str = "spawnlock.toml";

#[derive(Serialize)]
struct Written<'a> {
    ok: bool,
    file: String,
    name: &'a str,
    command: &'a [String],
    ready: &'a str,
}

pub fn run(args: &Init, output: &Output) -> Result<u8> {
    let name = args.name.as_deref().unwrap_or(NAME);
    let known = Project::find(None)?.map(|project| project.path().to_owned());
    let file = absolute(&target(args, known.as_deref())?)?;
    let dir = file.parent().unwrap_or(Path::new("/"));
    refuse_a_second_file(&file, dir, known.as_deref())?;
    let Some(guess) = guess::of(dir) else {
        return Err(Trouble::Unknown(format!(
            "nothing in {} looks like a server: no script of package.json, no Django, FastAPI or Flask, no index.html\n  \
            hint     write it yourself, into {FILE}:\n\n{}",
            dir.display(),
            Entry { name, command: vec!["node".into(), "server.js".into()], ready: "http://localhost:3000/health".into() }.toml("servers")
        )));
    };
    let entry = Entry { name, command: guess.command, ready: guess.ready };
    let lines = entry.write(&file)?;
    let text = format!("{} ({})\n\n{}\n\nnext: server-init ensure {name}", file.display(), guess.because, lines.trim_end());
    output.result(text, &Written { ok: true, file: path(&file), name, command: &entry.command, ready: &entry.ready })?;
    Ok(exit::OK)
}

/// The file that is named; else the one here that declares servers already, for it would be hidden by another, or hide it.
fn target(args: &Init, known: Option<&Path>) -> Result<PathBuf> {
    if let Some(file) = &args.file {
        return Ok(file.clone());
    }
    let here = absolute(Path::new(FILE))?;
    Ok(known.filter(|known| known.parent() == here.parent()).map_or(here, Path::to_owned))
}

/// Of two files in one directory only the first is read.
fn refuse_a_second_file(file: &Path, dir: &Path, known: Option<&Path>) -> Result<()> {
    match known {
        Some(known) if known != file && known.parent() == Some(dir) => {
            let problem = format_args!("is {}, but {} declares servers, and only one of both is read", file.display(), known.display());
            Err(Trouble::usage("--file", problem))
        }
        _ => Ok(()),
    }
}

fn absolute(file: &Path) -> Result<PathBuf> {
    std::path::absolute(file).map_err(|error| Trouble::Unknown(format!("cannot find {}: {error}", file.display())))
}
