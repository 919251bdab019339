//! A failure as it is shown: colour where it helps and may be, and its log lines folded where the log of a workflow can do that.

use std::io::{self, IsTerminal as _};

use spawnlock::may_colour;

use crate::environment;

const RED: &str = "\u{1b}[31m";
const CYAN: &str = "\u{1b}[36m";
const PLAIN: &str = "\u{1b}[0m";

/// How the lines of a log and the lines that say what to do begin.
const LOG_LINE: &str = "    | ";
const HINT: &str = "  hint     ";

/// A failure's text, fit for where it goes.
pub fn dressed(text: &str) -> String {
    let text = if environment::folds_groups() { folded(text) } else { text.to_owned() };
    if may_colour(io::stderr().is_terminal()) { coloured(&text) } else { text }
}

/// The code and the hint are what one looks for.
fn coloured(text: &str) -> String {
    let lines = text.lines().enumerate().map(|(at, line)| match (line.rfind(" [ERR_"), line.strip_prefix(HINT)) {
        (Some(code), _) if at == 0 && line.ends_with(']') => format!("{}{RED}{}{PLAIN}", &line[..=code], &line[code + 1..]),
        (_, Some(hint)) => format!("  {CYAN}hint{PLAIN}     {hint}"),
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The lines of the log between the marks of a group, behind everything else: what is folded must not hide the hint. They keep a mark of
/// their own: a line that begins with `::` is a command to GitHub, and a server's log must not give any.
fn folded(text: &str) -> String {
    let (log, rest): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with(LOG_LINE));
    if log.is_empty() {
        return text.to_owned();
    }
    let shown = log.iter().map(|line| line.trim_start());
    let group = ["::group::the last lines of its log"].into_iter().chain(shown).chain(["::endgroup::"]);
    rest.iter().copied().chain(group).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILURE: &str = "server \"api\" exited [ERR_SPAWNLOCK_EXITED]\n  log      a.log\n    | one\n    | two\n  hint     look";

    #[test]
    fn the_code_and_the_hint_have_colour() {
        let coloured = coloured(FAILURE);
        assert!(coloured.starts_with(&format!("server \"api\" exited {RED}[ERR_SPAWNLOCK_EXITED]{PLAIN}\n")), "{coloured:?}");
        assert!(coloured.ends_with(&format!("\n  {CYAN}hint{PLAIN}     look")), "{coloured:?}");
    }

    #[test]
    fn the_lines_of_the_log_are_one_group_behind_the_hint() {
        let first = "server \"api\" exited [ERR_SPAWNLOCK_EXITED]\n  log      a.log\n  hint     look\n";
        assert_eq!(folded(FAILURE), format!("{first}::group::the last lines of its log\n| one\n| two\n::endgroup::"));
    }
}
