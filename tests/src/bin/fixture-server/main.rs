//! A real HTTP server that misbehaves on request: what the tests of every language start.
#![allow(clippy::disallowed_methods, reason = "the bans are for core; a server reads clocks and the environment as it likes")]

mod health;
mod hostile;
mod http;
mod inside;
mod knobs;
mod life;
mod listen;

use std::process::ExitCode;

use knobs::Knobs;
use spawnlock_tests::sys;

fn main() -> ExitCode {
    let knobs = match Knobs::from_args() {
        Ok(Some(knobs)) => knobs,
        Ok(None) => {
            print!("{}", knobs::HELP);
            return ExitCode::SUCCESS;
        }
        Err(problem) => {
            eprintln!("fixture-server: {problem}; see --help");
            return ExitCode::from(2);
        }
    };
    if knobs.idle {
        life::idle(&knobs);
    }
    if knobs.fork_launcher {
        return life::launch_and_leave();
    }
    match serve(knobs) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("Error: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn serve(knobs: Knobs) -> std::io::Result<()> {
    life::first_acts(&knobs)?;
    if knobs.close_fds {
        sys::close_inherited()?;
    }
    let server = health::Server::new(knobs);
    sys::block_term();
    life::begin(&server)?;
    let listeners = listen::bind_all(&server.knobs)?;
    server.bound();
    life::note_accept(&server.knobs)?;
    life::notify(&server.knobs.notify)?;
    listen::serve(&server, listeners);
    life::until_term(&server)
}
