//! How long after the death of a server that was coming up those who wait for it know.

use std::process::Stdio;

use crate::report::{Report, Row, Target};
use crate::scene::Scene;
use crate::stats::{median, quantile};
use crate::told::Told;
use crate::tools::Tools;
use crate::trouble::Result;

const ROUNDS: usize = 15;
/// How many ask: one of them starts it, the others wait for that one.
const WAITERS: usize = 5;

pub fn measure(tools: &Tools, report: &mut Report) -> Result<()> {
    for (role, how) in [("client", "started by a client"), ("user", "started by a minder")] {
        let mut late = Vec::new();
        for _ in 0..ROUNDS {
            late.extend(round(tools, role)?);
        }
        let row = Row::new(format!("server dies before ready → error, {how}"), "ms", median(&late));
        report.add(row.must(Target::Figure(5.0)));
        report.add(Row::new(format!("… nine in ten of {WAITERS} who wait"), "ms", quantile(&late, 0.9)));
    }
    Ok(())
}

/// How late each of those who wait for one start is told of its end.
fn round(tools: &Tools, role: &str) -> Result<Vec<f64>> {
    let fixture = tools.fixture()?.display().to_string();
    let scene = Scene::new(&[&fixture, "--port", "PORT", "--never-healthy", "--exit-after", "700", "--note-end", "DIR/end"])?;
    let mut waiters = (0..WAITERS).map(|_| Told::start(scene.asking(tools, role).stderr(Stdio::null()))).collect::<Result<Vec<_>>>()?;
    let failed = waiters.iter_mut().map(|waiter| waiter.hear("failed")).collect::<Result<Vec<_>>>()?;
    let died_at = scene.noted("end")?;
    Ok(failed.iter().filter_map(|said| said.first()).map(|at| at - died_at).collect())
}
