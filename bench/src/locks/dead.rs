//! From the death of a lock's holder to the next one that holds it.

use std::time::Duration;

use crate::locks::kinds::{Kind, OURS, PEERS};
use crate::report::{Report, Row, Target};
use crate::stats::{median, now_ms};
use crate::told::Told;
use crate::tools::Tools;
use crate::trouble::Result;

const ROUNDS: u32 = 15;
/// After this long a peer counts as one that never finds its holder dead.
const ENOUGH: Duration = Duration::from_secs(20);

pub fn measure(tools: &Tools, report: &mut Report) -> Result<()> {
    for kind in OURS {
        let limit = if kind.name.contains("excl") { 50.0 } else { 5.0 };
        report.add(
            Row::new(format!("dead holder → next, {}", kind.name), "ms", hand_overs(tools, kind, ROUNDS)?).must(Target::Figure(limit)),
        );
    }
    for kind in PEERS {
        // Those who go by an age are waited for once.
        let rounds = if matches!(kind.name, "proper-lockfile" | "lockfile") { 1 } else { ROUNDS };
        match hand_overs(tools, kind, rounds) {
            Ok(figure) => report.add(Row::new(format!("dead holder → next, {}", kind.name), "ms", figure)),
            Err(trouble) => report.without(kind.name, &*trouble),
        }
    }
    Ok(())
}

/// The median of some deaths, each at another moment of the waiter's polls.
fn hand_overs(tools: &Tools, kind: &Kind, rounds: u32) -> Result<f64> {
    let dir = tempfile::Builder::new().prefix("slb-").tempdir_in(tools.root.join("build/bench"))?;
    let path = dir.path().join("the.lock").display().to_string();
    let start = || Told::start(&mut kind.command(tools, &[&path, "hold"])?);
    let mut holder = start()?;
    holder.hear("held")?;
    let mut samples = Vec::new();
    for round in 0..rounds {
        let mut next = start()?;
        next.hear("asking")?;
        std::thread::sleep(Duration::from_millis(150 + u64::from(round) * 17));
        let killed_at = now_ms();
        holder.kill()?;
        samples.push(within(&mut next, ENOUGH, kind)? - killed_at);
        holder = next;
    }
    Ok(median(&samples))
}

/// When it holds the lock; an error when it does not come to that.
fn within(next: &mut Told, limit: Duration, kind: &Kind) -> Result<f64> {
    let pid = next.pid();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            if told.recv_timeout(limit).is_err()
                && let Some(pid) = rustix::process::Pid::from_raw(pid as i32)
            {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        });
        let held = next.hear("held");
        let _ = tell.send(());
        let held = held.map_err(|_| format!("{} never found its holder dead within {} s", kind.name, limit.as_secs()))?;
        Ok(held.first().copied().ok_or("no moment")?)
    })
}
