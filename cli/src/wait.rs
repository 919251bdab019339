//! `server-init wait`.

use serde::Serialize;
use spawnlock::{WaitOptions, wait_for};

use crate::args::{self, Common};
use crate::ensure::{check, time};
use crate::exit;
use crate::output::Output;
use crate::progress::Progress;
use crate::signals;
use crate::trouble::Result;

/// All is there, or gone.
#[derive(Serialize)]
struct Waited {
    ok: bool,
}

pub fn run(args: args::Wait, common: &Common, output: &Output) -> Result<u8> {
    let progress = Progress::new(common);
    let mut options = WaitOptions::new().gone(args.gone).cancel(signals::cancel()).on_event(progress.listener());
    if let Some(timeout) = time("--timeout", args.timeout)? {
        options = options.timeout(timeout);
    }
    if let Some(timeout) = time("--probe-timeout", args.probe_timeout)? {
        options = options.probe_timeout(timeout);
    }
    let checks = args.checks.into_iter().map(|text| check("CHECK", text)).collect::<Result<Vec<_>>>()?;
    let waited = wait_for(checks, &options);
    progress.clear();
    waited?;
    output.result("ok", &Waited { ok: true })?;
    Ok(exit::OK)
}
