//! The command `server-init`: arguments in, the core called, one result out.
//!
//! stdout carries the result and nothing else; everything for people goes to stderr; the exit code is in [`exit`].

mod args;
mod environment;
mod exit;
mod help;
mod trouble;
mod words;

mod facts;
mod output;
mod progress;
mod signals;
mod table;

mod ensure;
mod legacy;
mod list;
mod logs;
mod prune;
mod restart;
mod status;
mod stop;

use std::process::ExitCode;

use args::{Command, Common, Wish};
use output::Output;
use trouble::Result;

fn main() -> ExitCode {
    let output = Output::new();
    let outcome = Wish::read(std::env::args_os().skip(1)).and_then(|wish| match wish {
        Wish::Read(text) => output.text(text),
        Wish::Run(command, common) => run(command, &common, &output),
    });
    outcome.unwrap_or_else(|trouble| output.fail(&trouble)).into()
}

fn run(command: Command, common: &Common, output: &Output) -> Result<u8> {
    match command {
        Command::Ensure(ensure) => ensure::run(*ensure, common, output),
        Command::Status(status) => status::run(&status, common, output),
        Command::Stop(stop) => stop::run(&stop, common, output),
        Command::Restart(restart) => restart::run(restart, common, output),
        Command::Logs(logs) => logs::run(logs, common, output),
        Command::Prune(prune) => prune::run(&prune, common, output),
        Command::List => list::run(common, output),
    }
}
