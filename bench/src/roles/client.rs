//! `client PORT STATE-DIR CMD…`: one client of many. It tells
//! `loaded` before it waits for the end of its stdin, `asking` before the call, `held MS` when it starts the server or
//! takes over its start, and `back MS CPU-MS` with the moment of its return and the processor time of its call; `failed MS` when
//! that was an error. `user …`: the same for a scope, which lasts until it is killed.

use std::io::{Read, Write};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use spawnlock::{Event, EventKind, ServerSpec};

use crate::scene::NAME;
use crate::stats::now_ms;
use crate::trouble::Result;

pub fn play(words: &[String], scoped: bool) -> Result<()> {
    let [port, state_dir, command @ ..] = words else {
        return Err("usage: client PORT STATE-DIR CMD…".into());
    };
    tell("loaded")?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    tell("asking")?;
    let before = processor_ms();
    let spec = ServerSpec::new(NAME)
        .ready(format!("http://127.0.0.1:{port}/health"))
        .state_dir(state_dir)
        .command(command)
        .timeout(Duration::from_secs(120))
        .on_event(holding);
    let got = if scoped { spec.ensure_scoped() } else { spec.ensure() };
    let (at, used) = (now_ms(), processor_ms() - before);
    tell(&got.as_ref().map_or_else(|_| format!("failed {at}"), |_| format!("back {at} {used}")))?;
    got?;
    if scoped {
        loop {
            std::thread::park();
        }
    }
    Ok(())
}

fn holding(event: &Event) {
    if matches!(event.kind, EventKind::Starting | EventKind::Adopting) {
        let at = now_ms();
        let _ = tell(&format!("held {at}"));
    }
}

fn tell(line: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// The processor time of this process so far, in milliseconds.
fn processor_ms() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1000.0 + time.tv_nsec as f64 / 1_000_000.0
}
