//! Ten thousand rounds of breakers on one stale lock, for us and for others, as one table: `make breakers`.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "the bans are for core; what measures reads clocks and fails loudly"
)]

use std::fs::{self, OpenOptions};
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use spawnlock::LockKind;
use spawnlock_tests::breakers::{Crew, contenders};
use spawnlock_tests::lock_desk::{Before, Desk};
use spawnlock_tests::process_alive;
use spawnlock_tests::strace::{self, Traced};
use spawnlock_tests::witness::{TWO_HOLDERS, Witness};

const HELP: &str = "\
lock-breakers [--only WORD]       SPAWNLOCK_TEST_ROUNDS rounds, 10000 when it is not set; of those that are delayed, and of others, a tenth
lock-breakers --naive             the usual scheme, driven as a lock contender is with --drive

The peers are taken from SPAWNLOCK_TEST_PROPER_LOCKFILE and SPAWNLOCK_TEST_SOFT_FILE_LOCK, command lines as well.
";
const HOLD: Duration = Duration::from_millis(1);
const FLAGS: &[&str] = &["--hold-ms", "1", "--timeout-ms", "60000", "--stale-after-ms", "60000"];
/// Where a slow breaker does the most harm.
const DELAYS: [(&str, &str); 5] = [
    ("renameat2", "delay_enter=2000"),
    ("linkat", "delay_enter=2000"),
    ("unlink", "delay_enter=2000"),
    ("newfstatat,fstat", "delay_exit=500"),
    ("flock", "delay_exit=1000"),
];

/// A scheme in a row of the table.
struct Scheme {
    name: &'static str,
    /// The part of all rounds that it is given.
    part: usize,
    crew: Box<dyn Fn(usize) -> Option<Crew>>,
    stale: Stale,
}

/// What is put there before a round.
#[derive(Clone)]
enum Stale {
    /// By turns what a killed process of ours left, and garbage that is old.
    Ours,
    /// An old directory.
    Directory,
    /// What a killed process of its own left.
    Text(Vec<u8>),
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--naive"] => naive(),
        [] => table(""),
        ["--only", word] => table(word),
        _ => {
            print!("{HELP}");
            ExitCode::from(2)
        }
    }
}

/// Prints the table, and fails when two of ours were inside together.
fn table(only: &str) -> ExitCode {
    let rounds: usize = std::env::var("SPAWNLOCK_TEST_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(10_000);
    let mut clean = true;
    println!("| scheme | breakers | rounds | rounds with two holders | turns | no lock | time |\n|---|---|---|---|---|---|---|");
    for scheme in schemes().into_iter().filter(|scheme| scheme.name.contains(only)) {
        for breakers in [8, 16] {
            let Some(crew) = (scheme.crew)(breakers) else {
                println!("| {} | {breakers} | not here | | | | |", scheme.name);
                continue;
            };
            let spoiled = row(&scheme, crew, (rounds / scheme.part).max(1));
            clean &= spoiled == 0 || !scheme.name.starts_with("spawnlock");
        }
    }
    if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs one row; how many rounds were spoiled.
fn row(scheme: &Scheme, mut crew: Crew, rounds: usize) -> usize {
    let desk = Desk::new(LockKind::Excl);
    let (mut spoiled, mut turns, mut refused) = (0, 0, 0);
    let start = Instant::now();
    for round in 0..rounds {
        // What a spoiled round left behind is no part of the next.
        let _ = fs::remove_file(Witness::path(&desk.path()));
        clear(&desk.path());
        match &scheme.stale {
            Stale::Ours => desk.put([Before::Killed, Before::Garbage][round % 2]),
            Stale::Directory => desk.put(Before::Directory),
            Stale::Text(text) => fs::write(desk.path(), text).expect("a stale lock"),
        }
        let outcome = crew.round(&desk.path());
        spoiled += usize::from(!outcome.not_alone.is_empty());
        turns += outcome.turns;
        refused += outcome.refused.len();
    }
    let took = start.elapsed().as_secs();
    println!("| {} | {} | {rounds} | {spoiled} | {turns} | {refused} | {took} s |", scheme.name, crew.count());
    spoiled
}

fn clear(path: &Path) {
    let _ = fs::remove_file(path);
    let _ = fs::remove_dir_all(path);
}

fn schemes() -> Vec<Scheme> {
    let native = contenders().remove(0);
    let rust = move |flags: &[&str]| -> Vec<String> {
        let fixed = ["unnamed", "--lock", "excl", "--drive"].into_iter().chain(flags.iter().copied());
        native.iter().cloned().chain(fixed.map(str::to_owned)).collect()
    };
    let (plain, slow) = (rust(FLAGS), rust(FLAGS));
    let ours = std::env::current_exe().expect("our own path").display().to_string();
    vec![
        Scheme {
            name: "spawnlock excl, Rust",
            part: 1,
            crew: Box::new(move |count| Some(Crew::start(vec![plain.clone(); count]))),
            stale: Stale::Ours,
        },
        Scheme { name: "spawnlock excl, languages mixed", part: 1, crew: Box::new(mixed), stale: Stale::Ours },
        Scheme {
            name: "spawnlock excl, system calls delayed",
            part: 10,
            crew: Box::new(move |count| strace::is_here().then(|| Crew::start((0..count).map(|at| delayed(at, slow.clone()))))),
            stale: Stale::Ours,
        },
        Scheme {
            name: "spawnlock excl, languages mixed, system calls delayed",
            part: 10,
            crew: Box::new(|count| {
                let here = strace::is_here() && contenders().len() > 1;
                here.then(|| Crew::of_contenders(count, FLAGS, delayed))
            }),
            stale: Stale::Ours,
        },
        Scheme {
            name: "naive: stale? unlink, create",
            part: 10,
            crew: Box::new(move |count| Some(Crew::start(vec![vec![ours.clone(), "--naive".to_owned()]; count]))),
            stale: Stale::Ours,
        },
        Scheme { name: "proper-lockfile", part: 10, crew: peer("SPAWNLOCK_TEST_PROPER_LOCKFILE"), stale: Stale::Directory },
        Scheme {
            name: "filelock SoftFileLock",
            part: 10,
            crew: peer("SPAWNLOCK_TEST_SOFT_FILE_LOCK"),
            stale: Stale::Text(left_by_a_killed_peer("SPAWNLOCK_TEST_SOFT_FILE_LOCK").unwrap_or_default()),
        },
    ]
}

fn mixed(count: usize) -> Option<Crew> {
    (contenders().len() > 1).then(|| Crew::of_contenders(count, FLAGS, |_, words| words))
}

fn delayed(at: usize, words: Vec<String>) -> Vec<String> {
    match DELAYS.get(at % (2 * DELAYS.len())) {
        Some((call, delay)) => Traced::new(&words).inject(call, delay).words(),
        None => words,
    }
}

fn words_in(variable: &str) -> Option<Vec<String>> {
    let words: Vec<String> = std::env::var(variable).ok()?.split_whitespace().map(str::to_owned).collect();
    (!words.is_empty()).then_some(words)
}

fn peer(variable: &'static str) -> Box<dyn Fn(usize) -> Option<Crew>> {
    Box::new(move |count| Some(Crew::start(vec![words_in(variable)?; count])))
}

/// The file that a peer leaves which is killed while it holds its lock.
fn left_by_a_killed_peer(variable: &str) -> Option<Vec<u8>> {
    let words = words_in(variable)?;
    let desk = Desk::new(LockKind::Excl);
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).args([&desk.path().display().to_string(), "stay"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut holder = command.spawn().ok()?;
    let mut line = String::new();
    io::BufReader::new(holder.stdout.take()?).read_line(&mut line).ok()?;
    holder.kill().ok()?;
    holder.wait().ok()?;
    fs::read(desk.path()).ok()
}

/// The scheme that most scripts have: a lock whose owner is dead, or that makes no sense and is old, is removed, and then made anew.
fn naive() -> ExitCode {
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        let path = PathBuf::from(line);
        let text = format!("{}\n", json!({"pid": std::process::id(), "timestamp": 0}));
        while let Err(problem) =
            OpenOptions::new().write(true).create_new(true).open(&path).and_then(|mut file| file.write_all(text.as_bytes()))
        {
            assert_eq!(problem.kind(), io::ErrorKind::AlreadyExists, "{problem}");
            if is_stale(&path) {
                let _ = fs::remove_file(&path);
            } else {
                thread::sleep(Duration::from_millis(1));
            }
        }
        let alone = Witness::enter(&path).expect("a witness");
        thread::sleep(HOLD);
        let was_alone = alone.is_some();
        if let Some(witness) = alone {
            let _ = witness.leave();
        }
        let _ = fs::remove_file(&path);
        println!("{}", if was_alone { json!({"ok": true}) } else { json!({"ok": false, "code": TWO_HOLDERS}) });
    }
    ExitCode::SUCCESS
}

fn is_stale(path: &Path) -> bool {
    let Ok(text) = fs::read_to_string(path) else { return false };
    match serde_json::from_str::<serde_json::Value>(&text) {
        Ok(holder) => !holder["pid"].as_u64().is_some_and(|pid| process_alive(pid as u32)),
        Err(_) => fs::metadata(path).and_then(|meta| meta.modified()).is_ok_and(|time| time.elapsed().is_ok_and(|age| age.as_secs() > 60)),
    }
}
