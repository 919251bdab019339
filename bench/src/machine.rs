//! What the figures were taken on.

use std::fs;

use crate::tools::{Tools, version};

pub fn facts(tools: &Tools) -> Vec<(&'static str, String)> {
    vec![
        ("machine", format!("{}, {} cores, Linux {}", processor(), cores(), kernel())),
        ("load", load()),
        ("tools", format!("node {}, {}, {}", version(tools.node()), version(tools.python()), short(&version(tools.curl())))),
    ]
}

/// The load averages.
pub fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split_once(": "));
    model.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.to_owned())
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn kernel() -> String {
    fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned()
}

fn short(version: &str) -> String {
    version.split(' ').take(2).collect::<Vec<_>>().join(" ")
}
