//! Locks where only root can arrange it: owners in other pid namespaces and in frozen groups.
//! `make test-root`; each test skips, and says why, where it cannot run.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use spawnlock::{ErrorCode, LockKind, SpawnLock};
use spawnlock_tests::lock_desk::{Desk, Stayer};
use spawnlock_tests::process::start_time;
use spawnlock_tests::root::can;
use spawnlock_tests::wait_until;
use spawnlock_tests::witness::Witness;

const KINDS: [LockKind; 2] = [LockKind::Flock, LockKind::Excl];
const SOON: Duration = Duration::from_secs(15);
/// Runs a program as pid 2 of a pid namespace of its own, with this process's stdin. All in it die with the first that is killed.
const AS_PID_2: &[&str] =
    &["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", "exec 3<&0; \"$@\" <&3 & exec 3<&-; wait $!", "sh"];

#[test]
#[ignore = "needs root: make test-root"]
fn two_that_are_both_pid_2_exclude_each_other() {
    if !can("pid namespace", &["unshare", "--pid", "--fork", "--mount-proc", "true"]) {
        return;
    }
    for kind in KINDS {
        let desk = Desk::new(kind);
        let one = Stayer::under(AS_PID_2, &desk);
        assert_eq!(one.pid(), 2);
        let other = desk.contender(&["--timeout-ms", "1500"]);
        let words: Vec<&str> = AS_PID_2.iter().copied().chain(other.iter().map(String::as_str)).collect();
        let output = Command::new(words[0]).args(&words[1..]).stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("ERR_SPAWNLOCK_LOCK_TIMEOUT"), "{kind:?}: {output:?}");
        assert!(SpawnLock::try_acquire(desk.path(), &desk.options()).unwrap().is_none(), "{kind:?}");
        assert!(one.finish(), "{kind:?}: it was its own all the time");
        desk.assert_free("after both");
    }
}

#[test]
#[ignore = "needs root: make test-root"]
fn one_that_dies_in_another_pid_namespace_is_succeeded() {
    if !can("pid namespace", &["unshare", "--pid", "--fork", "--mount-proc", "true"]) {
        return;
    }
    for kind in KINDS {
        let desk = Desk::new(kind);
        Stayer::under(AS_PID_2, &desk).kill();
        let words: Vec<String> = AS_PID_2.iter().map(|word| (*word).to_owned()).chain(desk.contender(&["--timeout-ms", "15000"])).collect();
        fs::remove_file(Witness::path(&desk.path())).unwrap();
        let output = Command::new(&words[0]).args(&words[1..]).stdin(Stdio::null()).output().unwrap();
        assert!(String::from_utf8_lossy(&output.stdout).contains("\"ok\":true"), "{kind:?}: {output:?}");
        desk.assert_free("after a namespace that died");
    }
}

/// Starts a process of ours with exactly that pid.
fn with_pid(pid: u32) -> Option<Child> {
    for _ in 0..20 {
        fs::write("/proc/sys/kernel/ns_last_pid", (pid - 1).to_string()).ok()?;
        let mut child = Command::new("sleep").arg("100").spawn().unwrap();
        if child.id() == pid {
            return Some(child);
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    None
}

/// In a pid namespace without a /proc of its own, /proc/PID is another process than the one of that pid.
#[test]
#[ignore = "needs root: make test-root"]
fn a_proc_of_another_namespace_makes_no_living_owner_dead() {
    if !can("pid namespace", &["unshare", "--pid", "--fork", "true"]) {
        return;
    }
    let desk = Desk::new(LockKind::Excl);
    let mut stranger = Command::new("sleep").arg("100").spawn().unwrap();
    let pid = stranger.id();
    // The first holds the lock as that pid of its namespace; the second comes when it is told to.
    let holder = Stayer::under(&["unshare", "--pid", "--fork", "--kill-child", "sh", "-c", &in_one_namespace(&desk, pid), "sh"], &desk);
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    let again = (holder.pid() == pid).then(|| with_pid(pid)).flatten();
    let Some(mut another) = again else {
        eprintln!("skipped: no process gets the pid that it should");
        holder.kill();
        return;
    };
    assert!(start_time(pid).is_some());
    fs::write(desk.path().with_extension("go"), "").unwrap();
    let second = desk.path().with_extension("second");
    wait_until("the second has said its line", SOON, || fs::read_to_string(&second).is_ok_and(|line| line.ends_with('\n')));
    let said = fs::read_to_string(&second).unwrap();
    another.kill().unwrap();
    another.wait().unwrap();
    holder.kill();
    assert!(said.contains("ERR_SPAWNLOCK_LOCK_TIMEOUT"), "the first lives and holds it: {said}");
}

/// A script that runs a contender with that very pid, and beside it, when it is told to, a second one.
fn in_one_namespace(desk: &Desk, pid: u32) -> String {
    let (go, second) = (desk.path().with_extension("go"), desk.path().with_extension("second"));
    let rival = desk.contender(&["--timeout-ms", "1500"]).join(" ");
    format!(
        "exec 3<&0; echo {} > /proc/sys/kernel/ns_last_pid; \"$@\" <&3 & first=$!; exec 3<&-
         while ! [ -e {} ]; do kill -0 $first || exit 1; sleep 0.02; done
         {rival} > {}; wait $first",
        pid - 1,
        go.display(),
        second.display(),
    )
}

/// A cgroup whose processes can be frozen.
struct Freezer {
    dir: PathBuf,
    state: PathBuf,
    words: [&'static str; 2],
}

impl Freezer {
    fn new() -> Option<Self> {
        let name = format!("spawnlock-test-{}", std::process::id());
        let v1 = Path::new("/sys/fs/cgroup/freezer").join(&name);
        let v2 = Path::new("/sys/fs/cgroup").join(&name);
        for (dir, file, words) in [(v1, "freezer.state", ["FROZEN", "THAWED"]), (v2, "cgroup.freeze", ["1", "0"])] {
            if fs::create_dir(&dir).is_ok() {
                let state = dir.join(file);
                if state.exists() {
                    return Some(Freezer { dir, state, words });
                }
                let _ = fs::remove_dir(dir);
            }
        }
        eprintln!("skipped: no cgroup can be frozen here");
        None
    }

    fn freeze(&self, pid: u32) {
        fs::write(self.dir.join("cgroup.procs"), pid.to_string()).unwrap();
        fs::write(&self.state, self.words[0]).unwrap();
        let events = self.dir.join("cgroup.events");
        let is_frozen = || {
            let state = fs::read_to_string(&self.state).unwrap();
            if self.words[0] == "1" { fs::read_to_string(&events).unwrap().contains("frozen 1") } else { state.trim() == "FROZEN" }
        };
        wait_until("it is frozen", SOON, is_frozen);
    }

    fn thaw(&self) {
        fs::write(&self.state, self.words[1]).unwrap();
    }
}

impl Drop for Freezer {
    fn drop(&mut self) {
        self.thaw();
        for _ in 0..100 {
            if fs::remove_dir(&self.dir).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
#[ignore = "needs root: make test-root"]
fn an_owner_whose_whole_group_is_frozen_keeps_its_lock() {
    let Some(freezer) = Freezer::new() else { return };
    for kind in KINDS {
        let desk = Desk::new(kind);
        let holder = Stayer::start(&desk);
        freezer.freeze(holder.pid());
        let waiting = desk.options().timeout(Duration::from_millis(1500));
        assert_eq!(SpawnLock::acquire(desk.path(), &waiting).unwrap_err().code(), ErrorCode::LockTimeout, "{kind:?}");
        freezer.thaw();
        assert!(holder.finish(), "{kind:?}: after the thaw it holds it still");
        desk.assert_free("after the thaw");
    }
}
