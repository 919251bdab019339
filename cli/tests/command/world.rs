//! What a test needs: a state directory of its own, the command, a server to start, and an end without anything left behind.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Nothing here takes longer on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// One test's directory, and what it started.
pub struct World {
    dir: tempfile::TempDir,
}

impl World {
    pub fn new() -> Self {
        World { dir: tempfile::tempdir().expect("a temporary directory") }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn state_dir(&self) -> PathBuf {
        self.path("state")
    }

    /// The command with these arguments, in an environment that says nothing.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_server-init"));
        command.args(args);
        self.quieten(&mut command);
        command
    }

    /// A line for a shell, in which `$INIT` is the command and `$FIXTURE` the server.
    pub fn shell(&self, line: &str) -> Finished {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", line]).env("INIT", env!("CARGO_BIN_EXE_server-init")).env("FIXTURE", fixture());
        self.quieten(&mut command);
        Finished::from(command.stdin(Stdio::null()).output().expect("a shell"))
    }

    fn quieten(&self, command: &mut Command) {
        for variable in ["CI", "NO_COLOR", "CLICOLOR_FORCE", "GITHUB_ACTIONS", "SPAWNLOCK_READY_TIMEOUT", "SPAWNLOCK_DISABLE"] {
            command.env_remove(variable);
        }
        command.env("SPAWNLOCK_STATE_DIR", self.state_dir()).current_dir(self.dir.path());
    }

    pub fn run(&self, args: &[&str]) -> Finished {
        Finished::of(self.command(args))
    }

    /// The arguments of `ensure` for a fixture server on a socket of this test: `before` stands before the `--`, `knobs` behind the server.
    pub fn ensure(&self, before: &[&str], knobs: &[&str]) -> Vec<String> {
        let socket = self.path("socket").display().to_string();
        let starts = self.path("starts").display().to_string();
        let mut args = vec!["ensure".to_owned(), "api".to_owned(), "--ready".to_owned(), format!("http+unix:{socket}:/health")];
        args.extend(before.iter().map(|word| (*word).to_owned()));
        args.extend(["--".to_owned(), fixture().display().to_string(), "--unix".to_owned(), socket, "--starts".to_owned(), starts]);
        args.extend(knobs.iter().map(|word| (*word).to_owned()));
        args
    }

    pub fn run_ensure(&self, before: &[&str], knobs: &[&str]) -> Finished {
        self.run(&words(&self.ensure(before, knobs)))
    }

    /// The pids of the fixture servers that began.
    pub fn starts(&self) -> Vec<String> {
        fs::read_to_string(self.path("starts")).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// Kills the server that began last, and waits until it is gone.
    pub fn kill_server(&self) {
        let pid = self.starts().pop().expect("a server");
        let number = pid.parse().ok().and_then(rustix::process::Pid::from_raw).expect("a pid");
        rustix::process::kill_process(number, rustix::process::Signal::KILL).expect("a signal to our own server");
        until("its end", || !alive(&pid));
    }

    /// Starts the command and goes on; its stderr goes to a file.
    pub fn begin(&self, args: &[String], stderr: &str) -> Running {
        let told = self.path(stderr);
        let mut command = self.command(&words(args));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(fs::File::create(&told).expect("a file for stderr"));
        Running { child: command.spawn().expect("the command"), told }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.run(&["stop", "--all", "--stop-timeout", "1ms", "-q"]);
    }
}

/// A command that has ended.
pub struct Finished {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Finished {
    fn of(mut command: Command) -> Self {
        Finished::from(command.stdin(Stdio::null()).output().expect("the command"))
    }

    /// stdout as one JSON object.
    pub fn json(&self) -> Value {
        assert_eq!(self.stdout.lines().count(), 1, "one object on one line: {:?}", self.stdout);
        serde_json::from_str(&self.stdout).unwrap_or_else(|problem| panic!("{problem}: {:?}", self.stdout))
    }

    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }
}

impl From<Output> for Finished {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        Finished { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// A command that runs.
pub struct Running {
    child: Child,
    told: PathBuf,
}

impl Running {
    /// Waits until it said so on stderr.
    pub fn wait_until_told(&self, text: &str) {
        until(&format!("`{text}` on stderr"), || self.told().contains(text));
    }

    pub fn told(&self) -> String {
        fs::read_to_string(&self.told).unwrap_or_default()
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).expect("a signal to our own child");
    }

    pub fn finish(self) -> Finished {
        let told = self.told.clone();
        let finished = Finished::from(self.child.wait_with_output().expect("the command"));
        Finished { stderr: fs::read_to_string(told).unwrap_or_default(), ..finished }
    }
}

/// Waits for a condition.
pub fn until(what: &str, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A port nobody listens on.
pub fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr()).expect("a free port").port()
}

pub fn words(args: &[String]) -> Vec<&str> {
    args.iter().map(String::as_str).collect()
}

pub fn alive(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// The fixture server: named in `SPAWNLOCK_FIXTURE`, or built beside the command.
pub fn fixture() -> PathBuf {
    if let Some(named) = std::env::var_os("SPAWNLOCK_FIXTURE") {
        return named.into();
    }
    static BUILT: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    BUILT.get_or_init(|| build(Path::new(env!("CARGO_BIN_EXE_server-init")))).clone()
}

fn build(command: &Path) -> PathBuf {
    let profile = command.parent().expect("a directory of the profile");
    let built = profile.join("fixture-server");
    if !built.exists() {
        let cargo = ["build", "--quiet", "--package", "spawnlock-tests", "--bin", "fixture-server", "--target-dir"];
        let status = Command::new(env!("CARGO")).args(cargo).arg(profile.parent().expect("a target directory")).status();
        assert!(status.is_ok_and(|status| status.success()), "the fixture server cannot be built");
    }
    built
}
