//! `server-init completions`: what a shell may offer, made from the help; the names of servers are asked for when they are needed.

mod bash;
mod fish;
mod powershell;
mod zsh;

use spawnlock::{LockKind, OnLockUnavailable, OnMismatch, Reuse, Scope, StopSignal, StopWhen, Unresponsive};

use crate::args::{Completions, Run};
use crate::facts;
use crate::help;
use crate::output::Output;
use crate::page::{Flag, Page};
use crate::trouble::{Result, Trouble};

/// The shells.
pub const SHELLS: &[&str] = &["bash", "zsh", "fish", "powershell"];

/// What asks for the names of servers.
const NAMES: &str = "server-init list --names 2>/dev/null";

pub fn run(args: &Completions, output: &Output) -> Result<u8> {
    let commands = commands();
    let script = match args.shell.as_deref().unwrap_or_default() {
        "bash" => bash::script(&commands),
        "zsh" => zsh::script(&commands),
        "fish" => fish::script(&commands),
        "powershell" => powershell::script(&commands),
        other => return Err(Trouble::usage("SHELL", format_args!("is `{other}`: write one of {}", SHELLS.join(", ")))),
    };
    output.text(script.trim_end())
}

/// A command as a shell sees it.
struct Offer {
    name: &'static str,
    about: String,
    flags: Vec<Flag>,
    words: Words,
}

/// What may stand behind a command, or behind a flag.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Words {
    /// Nothing we know of.
    Any,
    Names,
    Files,
    Dirs,
    Of(Vec<&'static str>),
}

fn commands() -> Vec<Offer> {
    let mut all: Vec<Offer> = help::COMMANDS.iter().map(|(name, text)| offer(name, text)).collect();
    let commands = help::COMMANDS.iter().map(|(name, _)| *name).collect();
    all.push(Offer { name: "help", about: "The help of a command".to_owned(), flags: Vec::new(), words: Words::Of(commands) });
    all
}

fn offer(name: &'static str, text: &str) -> Offer {
    let page = Page::read(text);
    let mut flags: Vec<Flag> = page.flags().cloned().collect();
    if name == "run" {
        let ensure = Page::read(help::ENSURE);
        let more: Vec<Flag> = ensure.flags().filter(|flag| !Run::WITHOUT.contains(&flag.long.as_str())).cloned().collect();
        flags.extend(more.into_iter().filter(|flag| !page.flags().any(|known| known.long == flag.long)));
    }
    let words = match name {
        "list" | "prune" | "wait" => Words::Any,
        "completions" => Words::Of(SHELLS.to_vec()),
        "man" => Words::Of(help::COMMANDS.iter().map(|(name, _)| *name).collect()),
        _ => Words::Names,
    };
    Offer { name, about: page.about, flags, words }
}

/// What may stand behind a flag.
fn values(flag: &Flag) -> Words {
    match (flag.long.as_str(), flag.value.as_deref()) {
        ("--lock", _) => of(LockKind::ALL, LockKind::as_str),
        ("--stop", _) => of(StopWhen::ALL, StopWhen::as_str),
        ("--scope", _) => of(Scope::ALL, Scope::as_str),
        ("--reuse", _) => of(Reuse::ALL, Reuse::as_str),
        ("--on-mismatch", _) => of(OnMismatch::ALL, OnMismatch::as_str),
        ("--unresponsive", _) => of(Unresponsive::ALL, Unresponsive::as_str),
        ("--on-lock-unavailable", _) => of(OnLockUnavailable::ALL, OnLockUnavailable::as_str),
        ("--stop-signal", _) => of(StopSignal::ALL, StopSignal::as_str),
        ("--print", _) => Words::Of(facts::words().collect()),
        (_, Some("DIR")) => Words::Dirs,
        (_, Some("FILE")) => Words::Files,
        _ => Words::Any,
    }
}

fn of<T: Copy>(all: &[T], word: fn(T) -> &'static str) -> Words {
    Words::Of(all.iter().map(|one| word(*one)).collect())
}

/// The first of several lines' worth of text: as much as a menu has room for.
fn brief(text: &str) -> String {
    text.split(['.', ';', ':']).next().unwrap_or_default().split(" [").next().unwrap_or_default().trim().to_owned()
}
