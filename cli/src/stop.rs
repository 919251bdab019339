//! `server-init stop`.

use serde::Serialize;
use spawnlock::{State, StateDir, StopOptions};

use crate::args::{self, Common};
use crate::ensure::time;
use crate::exit;
use crate::output::Output;
use crate::progress::Progress;
use crate::signals;
use crate::trouble::{Result, Trouble};

/// What was stopped.
#[derive(Serialize)]
struct Stopped<'a> {
    ok: bool,
    stopped: &'a [String],
}

pub fn run(args: &args::Stop, common: &Common, output: &Output) -> Result<u8> {
    let progress = Progress::new(common);
    let dir = StateDir::new(common.state_dir.as_deref())?;
    let mut options = StopOptions::new().cancel(signals::cancel()).on_event(progress.listener());
    if let Some(timeout) = time("--stop-timeout", args.stop_timeout.clone())? {
        options = options.stop_timeout(timeout);
    }
    let names = if args.all { alive(&dir)? } else { args.names.clone() };
    let mut stopped = Vec::new();
    let mut troubles = Vec::new();
    for name in names {
        let outcome = dir.stop(&name, &options);
        progress.clear();
        match outcome {
            Ok(()) => stopped.push(name),
            Err(error) => troubles.push(Trouble::from(error)),
        }
        if signals::received().is_some() {
            break;
        }
    }
    report(&stopped, troubles, output)
}

fn alive(dir: &StateDir) -> Result<Vec<String>> {
    Ok(dir.list()?.into_iter().filter(|status| status.state != State::Stopped).map(|status| status.name).collect())
}

/// One name that cannot be stopped keeps no other from being stopped; the first trouble gives the exit code.
fn report(stopped: &[String], troubles: Vec<Trouble>, output: &Output) -> Result<u8> {
    let mut troubles = troubles.into_iter();
    let Some(first) = troubles.next() else {
        output.result("ok", &Stopped { ok: true, stopped })?;
        return Ok(exit::OK);
    };
    for other in troubles {
        output.mention(&other);
    }
    Err(first)
}
