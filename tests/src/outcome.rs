//! What came of a client.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use serde_json::Value;

/// What came of a client.
#[derive(Debug)]
pub struct Outcome {
    /// How it ended.
    pub status: ExitStatus,
    /// From its start to the moment its end was seen.
    pub took: Duration,
    /// What it printed.
    pub stdout: String,
    /// What else it said.
    pub stderr: String,
}

impl Outcome {
    /// Its one line; null when it printed none.
    pub fn line(&self) -> Value {
        serde_json::from_str(self.stdout.trim()).unwrap_or_default()
    }

    /// Whether it got a server.
    pub fn is_ok(&self) -> bool {
        self.status.success()
    }

    /// Fails unless it got a server, and tells which.
    #[track_caller]
    pub fn pid(&self) -> u32 {
        assert!(self.is_ok(), "a client failed: {self:#?}");
        self.line()["pid"].as_u64().unwrap_or_else(|| panic!("no pid in {self:#?}")) as u32
    }

    /// A text of its line; empty when there is none.
    pub fn text(&self, field: &str) -> String {
        self.line()[field].as_str().unwrap_or_default().to_owned()
    }

    /// The error code of its line; empty when there is none.
    pub fn code(&self) -> String {
        self.text("code")
    }

    /// How long its call took.
    #[track_caller]
    pub fn ms(&self) -> f64 {
        self.line()["ms"].as_f64().unwrap_or_else(|| panic!("no ms in {self:#?}"))
    }

    /// The signal that killed it.
    pub fn signal(&self) -> Option<i32> {
        self.status.signal()
    }
}
