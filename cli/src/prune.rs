//! `server-init prune`.

use serde::Serialize;
use spawnlock::StateDir;

use crate::args::{self, Common};
use crate::exit;
use crate::output::Output;
use crate::trouble::Result;

/// What was removed, or would be.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pruned<'a> {
    ok: bool,
    pruned: &'a [String],
    dry_run: bool,
}

pub fn run(args: &args::Prune, common: &Common, output: &Output) -> Result<u8> {
    let dir = StateDir::new(common.state_dir.as_deref())?;
    let pruned = if args.dry_run { dir.prune_dry_run()? } else { dir.prune()? };
    output.lines(&pruned, &Pruned { ok: true, pruned: &pruned, dry_run: args.dry_run })?;
    Ok(exit::OK)
}
