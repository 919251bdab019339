//! How long after a server turned ready its starter knows.

use std::thread;
use std::time::Duration;

use crate::report::{Report, Row, Target};
use crate::scene::Scene;
use crate::stats::{median, now_ms};
use crate::told::Told;
use crate::tools::Tools;
use crate::trouble::Result;

/// Lengths of a start in milliseconds, with the number of rounds.
const STARTS: &[(u32, usize)] = &[(50, 15), (300, 11), (1000, 7), (5000, 5)];
/// Starts at least this long run beside each other, one every so often: they do little but wait.
const LONG: u32 = 5000;
const STAGGER: Duration = Duration::from_millis(450);

pub fn measure(tools: &Tools, report: &mut Report) -> Result<()> {
    tools.node()?;
    for (start, rounds) in STARTS {
        let pairs = if *start < LONG { one_by_one(tools, *start, *rounds)? } else { staggered(tools, *start, *rounds)? };
        let (ours, script): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
        let seconds = f64::from(*start) / 1000.0;
        let row =
            Row::new(format!("ready noticed after, start of {seconds} s"), "ms", median(&ours)).against("usual script", median(&script));
        report.add(row.must(Target::Figure((f64::from(*start) * 0.025).max(3.0))));
    }
    Ok(())
}

fn one_by_one(tools: &Tools, start: u32, rounds: usize) -> Result<Vec<(f64, f64)>> {
    (0..rounds).map(|_| Ok((ours(tools, start)?, script(tools, start)?))).collect()
}

fn staggered(tools: &Tools, start: u32, rounds: usize) -> Result<Vec<(f64, f64)>> {
    let broken = |_| "a measurement panicked";
    thread::scope(|scope| {
        let mut pairs = Vec::new();
        for _ in 0..rounds {
            pairs.push((scope.spawn(|| ours(tools, start)), scope.spawn(|| script(tools, start))));
            thread::sleep(STAGGER);
        }
        pairs.into_iter().map(|(ours, script)| Ok((ours.join().map_err(broken)??, script.join().map_err(broken)??))).collect()
    })
}

fn ours(tools: &Tools, start: u32) -> Result<f64> {
    let scene = Scene::slow(tools, &start.to_string(), "early")?;
    scene.spec().ensure()?;
    let at = now_ms();
    Ok(at - scene.ready_at()?)
}

fn script(tools: &Tools, start: u32) -> Result<f64> {
    let scene = Scene::slow(tools, &start.to_string(), "early")?;
    let mut script = Told::start(&mut scene.usual_script(tools)?)?;
    let said = script.hear("back")?;
    Ok(said.first().ok_or("no moment")? - scene.ready_at()?)
}
