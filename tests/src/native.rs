//! The native command, about the server of a scene.

use std::process::{Command, Stdio};

use crate::scene::{Scene, program};

impl Scene {
    /// The native command with these words, and, where there are any, under the tracer of these.
    pub fn native(&self, tracer: &[String], words: &[&str]) -> Command {
        let native = program("server-init").display().to_string();
        let mut all = tracer.iter().map(String::as_str).chain([native.as_str()]).chain(words.iter().copied());
        let mut command = Command::new(all.next().expect("a program"));
        command.args(all).arg("--state-dir").arg(self.state_dir());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}
