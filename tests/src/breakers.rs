//! Many who break one stale lock at the same moment, in processes that live for all rounds.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;
use spawnlock::LockKind;

use crate::lock_desk::Desk;
use crate::witness::{LOST, TWO_HOLDERS, Witness};

/// The command lines of the lock contenders there are, without their arguments; ours in Rust is the first.
pub fn contenders() -> Vec<Vec<String>> {
    let given = ["SPAWNLOCK_TEST_NODE_LOCK_CONTENDER", "SPAWNLOCK_TEST_PYTHON_LOCK_CONTENDER"].map(|variable| std::env::var(variable).ok());
    let words = given.into_iter().flatten().map(|text| text.split_whitespace().map(str::to_owned).collect::<Vec<String>>());
    std::iter::once(vec![crate::program("lock-contender").display().to_string()]).chain(words.filter(|words| !words.is_empty())).collect()
}

/// Those who take turns, one process each.
#[derive(Debug)]
pub struct Crew(Vec<Worker>);

#[derive(Debug)]
struct Worker {
    words: Vec<String>,
    child: Child,
    orders: Option<ChildStdin>,
    lines: BufReader<ChildStdout>,
}

/// What came of one round.
#[derive(Debug, Default)]
pub struct Round {
    /// How many had their turn, alone.
    pub turns: usize,
    /// Who met somebody inside, or let go of what was no longer theirs.
    pub not_alone: Vec<Value>,
    /// Who got no lock.
    pub refused: Vec<Value>,
}

impl Crew {
    /// Processes that do as a contender does with `--drive`.
    ///
    /// # Panics
    /// When one cannot be run.
    pub fn start(commands: impl IntoIterator<Item = Vec<String>>) -> Self {
        Crew(commands.into_iter().map(Worker::start).collect())
    }

    /// Contenders in all languages there are, by turns; `wrap` may put something around the one of that number.
    ///
    /// # Panics
    /// When one cannot be run.
    pub fn of_contenders(count: usize, flags: &[&str], wrap: impl Fn(usize, Vec<String>) -> Vec<String>) -> Self {
        let languages = contenders();
        Crew::start((0..count).map(|at| {
            let mut words = languages[at % languages.len()].clone();
            words.extend(["unnamed", "--lock", LockKind::Excl.as_str(), "--drive"].map(str::to_owned));
            words.extend(flags.iter().map(|flag| (*flag).to_owned()));
            wrap(at, words)
        }))
    }

    /// Lets all of them go for a lock, each once, and hears them.
    ///
    /// # Panics
    /// When one has died.
    pub fn round(&mut self, lock: &Path) -> Round {
        let order = format!("{}\n", lock.display());
        for worker in &mut self.0 {
            let orders = worker.orders.as_mut().expect("it is not dismissed");
            orders.write_all(order.as_bytes()).unwrap_or_else(|problem| panic!("{:?} takes no orders: {problem}", worker.words));
        }
        let mut round = Round::default();
        for worker in &mut self.0 {
            let line = worker.hear();
            match line["code"].as_str() {
                None => round.turns += 1,
                Some(TWO_HOLDERS | LOST) => round.not_alone.push(line),
                Some(_) => round.refused.push(line),
            }
        }
        round
    }

    /// How many they are.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

impl Worker {
    fn start(words: Vec<String>) -> Self {
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|problem| panic!("cannot run {words:?}: {problem}"));
        let lines = BufReader::new(child.stdout.take().expect("its output"));
        Worker { orders: child.stdin.take(), lines, child, words }
    }

    fn hear(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap_or_else(|problem| panic!("{:?}: {problem}", self.words));
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("{:?} said {line:?}", self.words))
    }
}

impl Drop for Worker {
    /// A contender ends with its orders; one that hangs does not.
    fn drop(&mut self) {
        drop(self.orders.take());
        if std::thread::panicking() {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

/// One round of theirs on a desk: nobody was inside with another, and each had a turn.
///
/// # Panics
/// When that is not so.
#[track_caller]
pub fn assert_turns(crew: &mut Crew, desk: &Desk, what: &str) {
    let round = crew.round(&desk.path());
    assert!(round.not_alone.is_empty() && round.refused.is_empty(), "{what}: {round:#?}");
    assert_eq!(round.turns, crew.count(), "{what}");
    assert!(!desk.path().exists() && !Witness::path(&desk.path()).exists(), "{what}: {:?} is left", desk.files());
}
