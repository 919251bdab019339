//! One of many who want a lock: takes it, shows that nobody else has it, lets go, prints one line. See tests/CONTENDERS.md.
#![allow(clippy::disallowed_methods, reason = "the bans are for core; a contender reads clocks and sleeps as it likes")]

use std::fs::{self, OpenOptions};
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use lexopt::prelude::*;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use spawnlock::{LockKind, LockOptions, SpawnLock};
use spawnlock_tests::witness::{self, Witness};
use spawnlock_tests::{gate, phase};

const HELP: &str = "\
lock-contender PATH --lock auto|flock|excl [--turns N] [--hold-ms N] [--timeout-ms N] [--stale-after-ms N]
               [--break-after-ms N] [--gate FILE] [--log FILE] [--stay | --drive]

  --stay      hold the lock, with the line printed, until stdin ends
  --drive     one turn for each line on stdin, whose text is the path of the lock, and one line for each turn
only here:
  --mark      say by a system call where acquiring and releasing begin and end
  --again     afterwards, whatever came of it, take it once more, as another owner of this process, and tell whether that was had
  --count     tell how many descriptors and threads there were before and are after
";

struct Options {
    path: PathBuf,
    lock: LockOptions,
    turns: u32,
    hold: Duration,
    gate: Option<PathBuf>,
    log: Option<PathBuf>,
    stay: bool,
    drive: bool,
    mark: bool,
    again: bool,
    count: bool,
}

/// What spoiled a turn.
enum Trouble {
    Refused(spawnlock::Error),
    /// Somebody else was inside, or it was no longer ours when we let go.
    NotAlone(&'static str),
    System(io::Error),
}

impl From<io::Error> for Trouble {
    fn from(problem: io::Error) -> Self {
        Trouble::System(problem)
    }
}

impl Trouble {
    fn line(&self) -> Value {
        match self {
            Trouble::Refused(error) => {
                json!({"ok": false, "code": error.code().as_str(), "errno": error.failure().errno, "message": whole_text(error)})
            }
            Trouble::NotAlone(what) => json!({"ok": false, "code": what, "message": "the lock did not exclude"}),
            Trouble::System(problem) => json!({"ok": false, "code": "SYSTEM", "message": problem.to_string()}),
        }
    }

    fn exit(&self) -> ExitCode {
        ExitCode::from(if matches!(self, Trouble::NotAlone(_)) { 3 } else { 1 })
    }
}

fn main() -> ExitCode {
    let options = match gate::entered("lock-contender", HELP, read_options(), |options| options.gate.as_deref()) {
        Ok(options) => options,
        Err(code) => return code,
    };
    let done = if options.drive { options.drive() } else { options.contend() };
    done.unwrap_or_else(|trouble| {
        say(&trouble.line());
        trouble.exit()
    })
}

/// With its causes, as a caller would print it.
fn whole_text(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {}", whole_text(cause)))
}

fn say(line: &Value) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

impl Options {
    /// All turns, and then the one line.
    fn contend(&self) -> Result<ExitCode, Trouble> {
        if self.stay {
            return self.stay();
        }
        let before = usage();
        let start = Instant::now();
        let turns = (0..self.turns).try_fold(None, |_, _| self.turn(&self.path).map(Some));
        let (mut line, code) = match turns {
            Ok(kind) => (done(kind, self.turns, start), ExitCode::SUCCESS),
            Err(trouble) => (trouble.line(), trouble.exit()),
        };
        if self.again {
            let other = self.lock.clone().owner(1).timeout(Duration::from_secs(5));
            line["again"] = json!(SpawnLock::acquire(&self.path, &other).is_ok_and(SpawnLock::release));
        }
        if self.count {
            line["descriptors"] = json!([before.0, usage().0]);
            line["threads"] = json!([before.1, threads_settled(before.1)]);
        }
        say(&line);
        Ok(code)
    }

    fn stay(&self) -> Result<ExitCode, Trouble> {
        let start = Instant::now();
        let lock = self.acquire(&self.path)?;
        let witness = Witness::enter(&self.path)?.ok_or(Trouble::NotAlone(witness::TWO_HOLDERS))?;
        say(&done(Some(lock.kind()), 1, start));
        io::copy(&mut io::stdin().lock(), &mut io::sink())?;
        let is_held = lock.is_held();
        witness.leave()?;
        if is_held && self.release(lock) { Ok(ExitCode::SUCCESS) } else { Err(Trouble::NotAlone(witness::LOST)) }
    }

    /// A turn for each line that comes.
    fn drive(&self) -> Result<ExitCode, Trouble> {
        for line in io::stdin().lock().lines() {
            let line = line?;
            let path = if line.is_empty() { self.path.clone() } else { PathBuf::from(line) };
            let start = Instant::now();
            say(&self.turn(&path).map_or_else(|trouble| trouble.line(), |kind| done(Some(kind), 1, start)));
        }
        Ok(ExitCode::SUCCESS)
    }

    fn turn(&self, path: &Path) -> Result<LockKind, Trouble> {
        let lock = self.acquire(path)?;
        self.note("enter")?;
        let alone = Witness::enter(path)?;
        thread::sleep(self.hold);
        let kind = lock.kind();
        let is_held = lock.is_held();
        let was_alone = alone.is_some();
        if let Some(witness) = alone {
            witness.leave()?;
        }
        self.note("leave")?;
        let was_ours = self.release(lock);
        match (was_alone, is_held && was_ours) {
            (false, _) => Err(Trouble::NotAlone(witness::TWO_HOLDERS)),
            (true, false) => Err(Trouble::NotAlone(witness::LOST)),
            (true, true) => Ok(kind),
        }
    }

    fn acquire(&self, path: &Path) -> Result<SpawnLock, Trouble> {
        self.mark(phase::ACQUIRE);
        let lock = SpawnLock::acquire(path, &self.lock).map_err(Trouble::Refused);
        self.mark(phase::HOLD);
        lock
    }

    fn release(&self, lock: SpawnLock) -> bool {
        self.mark(phase::RELEASE);
        let was_ours = lock.release();
        self.mark(phase::END);
        was_ours
    }

    fn mark(&self, phase: &str) {
        if self.mark {
            phase::mark(phase);
        }
    }

    /// A line in the log, by one write at its end: nobody's line is torn or lost.
    fn note(&self, what: &str) -> io::Result<()> {
        let Some(log) = &self.log else { return Ok(()) };
        let now = clock_gettime(ClockId::Monotonic);
        let line = format!("{what} {} {}\n", std::process::id(), i128::from(now.tv_sec) * 1_000_000_000 + i128::from(now.tv_nsec));
        OpenOptions::new().append(true).create(true).open(log)?.write_all(line.as_bytes())
    }
}

fn done(kind: Option<LockKind>, turns: u32, start: Instant) -> Value {
    let ms = start.elapsed().as_secs_f64() * 1000.0;
    json!({"ok": true, "kind": kind.map(LockKind::as_str), "pid": std::process::id(), "turns": turns, "ms": ms})
}

/// How many descriptors and threads this process has.
fn usage() -> (usize, usize) {
    let count = |dir| fs::read_dir(dir).map_or(0, Iterator::count);
    (count("/proc/self/fd"), count("/proc/self/task"))
}

/// The one that keeps locks fresh ends with the first round that finds none.
fn threads_settled(before: usize) -> usize {
    let start = Instant::now();
    while usage().1 > before && start.elapsed() < Duration::from_secs(10) {
        thread::sleep(Duration::from_millis(2));
    }
    usage().1
}

fn read_options() -> Result<Option<Options>, lexopt::Error> {
    let mut path = None;
    let mut options = Options {
        path: PathBuf::new(),
        lock: LockOptions::new(),
        turns: 1,
        hold: Duration::ZERO,
        gate: None,
        log: None,
        stay: false,
        drive: false,
        mark: false,
        again: false,
        count: false,
    };
    let mut args = lexopt::Parser::from_env();
    while let Some(arg) = args.next()? {
        let lock = options.lock.clone();
        match arg {
            Long("help") => return Ok(None),
            Long("lock") => options.lock = lock.kind(args.value()?.parse_with(LockKind::parse)?),
            Long("timeout-ms") => options.lock = lock.timeout(millis(&mut args)?),
            Long("stale-after-ms") => options.lock = lock.stale_after(millis(&mut args)?),
            Long("break-after-ms") => options.lock = lock.break_after(millis(&mut args)?),
            Long("hold-ms") => options.hold = millis(&mut args)?,
            Long("turns") => options.turns = args.value()?.parse()?,
            Long("gate") => options.gate = Some(args.value()?.into()),
            Long("log") => options.log = Some(args.value()?.into()),
            Long("stay") => options.stay = true,
            Long("drive") => options.drive = true,
            Long("mark") => options.mark = true,
            Long("again") => options.again = true,
            Long("count") => options.count = true,
            Value(word) => path = Some(PathBuf::from(word)),
            _ => return Err(arg.unexpected()),
        }
    }
    options.path = path.ok_or("which lock?")?;
    Ok(Some(options))
}

fn millis(args: &mut lexopt::Parser) -> Result<Duration, lexopt::Error> {
    Ok(Duration::from_millis(args.value()?.parse()?))
}
