//! `server-init man`: manual pages, made from the help.

use std::fs;
use std::path::Path;

use crate::args::Man;
use crate::exit;
use crate::help;
use crate::output::Output;
use crate::page::{Flag, Page, Part};
use crate::trouble::{Result, Trouble};

const PROGRAM: &str = "server-init";

pub fn run(args: &Man, output: &Output) -> Result<u8> {
    match (&args.dir, &args.command) {
        (Some(dir), _) => write_all(dir).map(|()| exit::OK).map_err(Trouble::Output),
        (None, Some(command)) => output.text(&page(&file_of(command), help::named(command)?)),
        (None, None) => output.text(&general()),
    }
}

fn write_all(dir: &Path) -> std::io::Result<()> {
    fs::create_dir_all(dir)?;
    fs::write(dir.join(format!("{PROGRAM}.1")), general() + "\n")?;
    for (command, help) in help::COMMANDS {
        let name = file_of(command);
        fs::write(dir.join(format!("{name}.1")), page(&name, help) + "\n")?;
    }
    Ok(())
}

fn file_of(command: &str) -> String {
    format!("{PROGRAM}-{command}")
}

fn general() -> String {
    let others: Vec<String> = help::COMMANDS.iter().map(|(command, _)| format!(".BR {} (1)", roff(&file_of(command)))).collect();
    format!("{}\n.SH SEE ALSO\n{}", page(PROGRAM, help::GENERAL), others.join(",\n"))
}

fn page(name: &str, help: &str) -> String {
    let page = Page::read(help);
    let mut lines = vec![
        format!(".TH {} 1 \"\" \"spawnlock {}\"", roff(name).to_uppercase(), env!("CARGO_PKG_VERSION")),
        ".SH NAME".to_owned(),
        format!("{} \\- {}", roff(name), roff(&page.about)),
        ".SH SYNOPSIS".to_owned(),
    ];
    lines.extend(page.usage.iter().flat_map(|usage| [format!(".B {}", roff(usage)), ".br".to_owned()]));
    for part in &page.parts {
        lines.extend(section(part));
    }
    lines.join("\n")
}

fn section(part: &Part) -> Vec<String> {
    let title = if part.title.is_empty() { "DETAILS".to_owned() } else { roff(&part.title).to_uppercase() };
    let mut lines = vec![format!(".SH {title}")];
    lines.extend(part.flags.iter().flat_map(option));
    if !part.lines.is_empty() {
        lines.push(".nf".to_owned());
        lines.extend(part.lines.iter().map(|line| protected(&roff(line.strip_prefix("  ").unwrap_or(line)))));
        lines.push(".fi".to_owned());
    }
    lines
}

fn option(flag: &Flag) -> [String; 3] {
    let short = flag.short.map(|short| format!("\\fB\\-{short}\\fR, ")).unwrap_or_default();
    let value = flag.value.as_ref().map(|value| format!(" \\fI{}\\fR", roff(value))).unwrap_or_default();
    [".TP".to_owned(), format!("{short}\\fB{}\\fR{value}", roff(&flag.long)), protected(&roff(&flag.text))]
}

/// What roff would take for its own.
fn roff(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-").replace('…', "...")
}

/// A line that begins as an order does is none.
fn protected(line: &str) -> String {
    if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line.to_owned() }
}
