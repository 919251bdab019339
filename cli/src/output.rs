//! stdout for the result, stderr for people.

use std::fmt::Display;
use std::io::{self, Write as _};

use serde::Serialize;
use spawnlock::{ErrorCode, Failure};

use crate::colour;
use crate::exit;
use crate::facts::Fact;
use crate::trouble::{Result, Trouble};

/// Where the result goes, and in which form.
pub struct Output {
    json: bool,
}

/// A failure as JSON: the code, the whole text, and the facts behind it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Failed<'a> {
    ok: bool,
    code: ErrorCode,
    message: &'a str,
    #[serde(flatten)]
    facts: Option<serde_json::Value>,
}

impl Output {
    /// Looks for `--json` itself: a command line that cannot be read may ask for it as well.
    pub fn new() -> Self {
        Output { json: std::env::args_os().skip(1).take_while(|word| word != "--").any(|word| word == "--json") }
    }

    /// Help and the like.
    pub fn text(&self, text: &str) -> Result<u8> {
        print(text).map(|()| exit::OK)
    }

    /// The result: JSON if asked for, else the text.
    pub fn result(&self, text: impl Display, object: &impl Serialize) -> Result<()> {
        match self.json {
            true => print(to_json(object)?),
            false => print(text),
        }
    }

    /// The same, where the text is any number of lines.
    pub fn lines(&self, lines: &[String], object: &impl Serialize) -> Result<()> {
        if !self.json && lines.is_empty() { Ok(()) } else { self.result(lines.join("\n"), object) }
    }

    /// The facts that `--print` asks for, one a line; a fact that is not known is a failure, so that no script goes on with an empty word.
    pub fn facts(&self, wanted: &[Fact], name: &str, find: impl Fn(Fact) -> Option<String>) -> Result<()> {
        let mut lines = Vec::new();
        for fact in wanted {
            let line = find(*fact).ok_or_else(|| Trouble::Unknown(format!("server \"{name}\" has no {} to print", fact.word())))?;
            lines.push(line);
        }
        print(lines.join("\n"))
    }

    /// Tells trouble that is not the result.
    pub fn mention(&self, trouble: &Trouble) {
        say(colour::dressed(&with_cause(trouble)));
    }

    /// Tells trouble, and gives its exit code.
    pub fn fail(&self, trouble: &Trouble) -> u8 {
        self.mention(trouble);
        if self.json && !matches!(trouble, Trouble::Output(_)) {
            print_failure(trouble.code(), &trouble.to_string(), trouble.failure());
        }
        trouble.exit_code()
    }
}

/// One line of a result that goes on; an error when nobody reads it any more.
pub fn line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush())
}

/// One thing for people.
pub fn say(text: impl Display) {
    // There is nobody left to tell when stderr is gone.
    let _ = writeln!(io::stderr(), "{text}");
}

fn with_cause(trouble: &Trouble) -> String {
    match trouble.cause() {
        Some(cause) => format!("{trouble}\n  cause    {cause}"),
        None => trouble.to_string(),
    }
}

fn print(text: impl Display) -> Result<()> {
    match writeln!(io::stdout(), "{text}") {
        // The reader has read enough; the server runs all the same.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(Trouble::Output),
    }
}

fn print_failure(code: ErrorCode, message: &str, failure: Option<&Failure>) {
    let facts = failure.and_then(|failure| serde_json::to_value(failure).ok()).map(without_code);
    if let Ok(text) = to_json(&Failed { ok: false, code, message, facts }) {
        let _ = print(text);
    }
}

fn without_code(mut facts: serde_json::Value) -> serde_json::Value {
    if let Some(fields) = facts.as_object_mut() {
        fields.remove("code");
    }
    facts
}

fn to_json(object: &impl Serialize) -> Result<String> {
    serde_json::to_string(object).map_err(|error| Trouble::Output(error.into()))
}
