//! The feature `log`: events in the journal of the program that uses the crate.
#![allow(clippy::expect_used, reason = "tests fail loudly")]

use std::sync::{Mutex, PoisonError};

use log::{Level, LevelFilter, Log, Metadata, Record};
use spawnlock::{Check, ServerSpec, Verdict};

/// Keeps what was written under our target.
struct Journal(Mutex<Vec<(Level, String)>>);

static JOURNAL: Journal = Journal(Mutex::new(Vec::new()));

impl Log for Journal {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "spawnlock"
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push((record.level(), record.args().to_string()));
        }
    }

    fn flush(&self) {}
}

#[test]
fn a_start_and_its_end_are_in_the_journal_under_our_name() {
    log::set_logger(&JOURNAL).expect("the first logger");
    log::set_max_level(LevelFilter::Trace);
    let dir = tempfile::tempdir().expect("a directory");
    let mark = dir.path().join("mark");
    let shell = format!("touch {}; exec sleep 60", mark.display());
    let ready = Check::function(move || (if mark.exists() { Verdict::Ready } else { Verdict::Dead }, String::new()));
    let server = ServerSpec::new("api").state_dir(dir.path()).shell(shell).ready(ready).ensure().expect("a server");
    server.stop().expect("an end");
    let written = JOURNAL.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let lines: Vec<&str> = written.iter().map(|(_, line)| line.as_str()).collect();
    assert!(
        lines[0].starts_with("api: started `touch ") && lines[0].ends_with(&format!("as pid {}", server.pid().expect("a pid"))),
        "{lines:?}"
    );
    assert_eq!(lines[1..], ["api: server \"api\" is ready", "api: stopping server \"api\""]);
    assert!(written.iter().all(|(level, _)| *level == Level::Info), "{written:?}");
}
