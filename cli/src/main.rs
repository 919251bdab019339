//! The command `server-init`: arguments in, the core called, one result out.
//!
//! stdout carries the result and nothing else; everything for people goes to stderr; the exit code is in [`exit`].

mod args;
mod environment;
mod exit;
mod trouble;

mod facts;
mod output;
mod progress;
mod signals;
mod table;

mod ensure;
mod legacy;
mod list;
mod status;
mod stop;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Args, Command};
use output::Output;
use trouble::Result;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(refusal) => return output::refuse(&refusal).into(),
    };
    let output = Output::new(&args.common);
    let outcome = run(args, &output);
    outcome.unwrap_or_else(|trouble| output.fail(&trouble)).into()
}

fn run(args: Args, output: &Output) -> Result<u8> {
    match args.command {
        Command::Ensure(ensure) => ensure::run(*ensure, &args.common, output),
        Command::Status(status) => status::run(&status, &args.common, output),
        Command::Stop(stop) => stop::run(&stop, &args.common, output),
        Command::List => list::run(&args.common, output),
    }
}
