//! Many clients that wait on one slow start.

use std::io::PipeWriter;
use std::process::Command;

use crate::report::{Report, Row, Target};
use crate::scene::Scene;
use crate::stats::median;
use crate::told::Told;
use crate::tools::{Tools, run};
use crate::trouble::Result;

const CLIENTS: usize = 200;
const SCRIPTS: usize = 100;
/// The length of the start, in milliseconds.
const START: &str = "10000";

/// What came of a storm.
struct Storm {
    /// From "ready" to the last return.
    last_ms: f64,
    requests: f64,
    /// Processor time of one client's call: of the median one, and of all together.
    one_ms: f64,
    all_s: f64,
}

pub fn measure(tools: &Tools, report: &mut Report) -> Result<()> {
    tools.node()?;
    let late = storm(tools, "late", CLIENTS, client)?;
    let early = storm(tools, "early", CLIENTS, client)?;
    let script = storm(tools, "early", SCRIPTS, |tools, scene| scene.usual_script(tools))?;
    let limits = [Target::Figure(300.0), Target::Figure(260.0), Target::Figure(5.0)];
    for (storm, kind) in [(&early, "initializing"), (&late, "not listening")] {
        let row = |what: &str, unit, ours, theirs| {
            Row::new(format!("{CLIENTS} wait 10 s, {kind}: {what}"), unit, ours).against("100 usual scripts", theirs)
        };
        report.add(row("last return", "ms", storm.last_ms, script.last_ms).must(limits[0]));
        report.add(row("health requests", "", storm.requests, script.requests).must(limits[1]));
        report.add(row("CPU of one", "ms", storm.one_ms, script.one_ms).must(limits[2]));
        report.add(row("CPU of all", "s", storm.all_s, script.all_s));
    }
    Ok(())
}

fn storm(tools: &Tools, listens: &str, count: usize, client: fn(&Tools, &Scene) -> Result<Command>) -> Result<Storm> {
    let scene = Scene::slow(tools, START, listens)?;
    let (gate, opener) = std::io::pipe()?;
    let start = |_| Told::start(client(tools, &scene)?.stdin(gate.try_clone()?));
    let mut clients = (0..count).map(start).collect::<Result<Vec<Told>>>()?;
    for client in &mut clients {
        client.hear("loaded")?;
    }
    open(opener);
    let back = clients.iter_mut().map(|client| client.hear("back")).collect::<Result<Vec<_>>>()?;
    let ready_at = scene.ready_at()?;
    let number = |which: usize| back.iter().filter_map(move |said| said.get(which).copied());
    let used: Vec<f64> = number(1).collect();
    let last_ms = number(0).fold(0.0, f64::max) - ready_at;
    Ok(Storm { last_ms, requests: scene.requests()?, one_ms: median(&used), all_s: used.iter().sum::<f64>() / 1000.0 })
}

/// The gate is a pipe that all clients read: its end lets them go.
fn open(opener: PipeWriter) {
    drop(opener);
}

fn client(tools: &Tools, scene: &Scene) -> Result<Command> {
    let mut command = run(&tools.ourselves);
    command.args(["client", &scene.port.to_string()]).arg(scene.state_dir()).args(&scene.server);
    Ok(command)
}
