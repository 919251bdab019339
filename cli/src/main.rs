//! The command `server-init`: arguments in, the core called, one result out.
//!
//! stdout carries the result and nothing else; everything for people goes to stderr; the exit code is in [`exit`].

mod args;
mod environment;
mod exit;
mod help;
mod page;
mod trouble;
mod words;

mod colour;
mod facts;
mod output;
mod progress;
mod signals;
mod table;

mod completions;
mod doctor;
mod dry_run;
mod ensure;
mod explain;
mod init;
mod legacy;
mod list;
mod logs;
mod man;
mod prune;
mod restart;
mod run;
mod status;
mod stop;
mod wait;

use std::process::ExitCode;

use args::{Command, Common, Wish};
use output::Output;
use trouble::Result;

fn main() -> ExitCode {
    if let Some(detach) = mind() {
        return spawnlock::mind(detach).into();
    }
    let output = Output::new();
    let outcome = Wish::read(std::env::args_os().skip(1)).and_then(|wish| match wish {
        Wish::Read(text) => output.text(text),
        Wish::Alone(common) => alone(&common, &output),
        Wish::Run(command, common) => run(command, &common, &output),
    });
    outcome.unwrap_or_else(|trouble| output.fail(&trouble)).into()
}

/// Whether we are to be a minder, which the library asks for and people do not; then whether to detach first.
fn mind() -> Option<bool> {
    let mut words = std::env::args_os().skip(1);
    (words.next()? == "mind").then(|| words.next().is_some_and(|word| word == "--detach"))
}

/// The only server that the project declares; where there is no such project, somebody wants to know what this command does.
fn alone(common: &Common, output: &Output) -> Result<u8> {
    match spawnlock::Project::find(None)? {
        Some(_) => ensure::run(args::Ensure::default(), common, output),
        None => Err(help::no_command()),
    }
}

fn run(command: Command, common: &Common, output: &Output) -> Result<u8> {
    match command {
        Command::Ensure(ensure) => ensure::run(*ensure, common, output),
        Command::Status(status) => status::run(&status, common, output),
        Command::Stop(stop) => stop::run(&stop, common, output),
        Command::Restart(restart) => restart::run(restart, common, output),
        Command::Run(run) => run::run(*run, common),
        Command::Wait(wait) => wait::run(wait, common, output),
        Command::Logs(logs) => logs::run(logs, common, output),
        Command::Prune(prune) => prune::run(&prune, common, output),
        Command::List(list) => list::run(&list, common, output),
        Command::Explain(explain) => explain::run(&explain, common, output),
        Command::Doctor(doctor) => doctor::run(&doctor, common, output),
        Command::Completions(completions) => completions::run(&completions, output),
        Command::Man(man) => man::run(&man, output),
        Command::Init(init) => init::run(&init, output),
    }
}
