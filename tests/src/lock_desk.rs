//! A directory with one lock, what may lie there already, and those who want it.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;
use spawnlock::{LockKind, LockOptions, SpawnLock};

use crate::scene::program;
use crate::strace::files_in;

/// After how long what nobody vouches for is stale, in these tests.
pub const STALE_AFTER_MS: u64 = 300;
/// The most that an age may take, and a busy machine besides.
const BOUND: Duration = Duration::from_millis(STALE_AFTER_MS + 5000);

/// What lies at the path of a lock before anybody comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// Nothing.
    Nothing,
    /// What a process left that was killed while it held it.
    Killed,
    /// A text that makes no sense, an hour old.
    Garbage,
    /// A directory, an hour old, as some tools lock.
    Directory,
}

/// A directory with one lock.
#[derive(Debug)]
pub struct Desk {
    dir: PathBuf,
    _made: Option<tempfile::TempDir>,
    /// Of which kind.
    pub kind: LockKind,
}

impl Desk {
    /// An empty one.
    ///
    /// # Panics
    /// When the system has no room for one.
    pub fn new(kind: LockKind) -> Self {
        let made = tempfile::Builder::new().prefix("sl-desk-").tempdir().expect("a temporary directory");
        Desk { dir: made.path().to_owned(), _made: Some(made), kind }
    }

    /// One in a directory that is there already.
    pub fn at(dir: &Path, kind: LockKind) -> Self {
        Desk { dir: dir.to_owned(), _made: None, kind }
    }

    /// One in which something lies already.
    ///
    /// # Panics
    /// As [`Desk::put`].
    pub fn with(kind: LockKind, before: Before) -> Self {
        let desk = Desk::new(kind);
        desk.put(before);
        desk
    }

    /// Puts it there.
    ///
    /// # Panics
    /// When it cannot.
    pub fn put(&self, before: Before) {
        let path = self.path();
        match before {
            Before::Nothing => {}
            Before::Killed => put_whole(&path, left_by_a_killed_process()),
            Before::Garbage => {
                put_whole(&path, b"~~~ no lock of anybody's ~~~");
                make_old(&path);
            }
            Before::Directory => {
                fs::create_dir(&path).expect("a directory");
                make_old(&path);
            }
        }
    }

    /// The lock.
    pub fn path(&self) -> PathBuf {
        self.dir.join("the.lock")
    }

    /// Everything that is there.
    pub fn files(&self) -> Vec<String> {
        files_in(&self.dir)
    }

    /// A contender in Rust, as a command line.
    pub fn contender(&self, flags: &[&str]) -> Vec<String> {
        let stale_after = STALE_AFTER_MS.to_string();
        let fixed = ["--lock", self.kind.as_str(), "--stale-after-ms", &stale_after];
        let mut words = vec![program("lock-contender").display().to_string(), self.path().display().to_string()];
        words.extend(fixed.into_iter().chain(flags.iter().copied()).map(str::to_owned));
        words
    }

    /// How the test itself takes it.
    pub fn options(&self) -> LockOptions {
        LockOptions::new().kind(self.kind).stale_after(Duration::from_millis(STALE_AFTER_MS)).timeout(Duration::from_secs(30))
    }

    /// What is left of a contender blocks nobody: the next one gets the lock within the bound, excludes others meanwhile, and one
    /// more gets it at once after it.
    ///
    /// # Panics
    /// When it does.
    #[track_caller]
    pub fn assert_free(&self, what: &str) {
        let start = Instant::now();
        let next = SpawnLock::acquire(self.path(), &self.options().owner(1)).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(start.elapsed() < BOUND, "{what}: the next one waited {:?}", start.elapsed());
        assert!(next.is_held(), "{what}: {:?}", self.files());
        let other = SpawnLock::try_acquire(self.path(), &self.options().owner(2)).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(other.is_none(), "{what}: a second one got it");
        assert!(next.release(), "{what}: {:?}", self.files());
        self.assert_clean(what);
        let further = SpawnLock::try_acquire(self.path(), &self.options()).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(further.is_some_and(SpawnLock::release), "{what}: a further one is blocked by {:?}", self.files());
    }

    /// Nothing lies there that is not meant to stay.
    ///
    /// # Panics
    /// When something does.
    #[track_caller]
    pub fn assert_clean(&self, what: &str) {
        let excl = self.kind == LockKind::Excl;
        let stays = |name: &str| match name {
            // Of those who waited.
            "the.lock.mutex" | "the.lock.queue" => excl,
            "the.lock" => !excl,
            // Of one that was killed before anything had its name: a mutex, and a lock where the mutex is no kernel lock.
            _ => name.starts_with(".new-mutex-") || name.starts_with("the.lock.new-"),
        };
        let left: Vec<String> = self.files().into_iter().filter(|name| !stays(name)).collect();
        assert!(left.is_empty(), "{what}: {left:?} is left");
    }
}

/// Never half of it, as a lock file should be written.
fn put_whole(path: &Path, text: &[u8]) {
    let new = path.with_extension("whole");
    fs::write(&new, text).expect("a file");
    fs::rename(&new, path).expect("its name");
}

/// Makes a file one hour old.
///
/// # Panics
/// When it cannot.
pub fn make_old(path: &Path) {
    let file = File::open(path).expect("a file to make old");
    file.set_modified(SystemTime::now() - Duration::from_secs(3600)).expect("a time to set");
}

/// The lock file of a process that really held it and was really killed. Made once: what it says stays true.
fn left_by_a_killed_process() -> &'static [u8] {
    static LEFT: OnceLock<Vec<u8>> = OnceLock::new();
    LEFT.get_or_init(|| {
        let desk = Desk::new(LockKind::Excl);
        Stayer::start(&desk).kill();
        fs::read(desk.path()).expect("a lock file")
    })
}

/// A process that holds the lock of a desk until it is told to let go.
#[derive(Debug)]
pub struct Stayer {
    child: Child,
    pid: u32,
}

impl Stayer {
    /// One that holds it.
    ///
    /// # Panics
    /// When it does not get it.
    pub fn start(desk: &Desk) -> Self {
        Stayer::under(&[], desk)
    }

    /// The same, run by another program: `unshare …`.
    ///
    /// # Panics
    /// When it does not get it.
    pub fn under(wrapper: &[&str], desk: &Desk) -> Self {
        let mut words: Vec<String> = wrapper.iter().map(|word| (*word).to_owned()).collect();
        words.extend(desk.contender(&["--stay"]));
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|problem| panic!("cannot run {words:?}: {problem}"));
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("its output")).read_line(&mut line).expect("a line");
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{words:?} said {line:?}"));
        assert_eq!(said["ok"], true, "{words:?} said {line:?}");
        Stayer { pid: said["pid"].as_u64().unwrap_or_default() as u32, child }
    }

    /// Its pid, as it knows it itself.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The process that was started: itself, or what runs it.
    pub fn child(&self) -> u32 {
        self.child.id()
    }

    /// Lets it let go. Whether the lock was its own all the time.
    ///
    /// # Panics
    /// When it cannot be waited for.
    pub fn finish(mut self) -> bool {
        drop(self.child.stdin.take());
        self.child.wait().expect("its end").success()
    }

    /// Kills it.
    ///
    /// # Panics
    /// When it cannot be killed.
    pub fn kill(mut self) {
        // Open until nobody is there any more who could take its end for the word to let go.
        let _orders = self.child.stdin.take();
        self.child.kill().expect("a process to kill");
        self.child.wait().expect("its end");
        let mut rest = String::new();
        self.child.stdout.take().expect("its output").read_to_string(&mut rest).expect("the end of what ran under it");
    }
}

impl Drop for Stayer {
    /// A test that failed leaves nobody behind.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
