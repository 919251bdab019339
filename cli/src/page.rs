//! A help text, taken apart: the one source of completions and manual pages.

/// The help of a command, or of all of them.
#[derive(Debug)]
pub struct Page {
    pub about: String,
    pub usage: Vec<String>,
    pub parts: Vec<Part>,
}

/// What stands under one title; what stands under none has an empty one.
#[derive(Debug, Default)]
pub struct Part {
    pub title: String,
    pub flags: Vec<Flag>,
    /// All that is no flag, as it stands there.
    pub lines: Vec<String>,
}

/// One flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    pub short: Option<char>,
    /// With its dashes.
    pub long: String,
    /// The word for its value.
    pub value: Option<String>,
    pub text: String,
}

impl Page {
    /// Reads a help: what it is about, its usage, and its parts, with blank lines between them.
    pub fn read(help: &str) -> Page {
        let mut blocks = help.split("\n\n").map(|block| block.trim_matches('\n')).filter(|block| !block.is_empty());
        let about = blocks.next().unwrap_or_default().replace('\n', " ");
        let usage = blocks.next().unwrap_or_default().trim_start_matches("Usage:");
        let usage = usage.lines().map(|line| line.trim().to_owned()).collect();
        Page { about, usage, parts: blocks.map(Part::read).collect() }
    }

    pub fn flags(&self) -> impl Iterator<Item = &Flag> {
        self.parts.iter().flat_map(|part| &part.flags)
    }
}

impl Part {
    fn read(block: &str) -> Part {
        let mut part = Part::default();
        for line in block.lines() {
            match (Flag::read(line), part.flags.last_mut()) {
                (Some(flag), _) => part.flags.push(flag),
                (None, None) if !line.starts_with(' ') && line.ends_with(':') => part.title = line.trim_end_matches(':').to_owned(),
                (None, Some(flag)) if line.starts_with("       ") => {
                    flag.text.push(' ');
                    flag.text.push_str(line.trim());
                }
                (None, _) => part.lines.push(line.to_owned()),
            }
        }
        part
    }
}

impl Flag {
    /// `  -t, --timeout TIME    The whole call`.
    fn read(line: &str) -> Option<Flag> {
        let line = line.strip_prefix("  ")?.trim_start();
        let (short, line) = match line.strip_prefix('-').filter(|rest| !rest.starts_with('-')) {
            Some(rest) => (rest.chars().next(), rest.get(1..)?.strip_prefix(", ")?),
            None => (None, line),
        };
        if !line.starts_with("--") {
            return None;
        }
        let (spelling, text) = line.split_once("  ").unwrap_or((line, ""));
        let (long, value) = match spelling.split_once(' ') {
            Some((long, value)) => (long, Some(value.to_owned())),
            None => (spelling, None),
        };
        Some(Flag { short, long: long.to_owned(), value, text: text.trim().to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::help;

    #[test]
    fn every_flag_is_read_with_its_value_and_its_whole_text() {
        let page = Page::read(help::ENSURE);
        let timeout = page.flags().find(|flag| flag.long == "--timeout").expect("it is in the help");
        assert_eq!((timeout.short, timeout.value.as_deref()), (Some('t'), Some("TIME")));
        let print = page.flags().find(|flag| flag.long == "--print").expect("it is in the help");
        assert!(print.text.ends_with("ready-ms, log, place"), "{print:?}");
    }

    #[test]
    fn every_help_has_its_parts() {
        for (command, help) in help::COMMANDS {
            let page = Page::read(help);
            assert!(page.usage[0].starts_with("server-init "), "{command}: {:?}", page.usage);
            assert!(page.parts.iter().any(|part| part.title == "Examples" && !part.lines.is_empty()), "{command}");
            assert_eq!(page.flags().filter(|flag| flag.long == "--help").count(), 1, "{command}");
        }
    }
}
