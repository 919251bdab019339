//! `server-init logs`.

use serde::Serialize;
use spawnlock::{ErrorCode, LogOptions, StateDir};

use crate::args::{self, Common};
use crate::exit;
use crate::output::{Output, line};
use crate::signals;
use crate::trouble::Result;

/// The lines of a log.
#[derive(Serialize)]
struct Lines<'a> {
    ok: bool,
    name: &'a str,
    lines: &'a [String],
}

pub fn run(args: args::Logs, common: &Common, output: &Output) -> Result<u8> {
    let dir = StateDir::new(common.state_dir.as_deref())?;
    let name = args.name.unwrap_or_default();
    let options = LogOptions::new().all_starts(args.all_starts).cancel(signals::cancel());
    let options = args.lines.into_iter().fold(options, LogOptions::lines);
    if !args.follow {
        let lines = dir.logs(&name, &options)?;
        output.lines(&lines, &Lines { ok: true, name: &name, lines: &lines })?;
        return Ok(exit::OK);
    }
    // Who reads us may stop reading, as `head` does; that is the end, and no failure.
    match dir.follow(&name, &options, |text| line(text).is_ok()) {
        Ok(()) => Ok(exit::OK),
        Err(error) if error.code() == ErrorCode::Cancelled => Ok(exit::code(&error, signals::received())),
        Err(error) => Err(error.into()),
    }
}
