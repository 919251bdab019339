//! The command line, word by word.

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

use lexopt::{Arg, Parser};

use crate::trouble::{Result, Trouble};

/// One word of the command line.
#[derive(Debug)]
pub enum Word {
    /// `--timeout`; short ones are told by their long name.
    Flag(String),
    Bare(String),
}

/// The words before the `--`.
pub struct Words {
    parser: Parser,
    /// The flag whose value comes next.
    flag: String,
}

/// The short names.
const SHORT: &[(char, &str)] = &[
    ('n', "--lines"),
    ('f', "--follow"),
    ('r', "--ready"),
    ('p', "--port"),
    ('e', "--env"),
    ('t', "--timeout"),
    ('q', "--quiet"),
    ('v', "--verbose"),
    ('h', "--help"),
    ('V', "--version"),
];

impl Words {
    /// What stands before the first `--`, and the server's command behind it.
    pub fn split(words: impl Iterator<Item = OsString>) -> Result<(Words, Vec<String>)> {
        let mut words = words.fuse();
        let before: Vec<OsString> = words.by_ref().take_while(|word| word != "--").collect();
        let behind = words.map(|word| text("CMD", word)).collect::<Result<_>>()?;
        Ok((Words { parser: Parser::from_args(before), flag: String::new() }, behind))
    }

    pub fn next(&mut self) -> Result<Option<Word>> {
        let word = match self.parser.next().map_err(|problem| Trouble::Usage(problem.to_string()))? {
            None => return Ok(None),
            Some(Arg::Value(word)) => Word::Bare(text("NAME", word)?),
            Some(Arg::Long(flag)) => Word::Flag(format!("--{flag}")),
            Some(Arg::Short(short)) => Word::Flag(
                SHORT.iter().find(|(known, _)| *known == short).map_or_else(|| format!("-{short}"), |(_, flag)| (*flag).to_owned()),
            ),
        };
        if let Word::Flag(flag) = &word {
            self.flag.clone_from(flag);
        }
        Ok(Some(word))
    }

    /// The value of the flag.
    pub fn text(&mut self) -> Result<String> {
        let value = self.value()?;
        text(&self.flag, value)
    }

    pub fn path(&mut self) -> Result<PathBuf> {
        Ok(self.value()?.into())
    }

    pub fn number<N: FromStr>(&mut self, what: &str, fits: impl Fn(&N) -> bool) -> Result<N> {
        let text = self.text()?;
        let number = text.parse().ok().filter(fits);
        number.ok_or_else(|| Trouble::usage(&self.flag, format_args!("is `{text}`, which is not {what}")))
    }

    fn value(&mut self) -> Result<OsString> {
        self.parser.value().map_err(|_| Trouble::usage(&self.flag, "needs a value"))
    }
}

fn text(option: &str, word: OsString) -> Result<String> {
    word.into_string().map_err(|word| Trouble::usage(option, format_args!("is `{}`, which is no UTF-8 text", word.display())))
}
