//! Looking at processes and waiting for them.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Waits until `condition` holds.
///
/// # Panics
/// When it does not hold within `limit`; the message names `what`.
#[track_caller]
pub fn wait_until(what: &str, limit: Duration, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < limit, "waited {limit:?} in vain until {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// The state letter of a process, `Z` for a zombie; `None` when there is none of that number.
pub fn process_state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// Whether the process lives: it is there and no zombie.
pub fn process_alive(pid: u32) -> bool {
    process_state(pid).is_some_and(|state| state != 'Z' && state != 'X')
}

/// The command line of a process; empty when there is none.
pub fn words(pid: u32) -> Vec<String> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

/// When the process began, in the system's own unit.
pub fn start_time(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(19)?.parse().ok()
}

/// The children of a process's main thread, oldest first.
pub fn children(pid: u32) -> Vec<u32> {
    let numbers = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    numbers.split_whitespace().filter_map(|number| number.parse().ok()).collect()
}

/// Signals one process.
///
/// # Panics
/// When there is none to signal, or the name is of no signal.
#[track_caller]
pub fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(pid as i32).expect("a pid"), signal).expect("a process to signal");
}

/// Kills one process and waits until it is gone.
#[track_caller]
pub fn kill_and_wait(pid: u32) {
    signal(pid, Signal::KILL);
    wait_until("the killed process is gone", Duration::from_secs(5), || !process_alive(pid));
}

/// The living processes whose command line or environment speaks of `path`; never ourselves.
pub fn speaking_of(path: &Path) -> Vec<u32> {
    let needle = path.as_os_str().as_encoded_bytes();
    let speaks = |file: String| fs::read(file).is_ok_and(|text| text.windows(needle.len()).any(|part| part == needle));
    let own = std::process::id();
    let numbers = fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    numbers
        .filter(|pid| *pid != own && process_alive(*pid))
        .filter(|pid| speaks(format!("/proc/{pid}/cmdline")) || speaks(format!("/proc/{pid}/environ")))
        .collect()
}

/// Zombies whose parent is this process: what a long-lived host must not collect.
pub fn own_zombies() -> Vec<u32> {
    let own = std::process::id().to_string();
    let is_ours = |pid: &u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z') && rest.split(' ').nth(1) == Some(own.as_str()))
    };
    let numbers = fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    numbers.filter(is_ours).collect()
}
