//! `server-init explain`.

use serde::Serialize;
use spawnlock::{ErrorCode, StateDir, Step};

use crate::args::{Common, Explain};
use crate::exit;
use crate::facts::time;
use crate::output::Output;
use crate::trouble::{Result, Trouble};

/// So many of the last starts, unless told otherwise.
const STARTS: usize = 3;

/// The last starts of a name.
#[derive(Serialize)]
struct Story<'a> {
    ok: bool,
    name: &'a str,
    starts: Vec<Start>,
}

/// What belongs to one start.
#[derive(Serialize)]
struct Start {
    generation: u64,
    steps: Vec<Stage>,
}

/// One step, in the words of the Node package.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Stage {
    step: &'static str,
    at: String,
    /// Milliseconds since the first step of the start.
    after_ms: u64,
    by: u32,
    program: String,
    pid: Option<u32>,
    took_ms: Option<u64>,
    code: Option<ErrorCode>,
    text: Option<String>,
}

pub fn run(args: &Explain, common: &Common, output: &Output) -> Result<u8> {
    let name = args.name.as_deref().unwrap_or_default();
    let history = StateDir::new(common.state_dir.as_deref())?.history(name)?;
    if history.is_empty() {
        return Err(Trouble::Unknown(format!("nothing is written down of a server \"{name}\"")));
    }
    let starts = last(&history, args.starts.unwrap_or(STARTS));
    let text = starts.iter().map(|start| told(name, start)).collect::<Vec<_>>().join("\n\n");
    output.result(text, &Story { ok: true, name, starts })?;
    Ok(exit::OK)
}

/// The last starts, oldest first. Steps of one start need not stand together: its end may be told while the next is on its way.
fn last(history: &[Step], count: usize) -> Vec<Start> {
    let mut generations: Vec<u64> = history.iter().map(|step| step.generation).collect();
    generations.sort_unstable();
    generations.dedup();
    let wanted = &generations[generations.len().saturating_sub(count)..];
    wanted.iter().map(|generation| start(history, *generation)).collect()
}

fn start(history: &[Step], generation: u64) -> Start {
    let steps: Vec<&Step> = history.iter().filter(|step| step.generation == generation).collect();
    let first = steps.iter().map(|step| step.at).min().unwrap_or_default();
    Start { generation, steps: steps.into_iter().map(|step| stage(step, first)).collect() }
}

fn stage(step: &Step, first: u64) -> Stage {
    Stage {
        step: step.step.as_str(),
        at: time(step.at),
        after_ms: step.at.saturating_sub(first),
        by: step.by,
        program: step.program.clone(),
        pid: step.pid,
        took_ms: step.ms,
        code: step.code,
        text: step.text.clone(),
    }
}

fn told(name: &str, start: &Start) -> String {
    let since = start.steps.first().map(|stage| stage.at.as_str()).unwrap_or_default();
    let head = format!("{name}, start {}, {since}", start.generation);
    let lines =
        start.steps.iter().map(|stage| format!("  {:>12}  {}", format!("+{:.3} s", stage.after_ms as f64 / 1000.0), sentence(stage)));
    [head].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
}

/// `started as pid 33: node server.js`.
fn sentence(stage: &Stage) -> String {
    let by = match stage.program.as_str() {
        "" => format!("pid {}", stage.by),
        program => format!("pid {} ({program})", stage.by),
    };
    let text = stage.text.as_deref();
    match (stage.step, stage.pid, stage.took_ms, text) {
        ("asked", ..) => format!("asked for by {by}"),
        ("started", Some(pid), _, Some(command)) => format!("started as pid {pid}: {command}"),
        ("adopted", ..) => format!("whoever started it is gone; {by} waits for it now"),
        ("ready", _, Some(ms), _) => format!("ready after {ms} ms"),
        ("failed", _, _, Some(why)) => format!("failed: {why}{}", stage.code.map(|code| format!(" [{code}]")).unwrap_or_default()),
        ("stopping", _, _, Some(why)) => format!("stopping, by {by}: {why}"),
        ("ended", _, _, Some(how)) => format!("ended: {how}"),
        (step, _, _, Some(text)) => format!("{step}: {text}"),
        (step, ..) => step.to_owned(),
    }
}
