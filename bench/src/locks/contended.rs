//! Thirty-two processes that take turns.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::cut::Cut;
use crate::locks::kinds::{BARE, Kind, OURS, PEERS};
use crate::report::{Report, Row, Target};
use crate::stats::{median, quantile};
use crate::told::Told;
use crate::tools::Tools;
use crate::trouble::Result;

const WORKERS: usize = 32;
const TURNS: usize = 100;

/// What the system's own queue takes in the language of a row.
const BARE_HERE: &str = "blocking flock in its language";

/// Peers that take longer are cut off; their rows say so.
const ENOUGH: Duration = Duration::from_secs(40);

/// What became of one race, in milliseconds.
struct Race {
    kind: &'static Kind,
    /// From the first turn to the end of the last, and the sum of what was held.
    total: f64,
    held: f64,
    /// The longest that any worker waited for one turn.
    longest: f64,
    /// The last worker's end over the first one's: 1 is fair.
    fairness: f64,
    cpu: f64,
    /// From a release to the next holder.
    hand_over: f64,
    /// Turns that began before another was over.
    overlaps: usize,
}

pub fn measure(tools: &Tools, report: &mut Report) -> Result<()> {
    let mut all = Vec::new();
    for kind in BARE.iter().chain(OURS).chain(PEERS) {
        match race(tools, kind, WORKERS, "0") {
            Ok(race) => all.push(race),
            Err(trouble) => report.without(kind.name, &*trouble),
        }
    }
    let cpu_of_peers = all.iter().filter(|race| is_among(PEERS, race)).map(|race| race.cpu).fold(f64::INFINITY, f64::min);
    for race in &all {
        let bare = |figure: fn(&Race) -> f64| {
            let bare = all.iter().find(|other| is_among(BARE, other) && other.kind.is_beside(race.kind));
            bare.map_or(f64::NAN, figure)
        };
        let must = |target| if is_among(OURS, race) { target } else { Target::None };
        let row = |what: &str, unit, figure| Row::new(format!("32 × 100 turns, {}: {what}", race.kind.name), unit, figure);
        let total = row("total", "ms", race.total).against("sum of holds", race.held).against(BARE_HERE, bare(|race| race.total));
        report.add(total.must(must(Target::Ratio(1.15))));
        report.add(row("last end / first end", "", race.fairness));
        let cpu = row("CPU of all", "ms", race.cpu).against("least of the peers", cpu_of_peers).against(BARE_HERE, bare(|race| race.cpu));
        report.add(cpu.must(must(Target::Ratio(1.0))));
        report.add(row("hand-over, newcomers included", "ms", race.hand_over).against(BARE_HERE, bare(|race| race.hand_over)));
        report.add(row("longest wait", "ms", race.longest).against(BARE_HERE, bare(|race| race.longest)));
        report.add(row("turns that overlap", "", race.overlaps as f64).must(must(Target::Figure(0.0))));
    }
    hand_over(tools, report)
}

/// From a release to the one who waits, with nobody else about: two take turns, and rest so that each finds the other inside.
fn hand_over(tools: &Tools, report: &mut Report) -> Result<()> {
    let of = |kind: &'static Kind| Ok::<f64, crate::trouble::Trouble>(race(tools, kind, 2, "0.5")?.hand_over);
    let bare: Vec<(&Kind, f64)> = BARE.iter().map(|kind| (kind, of(kind).unwrap_or(f64::NAN))).collect();
    for kind in OURS {
        let limit = if kind.name.contains("excl") { 0.3 } else { 0.05 };
        let blocking = bare.iter().find(|(bare, _)| bare.is_beside(kind)).map_or(f64::NAN, |(_, figure)| *figure);
        match of(kind) {
            Ok(figure) => report.add(
                Row::new(format!("hand-over to a waiter, {}", kind.name), "ms", figure)
                    .against(BARE_HERE, blocking)
                    .must(Target::Figure(limit)),
            ),
            Err(trouble) => report.without(kind.name, &*trouble),
        }
    }
    Ok(())
}

fn is_among(kinds: &[Kind], race: &Race) -> bool {
    kinds.iter().any(|kind| kind.name == race.kind.name)
}

fn race(tools: &Tools, kind: &'static Kind, count: usize, rest_ms: &str) -> Result<Race> {
    let dir = tempfile::Builder::new().prefix("slb-").tempdir_in(tools.root.join("build/bench"))?;
    let path = dir.path().join("the.lock").display().to_string();
    let (gate, open) = std::io::pipe()?;
    let mut workers = Vec::with_capacity(count);
    for _ in 0..count {
        let mut command: Command = kind.command(tools, &[&path, &TURNS.to_string(), "1", rest_ms])?;
        workers.push(Told::start(command.stdin(Stdio::from(gate.try_clone()?)))?);
    }
    for worker in &mut workers {
        worker.hear("loaded")?;
    }
    drop((open, gate));
    let pids: Vec<u32> = workers.iter().map(Told::pid).collect();
    let cut = Cut::after(ENOUGH, pids);
    let told: Result<Vec<(Vec<[f64; 3]>, f64)>> = workers.iter_mut().map(turns).collect();
    drop(cut);
    let told = told.map_err(|_| format!("not done within {} s", ENOUGH.as_secs()))?;
    Ok(judge(kind, &told))
}

/// The moments of one worker's turns, and its processor time.
fn turns(worker: &mut Told) -> Result<(Vec<[f64; 3]>, f64)> {
    let mut moments = Vec::with_capacity(TURNS);
    while let Some(line) = worker.line()? {
        let mut words = line.split_whitespace();
        let word = words.next();
        let numbers: Vec<f64> = words.filter_map(|word| word.parse().ok()).collect();
        match (word, numbers[..].try_into()) {
            (Some("turn"), Ok(turn)) => moments.push(turn),
            (Some("done"), _) => return Ok((moments, numbers.first().copied().unwrap_or(f64::NAN))),
            _ => {}
        }
    }
    Err("a worker ended early".into())
}

fn judge(kind: &'static Kind, told: &[(Vec<[f64; 3]>, f64)]) -> Race {
    let mut all: Vec<[f64; 3]> = told.iter().flat_map(|(turns, _)| turns.iter().copied()).collect();
    all.sort_by(|one, other| one[1].total_cmp(&other[1]));
    let begin = all.iter().map(|turn| turn[0]).fold(f64::INFINITY, f64::min);
    let ends: Vec<f64> = told.iter().filter_map(|(turns, _)| turns.last()).map(|turn| turn[2] - begin).collect();
    let gaps: Vec<f64> = all.windows(2).map(|two| (two[1][1] - two[0][2]) / 1e6).collect();
    let waits: Vec<f64> = all.iter().map(|turn| (turn[1] - turn[0]) / 1e6).collect();
    Race {
        kind,
        total: quantile(&ends, 1.0) / 1e6,
        held: all.iter().map(|turn| turn[2] - turn[1]).sum::<f64>() / 1e6,
        longest: quantile(&waits, 1.0),
        fairness: quantile(&ends, 1.0) / quantile(&ends, 0.0),
        cpu: told.iter().map(|(_, cpu)| cpu).sum(),
        hand_over: median(&gaps),
        overlaps: gaps.iter().filter(|gap| **gap < 0.0).count(),
    }
}
