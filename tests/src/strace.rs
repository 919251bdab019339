//! Processes whose system calls are counted, made to fail, or made to be their last.

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::phase::MARKS;

/// Calls that touch nothing which outlives a process: to die at one is to die at the next that is left.
const OF_NO_ACCOUNT: &[&str] = &[
    "brk",
    "mmap",
    "munmap",
    "mprotect",
    "madvise",
    "mremap",
    "futex",
    "getpid",
    "gettid",
    "rt_sigaction",
    "rt_sigprocmask",
    "sigaltstack",
    "sched_getaffinity",
    "sched_yield",
    "rseq",
    "set_robust_list",
    "prctl",
    "clock_nanosleep",
    "restart_syscall",
    "exit",
    "exit_group",
];

/// Whether there is a strace that may trace; says so when not.
pub fn is_here() -> bool {
    let tried = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).stderr(Stdio::null()).status();
    let works = tried.is_ok_and(|status| status.success());
    if !works {
        eprintln!("skipped: there is no strace that may trace");
    }
    works
}

/// One call of a process, by its name and its number among those of this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The name.
    pub call: String,
    /// The number, from 1.
    pub at: usize,
}

/// A command under strace. Its threads are traced as well, each with counts of its own.
#[derive(Clone, Debug)]
pub struct Traced {
    command: Vec<String>,
    injections: Vec<(String, String)>,
    file: Option<PathBuf>,
}

impl Traced {
    /// Nothing done to it yet.
    pub fn new(command: &[String]) -> Self {
        Traced { command: command.to_vec(), injections: Vec::new(), file: None }
    }

    /// With this done to all calls of a name: `error=EIO`, `delay_enter=500`, `signal=SIGKILL:when=3`.
    pub fn inject(mut self, call: &str, what: &str) -> Self {
        self.injections.push((call.to_owned(), what.to_owned()));
        self
    }

    /// Only to those calls that this very file has a part in.
    pub fn of(mut self, file: PathBuf) -> Self {
        self.file = Some(file);
        self
    }

    /// The whole command line.
    pub fn words(&self) -> Vec<String> {
        let mut words: Vec<String> = ["strace", "-f", "-qq", "-o", "/dev/null"].map(str::to_owned).to_vec();
        let calls: Vec<&str> = self.injections.iter().map(|(call, _)| call.as_str()).collect();
        words.extend(["-e".to_owned(), format!("trace={}", calls.join(","))]);
        for (call, what) in &self.injections {
            words.extend(["-e".to_owned(), format!("inject={call}:{what}")]);
        }
        words.extend(self.file.iter().flat_map(|file| ["-P".to_owned(), file.display().to_string()]));
        words.extend(self.command.iter().cloned());
        words
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// When it cannot be run.
    pub fn run(&self) -> Output {
        run(&self.words())
    }

    /// The calls of its main thread from one mark to another, in their order; only how they are numbered is taken from `self`, which
    /// runs once for it.
    ///
    /// # Panics
    /// When it leaves no such marks.
    pub fn steps(&self, from: &str, to: &str) -> Vec<Step> {
        let file = tempfile::NamedTempFile::new().expect("a file for the trace");
        let mut words: Vec<String> = ["strace", "-f", "-qq", "-o", &file.path().display().to_string()].map(str::to_owned).to_vec();
        for (call, what) in &self.injections {
            words.extend(["-e".to_owned(), format!("inject={call}:{what}")]);
        }
        words.extend(self.command.iter().cloned());
        let output = run(&words);
        let steps = between(&fs::read_to_string(file.path()).expect("a trace"), from, to);
        assert!(!steps.is_empty(), "no marks of {from} and {to}: {output:?}");
        steps
    }
}

fn run(words: &[String]) -> Output {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).stdin(Stdio::null());
    command.output().unwrap_or_else(|problem| panic!("cannot run {words:?}: {problem}"))
}

fn between(trace: &str, from: &str, to: &str) -> Vec<Step> {
    let main = trace.split_whitespace().next().unwrap_or_default();
    let mut seen = BTreeMap::<&str, usize>::new();
    let mut steps = Vec::new();
    let mut inside = false;
    for line in trace.lines() {
        let Some((pid, call)) = line.split_once(' ') else { continue };
        let name = call.trim_start().split('(').next().unwrap_or_default();
        // The second half of a call that another thread's cut in two, and news of signals and ends.
        if pid != main || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            continue;
        }
        let count = seen.entry(name).or_default();
        *count += 1;
        if let Some((_, mark)) = call.split_once(MARKS) {
            let is = |phase: &str| mark.starts_with(phase);
            inside = is(from) || (inside && !is(to));
        } else if inside && !OF_NO_ACCOUNT.contains(&name) {
            steps.push(Step { call: name.to_owned(), at: *count });
        }
    }
    steps
}

/// Runs `check` for each of the cases, a few beside each other, and for all of them even when one fails.
///
/// # Panics
/// When one of them does.
pub fn each<T: Sync>(cases: &[T], check: impl Fn(&T) + Sync) {
    let (next, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let checked = catch_unwind(AssertUnwindSafe(|| check(case)));
                    failed.fetch_add(usize::from(checked.is_err()), Ordering::SeqCst);
                }
            });
        }
    });
    let failed = failed.into_inner();
    assert_eq!(failed, 0, "that many of {} cases failed", cases.len());
}

/// Files of a directory, by name.
///
/// # Panics
/// When it cannot be read.
pub fn files_in(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("a directory");
    let mut names: Vec<String> = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
