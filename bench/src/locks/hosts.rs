//! What waiting costs the program around it: the event loop of Node, the threads of Python.

use serde_json::Value;

use crate::report::{Report, Row, Target};
use crate::tools::{Tools, run};
use crate::trouble::Result;

/// "Unchanged", on a machine where two runs of the same differ by some per cent.
const UNCHANGED: f64 = 1.25;

pub fn measure(tools: &Tools, report: &mut Report) -> Result<()> {
    tools.addon()?;
    let dir = tempfile::Builder::new().prefix("slb-").tempdir_in(tools.root.join("build/bench"))?;
    let lock = dir.path().join("the.lock");
    let node = run(&tools.node()?).arg(tools.script("scripts/waiting.cjs")).arg(&tools.root).arg(&lock).output()?;
    let figures = figures(&node)?;
    let row = |what: &str, unit, key: &str| {
        let of = |when: &str| figures[when][key].as_f64().unwrap_or(f64::NAN);
        Row::new(what, unit, of("waiting")).against("none", of("alone")).must(Target::Ratio(UNCHANGED))
    };
    report.add(row("64 waits in Node: fs.readFile", "µs", "readFile"));
    report.add(row("64 waits in Node: delay of the loop", "µs", "delay"));
    tools.module()?;
    let python = run(&tools.python()?).arg(tools.script("scripts/waiting.py")).arg(&lock).output()?;
    let figures = self::figures(&python)?;
    let of = |when: &str| figures[when].as_f64().unwrap_or(f64::NAN);
    let row = Row::new("a wait in Python: a turn of another thread", "µs", of("waiting"));
    report.add(row.against("none", of("alone")).must(Target::Ratio(UNCHANGED)));
    Ok(())
}

fn figures(output: &std::process::Output) -> Result<Value> {
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
