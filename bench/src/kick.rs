//! A start that is not waited for, in Node and Python, beside a bare spawn of the same command.

use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::report::{Report, Row, Target};
use crate::stats::median;
use crate::tools::{Tools, run};
use crate::trouble::Result;

/// Servers that are started, each under a name of its own, and those of them that do not count.
const ROUNDS: usize = 60;
const WARM_UP: usize = 5;
/// How long each takes to be ready, in milliseconds.
const START: &str = "400";

pub fn measure(tools: &Tools, report: &mut Report) -> Result<()> {
    match node(tools) {
        Ok(mut command) => rows(tools, report, "kickServer in Node", "spawn().unref()", &mut command)?,
        Err(trouble) => report.without("kick in Node", &*trouble),
    }
    match python(tools) {
        Ok(mut command) => rows(tools, report, "kick_server in Python", "Popen", &mut command)?,
        Err(trouble) => report.without("kick in Python", &*trouble),
    }
    Ok(())
}

fn node(tools: &Tools) -> Result<Command> {
    tools.addon()?;
    let mut command = run(&tools.node()?);
    command.arg(tools.script("scripts/kick.cjs")).arg(&tools.root);
    Ok(command)
}

fn python(tools: &Tools) -> Result<Command> {
    tools.module()?;
    let mut command = run(&tools.python()?);
    command.arg(tools.script("scripts/kick.py"));
    Ok(command)
}

fn rows(tools: &Tools, report: &mut Report, what: &str, peer: &'static str, command: &mut Command) -> Result<()> {
    let dir: TempDir = tempfile::Builder::new().prefix("slb-").tempdir()?;
    let server = [&tools.fixture()?.display().to_string(), "--initializing", START, "--port"];
    let wish = json!({"rounds": ROUNDS, "warmUp": WARM_UP, "server": server, "stateDir": dir.path()});
    let output = command.arg(wish.to_string()).output()?;
    if !output.status.success() {
        return Err(format!("{what} failed: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let samples: Value = serde_json::from_slice(&output.stdout)?;
    let of = |thing: &str| -> Vec<f64> { samples[thing].as_array().into_iter().flatten().filter_map(Value::as_f64).collect() };
    let spawned = median(&of("peer"));
    report.add(
        Row::new(format!("{what}, not there: started"), "ms", median(&of("started"))).against(peer, spawned).must(Target::Figure(3.0)),
    );
    report.add(Row::new("… being started", "ms", median(&of("starting"))).must(Target::Figure(3.0)));
    report.add(Row::new("… running", "ms", median(&of("running"))).must(Target::Figure(3.0)));
    Ok(())
}
