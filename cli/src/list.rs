//! `server-init list`.

use spawnlock::{StateDir, Status};

use crate::args::{Common, List};
use crate::exit;
use crate::facts::{ListFacts, time};
use crate::output::Output;
use crate::status::state;
use crate::table::table;
use crate::trouble::Result;

pub fn run(args: &List, common: &Common, output: &Output) -> Result<u8> {
    let dir = StateDir::new(common.state_dir.as_deref())?;
    if args.names {
        let names = dir.names()?;
        return if names.is_empty() { Ok(exit::OK) } else { output.text(&names.join("\n")) };
    }
    let known = dir.list()?;
    let rows: Vec<[String; 5]> = known.iter().map(row).collect();
    output.result(table(["NAME", "STATE", "PID", "URL", "SINCE"], &rows), &ListFacts::new(true, &known))?;
    Ok(exit::OK)
}

fn row(status: &Status) -> [String; 5] {
    let unknown = || "-".to_owned();
    [
        status.name.clone(),
        state(status),
        status.pid.map_or_else(unknown, |pid| pid.to_string()),
        status.url.clone().unwrap_or_else(unknown),
        status.started_at_ms.map_or_else(unknown, time),
    ]
}
