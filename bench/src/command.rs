//! `server-init ensure` on a running server, the whole process, beside curl.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::report::{Report, Row, Target};
use crate::scene::{NAME, Scene};
use crate::stats::{in_turns, median};
use crate::tools::{Tools, run};
use crate::trouble::Result;

const WARM_UP: usize = 10;
const ROUNDS: usize = 200;

pub fn measure(tools: &Tools, report: &mut Report) -> Result<()> {
    tools.command()?;
    tools.curl()?;
    compare(tools, report, "the Node example", &Scene::node_example(tools)?)?;
    compare(tools, report, "the fixture server", &Scene::fixture(tools)?)
}

fn compare(tools: &Tools, report: &mut Report, whose: &str, scene: &Scene) -> Result<()> {
    let url = scene.url();
    let mut ensure = run(&tools.command()?);
    ensure.args(["ensure", NAME, "-q", "--ready", &url, "--state-dir"]).arg(scene.state_dir()).arg("--").args(&scene.server);
    let mut curl = run(&tools.curl()?);
    curl.args(["-s", &url]);
    let mut empty = run(Path::new("/bin/true"));
    let things: &mut [crate::stats::Timed<'_>] = &mut [&mut || finish(&mut ensure), &mut || finish(&mut curl), &mut || finish(&mut empty)];
    let samples = in_turns(WARM_UP, ROUNDS, things)?;
    let [ours, curl, empty] = [0, 1, 2].map(|which| median(&samples[which]));
    let row = Row::new(format!("server-init ensure, whole process, {whose}"), "ms", ours).against("curl -s", curl);
    report.add(row.against("/bin/true", empty).must(Target::Ratio(0.35)));
    Ok(())
}

fn finish(command: &mut Command) -> Result<()> {
    let status = command.stdout(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} ended with {status}").into()) }
}
