//! `worker WHAT PATH TURNS HOLD-MS REST-MS`: one of many that take turns. It tells `loaded`, waits for the end of its stdin, and then
//! tells `turn ASKED GOT GIVES-BACK` for each, in nanoseconds of the monotonic clock, and `done CPU-MS`.
//! `worker WHAT PATH hold`: tells `asking`, waits for the lock, tells `held MS`, and keeps it.

use std::fs::File;
use std::io::{Read, Write};
use std::time::Duration;

use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::time::{ClockId, clock_gettime};
use spawnlock::{LockKind, LockOptions, SpawnLock};

use crate::stats::now_ms;
use crate::trouble::Result;

const LONG: Duration = Duration::from_secs(600);

/// Whatever ends with its drop.
type Guard = Box<dyn std::any::Any>;
type Take<'a> = Box<dyn Fn() -> Result<Guard> + 'a>;

pub fn play(words: &[String]) -> Result<()> {
    match words {
        [what, path, hold] if hold == "hold" => keep(&*taker(what, path)?),
        [what, path, turns, hold, rest] => take_turns(&*taker(what, path)?, turns.parse()?, ms(hold)?, ms(rest)?),
        _ => Err("usage: worker flock|excl|blocking PATH TURNS HOLD-MS REST-MS | hold".into()),
    }
}

fn taker<'a>(what: &str, path: &'a str) -> Result<Take<'a>> {
    if what == "blocking" {
        return Ok(Box::new(move || blocking(path)));
    }
    let options = LockOptions::new().kind(LockKind::parse(what)?).timeout(LONG);
    Ok(Box::new(move || Ok(Box::new(SpawnLock::acquire(path, &options)?))))
}

/// The system's own queue, without anything.
fn blocking(path: &str) -> Result<Guard> {
    let file = File::from(rustix::fs::open(path, OFlags::RDONLY | OFlags::CREATE | OFlags::CLOEXEC, Mode::RUSR | Mode::WUSR)?);
    rustix::fs::flock(&file, FlockOperation::LockExclusive)?;
    Ok(Box::new(file))
}

fn keep(take: &dyn Fn() -> Result<Guard>) -> Result<()> {
    println!("asking");
    let _guard = take()?;
    println!("held {}", now_ms());
    std::thread::sleep(LONG);
    Ok(())
}

fn ms(text: &str) -> Result<Duration> {
    Ok(Duration::from_secs_f64(text.parse::<f64>()? / 1000.0))
}

fn take_turns(take: &dyn Fn() -> Result<Guard>, turns: usize, hold: Duration, rest: Duration) -> Result<()> {
    println!("loaded");
    std::io::stdin().read_to_end(&mut Vec::new())?;
    let before = nanos(ClockId::ProcessCPUTime);
    let mut moments = Vec::with_capacity(turns);
    for _ in 0..turns {
        let asked = nanos(ClockId::Monotonic);
        let guard = take()?;
        let got = nanos(ClockId::Monotonic);
        std::thread::sleep(hold);
        moments.push([asked, got, nanos(ClockId::Monotonic)]);
        drop(guard);
        if !rest.is_zero() {
            std::thread::sleep(rest);
        }
    }
    let used = nanos(ClockId::ProcessCPUTime) - before;
    let mut out = std::io::stdout().lock();
    for [asked, got, back] in moments {
        writeln!(out, "turn {asked} {got} {back}")?;
    }
    Ok(writeln!(out, "done {}", used as f64 / 1e6)?)
}

fn nanos(clock: ClockId) -> i64 {
    let time = clock_gettime(clock);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}
