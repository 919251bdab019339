//! What it costs to load us, and how large we are.

use std::path::Path;
use std::process::Command;

use crate::report::{Report, Row, Target};
use crate::stats::{in_turns, median};
use crate::tools::{Tools, run};
use crate::trouble::Result;

const WARM_UP: usize = 5;
const ROUNDS: usize = 40;
const MEGABYTE: f64 = 1_000_000.0;

/// The price of an import over an empty run of the same interpreter.
pub fn imports(tools: &Tools, report: &mut Report) -> Result<()> {
    let node = || -> Result<f64> {
        tools.addon()?;
        let load = format!("require({})", serde_json::to_string(&tools.root)?);
        import(&tools.node()?, "-e", &load)
    };
    let python = || -> Result<f64> {
        tools.module()?;
        import(&tools.python()?, "-c", "import spawnlock")
    };
    match node() {
        Ok(cost) => report.add(Row::new("require('spawnlock') over an empty Node", "ms", cost).must(Target::Figure(8.0))),
        Err(trouble) => report.without("import in Node", &*trouble),
    }
    match python() {
        Ok(cost) => report.add(Row::new("import spawnlock over an empty Python", "ms", cost).must(Target::Figure(15.0))),
        Err(trouble) => report.without("import in Python", &*trouble),
    }
    Ok(())
}

fn import(interpreter: &Path, flag: &str, load: &str) -> Result<f64> {
    let (mut with, mut without) = (run(interpreter), run(interpreter));
    with.args([flag, load]);
    without.args([flag, "0"]);
    let samples = in_turns(WARM_UP, ROUNDS, &mut [&mut || finish(&mut with), &mut || finish(&mut without)])?;
    Ok(median(&samples[0]) - median(&samples[1]))
}

fn finish(command: &mut Command) -> Result<()> {
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} ended with {status}").into()) }
}

pub fn sizes(tools: &Tools, report: &mut Report) -> Result<()> {
    let files = [
        ("size of the addon", tools.addon(), Target::Figure(1.0)),
        ("size of the wheel, with the command", tools.wheel(), Target::Figure(1.2)),
        ("size of the command", tools.command(), Target::None),
    ];
    for (what, file, target) in files {
        match file {
            Ok(file) => report.add(Row::new(what, "MB", std::fs::metadata(file)?.len() as f64 / MEGABYTE).must(target)),
            Err(trouble) => report.without(what, &*trouble),
        }
    }
    Ok(())
}
