//! fish: a line for everything that may be offered.

use std::fmt::Write as _;

use super::{NAMES, Offer, Words, brief, values};

pub(super) fn script(commands: &[Offer]) -> String {
    let mut lines = "# Completions of server-init for fish.\ncomplete -c server-init -f\n".to_owned();
    for offer in commands {
        let about = quoted(&brief(&offer.about));
        let _ = writeln!(lines, "complete -c server-init -n __fish_use_subcommand -a {} -d '{about}'", offer.name);
        let seen = format!("complete -c server-init -n '__fish_seen_subcommand_from {}'", offer.name);
        for flag in &offer.flags {
            let short = flag.short.map(|short| format!(" -s {short}")).unwrap_or_default();
            let value = flag.value.as_ref().map(|_| argument(&values(flag))).unwrap_or_default();
            let _ = writeln!(lines, "{seen} -l {}{short}{value} -d '{}'", flag.long.trim_start_matches('-'), quoted(&brief(&flag.text)));
        }
        let _ = match &offer.words {
            Words::Any => Ok(()),
            words => writeln!(lines, "{seen}{}", argument(words)),
        };
    }
    lines
}

fn argument(words: &Words) -> String {
    match words {
        Words::Any => " -x".to_owned(),
        Words::Names => format!(" -a '({NAMES})'"),
        Words::Files => " -r -F".to_owned(),
        Words::Dirs => " -x -a '(__fish_complete_directories)'".to_owned(),
        Words::Of(words) => format!(" -x -a '{}'", words.join(" ")),
    }
}

fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\'', "\\'")
}
