//! From the death of a lock's holder to the next one that holds it.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::cut::Cut;
use crate::report::{Report, Row, Target};
use crate::scene::Scene;
use crate::stats::{median, now_ms};
use crate::told::Told;
use crate::tools::{Tools, run};
use crate::trouble::Result;

const ROUNDS: usize = 40;
/// Locks of proper-lockfile that lose their holder, each at another moment between two of its refreshes.
const PROPER_ROUNDS: u32 = 8;
const PROPER_STAGGER: Duration = Duration::from_millis(600);
const DEADLINE: Duration = Duration::from_secs(10);
/// After this long a peer counts as one that never finds its holder dead.
const ENOUGH: Duration = Duration::from_secs(20);

/// The runs of holders of one lock: each waits for the death of the one before.
pub struct Chain<'a> {
    next: Box<dyn Fn() -> Result<Command> + 'a>,
    /// Whether a process that is asking has come to wait.
    waits: fn(u32) -> bool,
    holder: Told,
}

impl<'a> Chain<'a> {
    pub fn begin(next: impl Fn() -> Result<Command> + 'a, waits: fn(u32) -> bool) -> Result<Self> {
        let mut holder = Told::start(&mut next()?)?;
        holder.hear("held")?;
        Ok(Chain { next: Box::new(next), waits, holder })
    }

    /// Starts the next holder, kills the present one when the next has waited for `phase`, and gives the time in between.
    pub fn hand_over(&mut self, phase: Duration) -> Result<f64> {
        let mut next = Told::start(&mut (self.next)()?)?;
        next.hear("asking")?;
        let begin = Instant::now();
        while !(self.waits)(next.pid()) {
            if begin.elapsed() > DEADLINE {
                return Err("the next holder never came to wait".into());
            }
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(phase);
        let killed_at = now_ms();
        self.holder.kill()?;
        // A lock that goes by an age, or by nothing, may never find its holder dead.
        let _cut = Cut::after(ENOUGH, vec![next.pid()]);
        let held = next.hear("held").map_err(|_| format!("never found its holder dead within {} s", ENOUGH.as_secs()))?;
        let held_at = *held.first().ok_or("no moment")?;
        self.holder = next;
        Ok(held_at - killed_at)
    }
}

pub fn measure(tools: &Tools, report: &mut Report) -> Result<()> {
    let scene = Scene::slow(tools, "never", "early")?;
    let dir = tempfile::Builder::new().prefix("slb-").tempdir()?;
    let mut ours = Chain::begin(|| Ok(client(tools, &scene)), has_watch)?;
    let mut filelock = Chain::begin(|| holder_in_python(tools, &dir), |_| true)?;
    let mut samples = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        // Another phase every round, so that nobody's poll is met at the same point.
        let phase = Duration::from_millis(30 + (round as u64 * 17) % 50);
        samples.0.push(ours.hand_over(phase)?);
        samples.1.push(filelock.hand_over(phase)?);
    }
    let row = Row::new("holder killed → next holder", "ms", median(&samples.0)).against("filelock", median(&samples.1));
    report.add(row.against("proper-lockfile", median(&proper_lockfile(tools, &dir)?)).must(Target::Figure(5.0)));
    Ok(())
}

fn client(tools: &Tools, scene: &Scene) -> Command {
    let mut command = run(&tools.ourselves);
    command.args(["client", &scene.port.to_string()]).arg(scene.state_dir()).args(&scene.server);
    command
}

/// A client that waits for the lock has a watch on it.
fn has_watch(pid: u32) -> bool {
    let links = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    links.filter_map(|fd| std::fs::read_link(fd.path()).ok()).any(|target| target.as_os_str() == "anon_inode:inotify")
}

fn holder_in_python(tools: &Tools, dir: &TempDir) -> Result<Command> {
    let mut command = run(&tools.python_with_peers()?);
    command.arg(tools.script("peers/filelock_holder.py")).arg(dir.path().join("filelock"));
    Ok(command)
}

/// It finds a dead holder only by a time-out, so several locks lose theirs beside each other.
fn proper_lockfile(tools: &Tools, dir: &TempDir) -> Result<Vec<f64>> {
    tools.node_peer("proper-lockfile")?;
    let node = tools.node()?;
    let round = |number: u32| {
        let mut command = run(&node);
        command.arg(tools.script("peers/proper-lockfile.cjs")).arg(dir.path().join(format!("proper-{number}")));
        command
    };
    let hand_over = &|number: u32| Chain::begin(|| Ok(round(number)), |_| true)?.hand_over(PROPER_STAGGER * number);
    thread::scope(|scope| {
        let hand_over = |number| scope.spawn(move || hand_over(number));
        let chains: Vec<_> = (0..PROPER_ROUNDS).map(hand_over).collect();
        chains.into_iter().map(|chain| chain.join().map_err(|_| "a measurement panicked")?).collect()
    })
}
