//! Prints the table of all runs; with a piece of a title, also the shortest way to what breaks in those. Fails when a verdict is not the expected one.

use std::process::ExitCode;

use spawnlock_model::catalogue::{self, Case};
use spawnlock_model::verdict::Verdict;

fn main() -> ExitCode {
    let wanted = std::env::args().nth(1);
    println!("| kind | processes | turns | kills | states | verdict |");
    println!("|---|---|---|---|---|---|");
    let cases = catalogue::all();
    let chosen = cases.iter().filter(|case| wanted.as_ref().is_none_or(|wanted| case.title.contains(wanted)));
    let surprises = chosen.filter(|case| !run(case, wanted.is_some())).count();
    if surprises == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One row; whether it is as expected.
fn run(case: &Case, tell: bool) -> bool {
    let verdict = Verdict::of(&case.setup);
    let expected = verdict.broken_property() == case.breaks;
    let words = verdict.broken_property().map_or("holds".to_owned(), |property| format!("breaks “{property}”"));
    let surprise = if expected { "" } else { " UNEXPECTED" };
    let setup = &case.setup;
    let figures = format!("{} | {} | {} | {}", setup.who.len(), setup.turns, setup.crashes, verdict.states);
    println!("| {} | {figures} | {words}{surprise} |", case.title);
    if let Some((_, way)) = verdict.broken.filter(|_| tell) {
        println!("{}", way.tell(setup));
    }
    expected
}
