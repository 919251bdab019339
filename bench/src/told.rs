//! A process that tells in lines on stdout how far it is.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::trouble::Result;

/// A process and its lines. Dropping it kills the process.
pub struct Told {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Told {
    pub fn start(command: &mut Command) -> Result<Self> {
        let mut child = command.stdout(Stdio::piped()).spawn().map_err(|problem| format!("cannot run {command:?}: {problem}"))?;
        let lines = child.stdout.take().map(BufReader::new).ok_or("no stdout")?;
        Ok(Told { child, lines })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Reads until the line that begins with `word`, and gives the numbers behind it.
    pub fn hear(&mut self, word: &str) -> Result<Vec<f64>> {
        loop {
            let line = self.line()?.ok_or_else(|| format!("a process ended without saying `{word}`"))?;
            let mut words = line.split_whitespace();
            if words.next() == Some(word) {
                return Ok(words.filter_map(|word| word.parse().ok()).collect());
            }
        }
    }

    /// The next line; `None` at the end.
    pub fn line(&mut self) -> Result<Option<String>> {
        let mut line = String::new();
        Ok((self.lines.read_line(&mut line)? > 0).then_some(line))
    }

    /// SIGKILL, and the end of it: some take a process for alive until it is collected.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
