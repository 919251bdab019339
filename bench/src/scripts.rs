//! `ensure` on a running server in Node and Python, beside what people write there by hand.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::report::{Report, Row, Target};
use crate::scene::Scene;
use crate::stats::median;
use crate::tools::{Tools, run};
use crate::trouble::Result;

/// Turns of each, the calls of one, and turns that do not count. A turn has several calls, so that each thing is seen in
/// its own steady state: alone between two of the other, a call mostly pays for waking what the other let sleep.
const TURNS: usize = 30;
const CALLS: usize = 20;
const WARM_UP: usize = 3;
/// Processes whose first call is timed, of each kind.
const FIRST_CALLS: usize = 15;

/// A language, with what it calls things.
pub struct Language {
    pub name: &'static str,
    /// What is there without us.
    peer: &'static str,
    command: Vec<std::ffi::OsString>,
}

pub fn node(tools: &Tools, report: &mut Report) -> Result<()> {
    compare(tools, report, &node_language(tools)?)
}

pub fn python(tools: &Tools, report: &mut Report) -> Result<()> {
    compare(tools, report, &python_language(tools)?)
}

/// Node, if our package can be loaded there.
pub fn node_language(tools: &Tools) -> Result<Language> {
    tools.addon()?;
    let command = vec![tools.node()?.into(), tools.script("scripts/fast.cjs").into(), tools.root.clone().into()];
    Ok(Language { name: "Node", peer: "fetch", command })
}

/// Python, if our package can be loaded there.
pub fn python_language(tools: &Tools) -> Result<Language> {
    tools.module()?;
    let command = vec![tools.python()?.into(), tools.script("scripts/fast.py").into()];
    Ok(Language { name: "Python", peer: "urllib", command })
}

fn compare(tools: &Tools, report: &mut Report, language: &Language) -> Result<()> {
    for (whose, scene) in [("the Node example", Scene::node_example(tools)?), ("the fixture server", Scene::fixture(tools)?)] {
        let warm = language.run(&scene, &["peer", "ensure"], WARM_UP, TURNS, CALLS)?;
        let what = format!("ensure in {}, {whose}", language.name);
        let row = Row::new(what, "µs", median(&warm.1) * 1000.0).against(language.peer, median(&warm.0) * 1000.0);
        report.add(row.must(Target::Ratio(0.7)));
        let first = first_calls(language, &scene)?;
        let what = format!("… first call and import, {whose}");
        report.add(Row::new(what, "ms", median(&first.1)).against(language.peer, median(&first.0)).must(Target::Ratio(0.7)));
    }
    Ok(())
}

/// The samples of the peer, and ours.
type Both = (Vec<f64>, Vec<f64>);

fn first_calls(language: &Language, scene: &Scene) -> Result<Both> {
    let mut both = Both::default();
    for _ in 0..FIRST_CALLS {
        both.0.extend(language.run(scene, &["peer"], 0, 1, 1)?.0);
        both.1.extend(language.run(scene, &["ensure"], 0, 1, 1)?.1);
    }
    Ok(both)
}

impl Language {
    fn run(&self, scene: &Scene, things: &[&str], warm_up: usize, turns: usize, calls: usize) -> Result<Both> {
        let samples = self.samples(scene, things, warm_up, turns, calls)?;
        Ok((samples.of("peer"), samples.of("ensure")))
    }

    /// Lets the script time some things in turns, in one process.
    pub fn samples(&self, scene: &Scene, things: &[&str], warm_up: usize, turns: usize, calls: usize) -> Result<Samples> {
        let wish = json!({"things": things, "warmUp": warm_up, "turns": turns, "callsPerTurn": calls, "url": scene.url(), "options": scene.options()});
        let mut command: Command = run(Path::new(&self.command[0]));
        let output = command.args(&self.command[1..]).arg(wish.to_string()).output()?;
        if !output.status.success() {
            return Err(format!("the script of {} failed: {}", self.name, String::from_utf8_lossy(&output.stderr)).into());
        }
        Ok(Samples(serde_json::from_slice(&output.stdout)?))
    }
}

/// What a script has timed, in milliseconds.
pub struct Samples(Value);

impl Samples {
    pub fn of(&self, thing: &str) -> Vec<f64> {
        self.0[thing].as_array().map(|list| list.iter().filter_map(Value::as_f64).collect()).unwrap_or_default()
    }
}
