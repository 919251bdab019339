//! From the death of a lock's holder to the next one that holds it.

use std::time::Duration;

use crate::handover::Chain;
use crate::locks::kinds::{BARE, Kind, OURS, PEERS};
use crate::report::{Report, Row, Target};
use crate::stats::median;
use crate::tools::Tools;
use crate::trouble::Result;

const ROUNDS: u32 = 15;

pub fn measure(tools: &Tools, report: &mut Report) -> Result<()> {
    for kind in OURS {
        let limit = if kind.name.contains("excl") { 50.0 } else { 5.0 };
        report.add(
            Row::new(format!("dead holder → next, {}", kind.name), "ms", hand_overs(tools, kind, ROUNDS)?).must(Target::Figure(limit)),
        );
    }
    for kind in BARE.iter().chain(PEERS) {
        // Those who go by an age are waited for once.
        let rounds = if matches!(kind.name, "proper-lockfile" | "lockfile") { 1 } else { ROUNDS };
        match hand_overs(tools, kind, rounds) {
            Ok(figure) => report.add(Row::new(format!("dead holder → next, {}", kind.name), "ms", figure)),
            Err(trouble) => report.without(kind.name, &*trouble),
        }
    }
    Ok(())
}

/// The median of some deaths, each at another moment of the waiter's polls.
fn hand_overs(tools: &Tools, kind: &Kind, rounds: u32) -> Result<f64> {
    let dir = tempfile::Builder::new().prefix("slb-").tempdir_in(tools.root.join("build/bench"))?;
    let path = dir.path().join("the.lock").display().to_string();
    let mut chain = Chain::begin(|| kind.command(tools, &[&path, "hold"]), |_| true)?;
    let phases = (0..rounds).map(|round| Duration::from_millis(150 + u64::from(round) * 17));
    let samples: Result<Vec<f64>> = phases.map(|phase| chain.hand_over(phase)).collect();
    Ok(median(&samples?))
}
