//! Taking a lock that nobody wants, and giving it back.

use std::path::Path;

use rustix::fs::{FlockOperation, Mode, OFlags};
use serde_json::{Value, json};
use spawnlock::{LockKind, LockOptions, SpawnLock};
use tempfile::TempDir;

use crate::report::{Report, Row, Target};
use crate::stats::{in_turns, median};
use crate::tools::{Tools, run};
use crate::trouble::Result;

/// Rounds of many calls each: one call is too short for the clock.
const WARM_UP: usize = 5;
const ROUNDS: usize = 60;
const CALLS: usize = 200;
/// Rounds until a just-in-time compiler has seen everything: what is measured is not the interpreter.
const HOSTED_WARM_UP: usize = 60;

/// What other languages time, of the system's own calls, in microseconds.
struct Bare {
    flock: f64,
    excl: f64,
}

pub fn measure(tools: &Tools, report: &mut Report) -> Result<()> {
    let dir = tempfile::Builder::new().prefix("slb-").tempdir_in(tools.root.join("build/bench"))?;
    let bare = rust(&dir, report)?;
    for language in [node, python] {
        if let Err(trouble) = language(tools, &dir, &bare, report) {
            report.without("locks", &*trouble);
        }
    }
    Ok(())
}

fn rust(dir: &TempDir, report: &mut Report) -> Result<Bare> {
    let path = |name: &str| dir.path().join(name);
    let (bare_flock, bare_excl) = (path("bare.flock"), path("bare.excl"));
    let (plain, signed, excl) = (path("plain"), path("signed"), path("excl"));
    let options = LockOptions::new().kind(LockKind::Flock);
    let (anonymous, by_existence) = (options.clone().record_holder(false), options.clone().kind(LockKind::Excl));
    let samples = in_turns(
        WARM_UP,
        ROUNDS,
        &mut [
            &mut || many(|| flock(&bare_flock)),
            &mut || many(|| take(&plain, &anonymous)),
            &mut || many(|| take(&signed, &options)),
            &mut || many(|| exclusive(&bare_excl)),
            &mut || many(|| take(&excl, &by_existence)),
        ],
    )?;
    let each: Vec<f64> = samples.iter().map(|samples| median(samples) * 1000.0 / CALLS as f64).collect();
    let bare = Bare { flock: each[0], excl: each[3] };
    let row =
        |what: &str, ours: f64, beside, against: f64, limit| Row::new(what, "µs", ours).against(beside, against).must(Target::Ratio(limit));
    report.add(row("flock in Rust, holder not recorded", each[1], "open+flock+unlock+close", bare.flock, 1.5));
    report.add(row("flock in Rust", each[2], "open+flock+unlock+close", bare.flock, 4.0));
    report.add(row("existence lock in Rust", each[4], "O_EXCL+write+unlink", bare.excl, 2.5));
    Ok(bare)
}

fn many(mut call: impl FnMut() -> Result<()>) -> Result<()> {
    (0..CALLS).try_for_each(|_| call())
}

fn take(path: &Path, options: &LockOptions) -> Result<()> {
    let released = SpawnLock::acquire(path, options)?.release();
    if released { Ok(()) } else { Err("the lock was lost".into()) }
}

/// What C does with a path: the limit for a path lock.
fn flock(path: &Path) -> Result<()> {
    let file = rustix::fs::open(path, OFlags::RDONLY | OFlags::CREATE | OFlags::CLOEXEC, Mode::RUSR | Mode::WUSR)?;
    rustix::fs::flock(&file, FlockOperation::LockExclusive)?;
    rustix::fs::flock(&file, FlockOperation::Unlock)?;
    Ok(())
}

fn exclusive(path: &Path) -> Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?;
    rustix::io::write(&file, br#"{"pid":12345,"timestamp":1700000000000}"#)?;
    drop(file);
    rustix::fs::unlink(path)?;
    Ok(())
}

fn node(tools: &Tools, dir: &TempDir, bare: &Bare, report: &mut Report) -> Result<()> {
    tools.addon()?;
    let mut command = run(&tools.node()?);
    command.arg(tools.script("scripts/locks.cjs")).arg(&tools.root);
    hosted("Node", command, tools, dir, bare, report)
}

fn python(tools: &Tools, dir: &TempDir, bare: &Bare, report: &mut Report) -> Result<()> {
    tools.module()?;
    let mut command = run(&tools.python()?);
    // The peers live in an environment of their own.
    command.arg(tools.script("scripts/locks.py")).arg(tools.python_peers_path()?);
    hosted("Python", command, tools, dir, bare, report)
}

/// Times what a script knows, ours and its peers, in turns.
fn hosted(
    language: &str,
    mut command: std::process::Command,
    tools: &Tools,
    dir: &TempDir,
    bare: &Bare,
    report: &mut Report,
) -> Result<()> {
    let wish = json!({"dir": dir.path().join(language), "warmUp": HOSTED_WARM_UP, "rounds": ROUNDS / 2, "calls": CALLS});
    let output = command.arg(wish.to_string()).current_dir(tools.root.join("bench")).output()?;
    if !output.status.success() {
        return Err(format!("the script of {language} failed: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let samples: Value = serde_json::from_slice(&output.stdout)?;
    let of = |thing: &str| -> Option<f64> {
        let list: Vec<f64> = samples.get(thing)?.as_array()?.iter().filter_map(Value::as_f64).collect();
        Some(median(&list) * 1000.0)
    };
    let ours = |thing: &str| of(thing).unwrap_or(f64::NAN);
    let row = |what: &str, thing: &str, beside, against, limit| {
        Row::new(format!("{what} in {language}"), "µs", ours(thing)).against(beside, against).must(Target::Ratio(limit))
    };
    report.add(row("flock, holder not recorded,", "plain", "open+flock+unlock+close", bare.flock, 3.0));
    report.add(row("flock", "signed", "open+flock+unlock+close", bare.flock, 6.0));
    report.add(row("existence lock", "excl", "O_EXCL+write+unlink", bare.excl, f64::INFINITY));
    for (peer, kind, limit) in PEERS {
        if let Some(theirs) = of(peer) {
            report.add(row(&format!("… {kind} beside {peer}"), thing_of(kind), peer, theirs, *limit));
        }
    }
    Ok(())
}

/// What a script calls one of our kinds.
fn thing_of(kind: &str) -> &'static str {
    match kind {
        "excl" => "excl",
        "flock" => "signed",
        _ => "plain",
    }
}

/// What the scripts may have found, which of our kinds is to be quicker, and how much. Like fs-ext, without a holder to read; lockfile, which
/// writes nobody down, is to be beaten by the kernel lock, and stands beside the existence lock to be looked at.
const PEERS: &[(&str, &str, f64)] = &[
    ("filelock", "flock", 1.0),
    ("portalocker", "flock", 1.0),
    ("fasteners", "flock", 1.0),
    ("fs-ext", "flock, holder not recorded,", 1.0),
    ("lockfile", "flock", 1.0),
    ("proper-lockfile", "flock", 1.0),
    ("SoftFileLock", "excl", 1.0),
    ("proper-lockfile", "excl", 1.0),
    ("proper-lockfile, async", "excl", 1.0),
    ("lockfile", "excl", f64::INFINITY),
];
