//! The table, and the same as JSON.

use std::error::Error;
use std::path::Path;

use serde_json::{Value, json};

use crate::trouble::{Missing, Result};

/// What a row must reach.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// Our figure over the first peer's.
    Ratio(f64),
    /// Our figure itself, in the row's unit.
    Figure(f64),
    /// Nothing: the row is for the reader.
    None,
}

/// One row: our figure, those of the peers, and what is to be reached.
#[derive(Debug)]
pub struct Row {
    what: String,
    unit: &'static str,
    ours: f64,
    peers: Vec<(&'static str, f64)>,
    target: Target,
}

impl Row {
    pub fn new(what: impl Into<String>, unit: &'static str, ours: f64) -> Self {
        Row { what: what.into(), unit, ours, peers: Vec::new(), target: Target::None }
    }

    /// Beside this; the first one counts for the ratio.
    pub fn against(mut self, peer: &'static str, figure: f64) -> Self {
        self.peers.push((peer, figure));
        self
    }

    pub fn must(mut self, target: Target) -> Self {
        self.target = target;
        self
    }

    fn ratio(&self) -> Option<f64> {
        self.peers.first().map(|(_, figure)| self.ours / figure)
    }

    fn verdict(&self) -> &'static str {
        let (figure, limit) = match self.target {
            Target::Ratio(limit) => (self.ratio().unwrap_or(f64::NAN), limit),
            Target::Figure(limit) => (self.ours, limit),
            Target::None => return "",
        };
        if figure <= limit { "ok" } else { "MISS" }
    }

    fn target_text(&self) -> String {
        match self.target {
            Target::Ratio(limit) => format!("≤ {limit}×"),
            Target::Figure(limit) => format!("≤ {}", figure(limit, self.unit)),
            Target::None => String::new(),
        }
    }

    fn json(&self) -> Value {
        let peers: serde_json::Map<String, Value> = self.peers.iter().map(|(name, figure)| ((*name).to_owned(), json!(figure))).collect();
        json!({
            "what": self.what, "unit": self.unit, "ours": self.ours, "peers": peers, "ratio": self.ratio(),
            "toReach": self.target_text(), "verdict": self.verdict(),
        })
    }
}

/// The rows so far, printed as they come.
pub struct Report {
    facts: Vec<(&'static str, String)>,
    rows: Vec<Value>,
    missed: usize,
}

impl Report {
    pub fn begin(facts: Vec<(&'static str, String)>) -> Self {
        for (name, fact) in &facts {
            println!("{name:<8} {fact}");
        }
        println!();
        print_line("what", "ours", "against", "ratio", "to reach", "");
        println!("{}", "─".repeat(150));
        Report { facts, rows: Vec::new(), missed: 0 }
    }

    pub fn add(&mut self, row: Row) {
        let against: Vec<String> = row.peers.iter().map(|(name, value)| format!("{name} {}", figure(*value, row.unit))).collect();
        let ratio = row.ratio().map_or_else(String::new, |ratio| format!("{}×", digits(ratio)));
        print_line(&row.what, &figure(row.ours, row.unit), &against.join(", "), &ratio, &row.target_text(), row.verdict());
        self.missed += usize::from(row.verdict() == "MISS");
        self.rows.push(row.json());
    }

    /// Says why the rest of a section is not there.
    pub fn without(&mut self, section: &str, trouble: &(dyn Error + Send + Sync + 'static)) {
        let verdict = if trouble.is::<Missing>() { "skipped" } else { "FAILED" };
        println!("{section}: {verdict}: {trouble}");
        self.missed += usize::from(verdict == "FAILED");
        self.rows.push(json!({"what": section, "verdict": verdict, "why": trouble.to_string()}));
    }

    pub fn end(self, load: String, file: &Path) -> Result<()> {
        let facts: serde_json::Map<String, Value> = self.facts.into_iter().map(|(name, fact)| (name.to_owned(), fact.into())).collect();
        let all = json!({"machine": facts, "loadAtEnd": load, "rows": self.rows});
        std::fs::write(file, format!("{}\n", serde_json::to_string_pretty(&all)?))?;
        let outcome = if self.missed == 0 { "every figure was reached".to_owned() } else { format!("{} missed or failed", self.missed) };
        println!("\n{outcome}; load {load} at the end; all figures in {}", file.display());
        Ok(())
    }
}

fn print_line(what: &str, ours: &str, against: &str, ratio: &str, target: &str, verdict: &str) {
    println!("{what:<58} {ours:>10}  {against:<45} {ratio:>8}  {target:<10} {verdict}");
}

fn figure(value: f64, unit: &str) -> String {
    format!("{}{}{unit}", digits(value), if unit.is_empty() { "" } else { " " })
}

/// Three digits that count, and no more.
fn digits(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 || value.fract() == 0.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}
