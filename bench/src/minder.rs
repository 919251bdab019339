//! What a minder takes of the machine while nothing happens.

use std::fs;
use std::thread;
use std::time::Duration;

use crate::report::{Report, Row, Target};
use crate::scene::Scene;
use crate::tools::Tools;
use crate::trouble::Result;

/// Until what follows a start is over.
const SETTLE: Duration = Duration::from_secs(3);
const IDLE: Duration = Duration::from_secs(60);

pub fn measure(tools: &Tools, report: &mut Report) -> Result<()> {
    let scene = Scene::new(&[&tools.fixture()?.display().to_string(), "--port", "PORT"])?;
    let _used = scene.spec().scoped()?;
    let minder = minder_of(&scene)?;
    thread::sleep(SETTLE);
    let before = switches(minder)?;
    thread::sleep(IDLE);
    let switched = switches(minder)? - before;
    report.add(Row::new("minder, idle: resident", "MB", figure(minder, "VmRSS")? / 1000.0 * 1.024).must(Target::Figure(2.0)));
    report.add(Row::new("minder, idle: switches in a minute", "", switched).must(Target::Figure(1.0)));
    Ok(())
}

/// The process that watches over the scene's server: its words name the place.
fn minder_of(scene: &Scene) -> Result<u32> {
    let place = scene.state_dir().display().to_string();
    let is_minder = |pid: &u32| {
        let words = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let mut words = words.split('\0').skip(1);
        words.next() == Some("mind") && words.any(|word| word.starts_with(&place))
    };
    let pids = fs::read_dir("/proc")?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.into_iter().find(is_minder).ok_or_else(|| "nobody watches over the server".into())
}

/// How often the process had the processor taken or gave it up.
fn switches(pid: u32) -> Result<f64> {
    Ok(figure(pid, "voluntary_ctxt_switches")? + figure(pid, "nonvoluntary_ctxt_switches")?)
}

fn figure(pid: u32, key: &str) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    Ok(line.and_then(|rest| rest.split_whitespace().next()).ok_or("the system does not tell")?.parse()?)
}
