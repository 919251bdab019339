//! Ratios against peers that run beside us: every row compares things that took turns in this one run.
#![allow(clippy::disallowed_methods, reason = "the bans keep core's clocks, waits and processes in one place each; here they are measured")]

mod cut;
mod stats;
mod told;
mod trouble;

mod report;
mod tools;

mod roles;
mod scene;

mod command;
mod cost;
mod death;
mod fast;
mod handover;
mod kick;
mod last;
mod listen;
mod locks;
mod machine;
mod minder;
mod notice;
mod notify;
mod scope;
mod scripts;
mod storm;

use std::process::ExitCode;

use report::Report;
use tools::Tools;
use trouble::Result;

type Measure = fn(&Tools, &mut Report) -> Result<()>;

/// What is measured, in the order of the table, each under the word that selects it. The loops of the fast path come
/// late: they leave thousands of closed connections in the kernel's tables.
const SECTIONS: &[(&str, Measure)] = &[
    ("notice", notice::measure),
    ("storm", storm::measure),
    ("handover", handover::measure),
    ("death", death::measure),
    ("last", last::measure),
    ("listen", listen::measure),
    ("notify", notify::measure),
    ("kick", kick::measure),
    ("minder", minder::measure),
    ("locks", locks::uncontended),
    ("contended", locks::contended),
    ("dead", locks::dead),
    ("hosts", locks::hosts),
    ("imports", cost::imports),
    ("sizes", cost::sizes),
    ("command", command::measure),
    ("rust", fast::measure),
    ("node", scripts::node),
    ("python", scripts::python),
    ("scope", scope::measure),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match words.split_first() {
        Some((role, rest)) if roles::is_one(role) => roles::play(role, rest),
        _ => bench(&words),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            eprintln!("spawnlock-bench: {trouble}");
            ExitCode::FAILURE
        }
    }
}

/// Measures everything, or only the sections that were named.
fn bench(wanted: &[String]) -> Result<()> {
    let known = |word: &&String| !SECTIONS.iter().any(|(name, _)| name == word);
    if let Some(unknown) = wanted.iter().find(known) {
        let names: Vec<&str> = SECTIONS.iter().map(|(name, _)| *name).collect();
        return Err(format!("there is no section `{unknown}`; there are {}", names.join(", ")).into());
    }
    let tools = Tools::find()?;
    let mut report = Report::begin(machine::facts(&tools));
    for (name, measure) in SECTIONS {
        if !wanted.is_empty() && !wanted.iter().any(|word| word == name) {
            continue;
        }
        if let Err(trouble) = measure(&tools, &mut report) {
            report.without(name, &*trouble);
        }
    }
    report.end(machine::load(), &tools.root.join("bench/results.json"))
}
