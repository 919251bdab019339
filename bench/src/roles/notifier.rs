//! `notifier READY-AFTER-MS FILE`: a server that only says when it is ready, and notes that moment in FILE.

use std::thread;
use std::time::Duration;

use crate::stats::now_ms;
use crate::trouble::Result;

/// A server that nobody stopped ends by itself.
const LONGEST_LIFE: Duration = Duration::from_secs(60);

pub fn play(words: &[String]) -> Result<()> {
    let [ready_after, file] = words else {
        return Err("usage: notifier READY-AFTER-MS FILE".into());
    };
    thread::sleep(Duration::from_millis(ready_after.parse()?));
    let ready_at = now_ms();
    spawnlock::notify_ready()?;
    std::fs::write(file, ready_at.to_string())?;
    thread::sleep(LONGEST_LIFE);
    Ok(())
}
