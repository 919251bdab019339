//! Clients in processes of their own.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::outcome::Outcome;
use crate::process::{self, wait_until};
use crate::scene::{Scene, program};

/// In what a contender is written; see CONTENDERS.md.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Language {
    /// The contender of this crate.
    Rust,
    /// The command in `SPAWNLOCK_TEST_NODE_CONTENDER` or `SPAWNLOCK_TEST_PYTHON_CONTENDER`.
    Other(Vec<String>),
    /// `server-init`, from `SPAWNLOCK_TEST_CLI`.
    Cli(String),
}

impl Language {
    /// All that can be run here.
    pub fn all() -> Vec<Language> {
        let given = |variable: &str| std::env::var(variable).ok().filter(|text| !text.trim().is_empty());
        let words = |text: String| text.split_whitespace().map(str::to_owned).collect();
        let mut all = vec![Language::Rust];
        all.extend(given("SPAWNLOCK_TEST_NODE_CONTENDER").map(words).map(Language::Other));
        all.extend(given("SPAWNLOCK_TEST_PYTHON_CONTENDER").map(words).map(Language::Other));
        all.extend(given("SPAWNLOCK_TEST_CLI").map(Language::Cli));
        all
    }
}

/// How to run one client.
#[derive(Debug)]
pub struct Client {
    language: Language,
    flags: Vec<String>,
    gate: Option<PathBuf>,
    wrapper: Vec<String>,
    env: Vec<(String, String)>,
    bare_env: bool,
    own_group: bool,
    server: Vec<String>,
    name: String,
    ready: String,
    state_dir: Option<PathBuf>,
    timeout: Duration,
    restart: bool,
    output: PathBuf,
}

impl Scene {
    /// A server that is started and waited for by nobody: its starter was killed.
    ///
    /// # Panics
    /// When there is no such server.
    #[track_caller]
    pub fn orphaned(&self, flags: &[&str]) -> u32 {
        let limit = Duration::from_secs(20);
        let starter = self.client(flags).start();
        let is_written_down = || self.starts().len() == 1 && self.status().pid == self.starts().first().copied();
        wait_until("the server is being started and its starter has written down its pid", limit, is_written_down);
        process::kill_and_wait(starter.pid());
        starter.finish(limit);
        self.starts()[0]
    }

    /// A client that asks for the scene's server.
    pub fn client(&self, server_flags: &[&str]) -> Client {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        Client {
            language: Language::Rust,
            flags: Vec::new(),
            gate: None,
            wrapper: Vec::new(),
            env: Vec::new(),
            bare_env: false,
            own_group: false,
            server: self.command(server_flags),
            name: self.name().to_owned(),
            ready: self.url(),
            state_dir: Some(self.state_dir()),
            timeout: Duration::from_secs(20),
            restart: false,
            output: self.path(&format!("client-{}", COUNT.fetch_add(1, Ordering::Relaxed))),
        }
    }
}

impl Client {
    /// Written in this language.
    pub fn language(mut self, language: &Language) -> Self {
        self.language = language.clone();
        self
    }

    /// With this timeout.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Restarting the server, as its record tells of it, in place of ensuring it.
    pub fn restarting(mut self) -> Self {
        self.restart = true;
        self
    }

    /// Waiting at this gate first.
    pub fn gate(mut self, gate: PathBuf) -> Self {
        self.gate = Some(gate);
        self
    }

    /// With one more flag of the Rust contender.
    pub fn flag(mut self, words: &[&str]) -> Self {
        self.flags.extend(words.iter().map(|word| (*word).to_owned()));
        self
    }

    /// Run by another program: `strace …`, `setpriv …`, `sh -c … sh`.
    pub fn under(mut self, words: &[&str]) -> Self {
        self.wrapper = words.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    /// Run by a shell after this line; the line may use `"$@"` itself, as in `x=$("$@")`.
    pub fn after_shell(self, line: &str) -> Self {
        let line = if line.contains("\"$@\"") { line.to_owned() } else { format!("{line}; exec \"$@\"") };
        self.under(&["sh", "-c", &line, "sh"])
    }

    /// With one more variable.
    pub fn env(mut self, key: &str, value: impl Into<String>) -> Self {
        self.env.push((key.to_owned(), value.into()));
        self
    }

    /// With no variables but those given.
    pub fn bare_env(mut self) -> Self {
        self.bare_env = true;
        self
    }

    /// In a process group of its own.
    pub fn own_group(mut self) -> Self {
        self.own_group = true;
        self
    }

    /// Checking this in place of the scene's health page.
    pub fn ready(mut self, check: impl Into<String>) -> Self {
        self.ready = check.into();
        self
    }

    /// Starting this in place of the scene's server.
    pub fn server(mut self, command: Vec<String>) -> Self {
        self.server = command;
        self
    }

    /// With this state directory, or with none given.
    pub fn state_dir(mut self, dir: Option<PathBuf>) -> Self {
        self.state_dir = dir;
        self
    }

    fn words(&self) -> Vec<String> {
        let timeout = self.timeout.as_millis();
        let mut words = self.wrapper.clone();
        let contender = |words: &mut Vec<String>| words.push(program("contender").display().to_string());
        match &self.language {
            Language::Rust => contender(&mut words),
            Language::Other(command) => words.extend(command.iter().cloned()),
            Language::Cli(command) => {
                if let Some(gate) = &self.gate {
                    contender(&mut words);
                    words.extend(["--gate".into(), gate.display().to_string(), "--exec".into(), "--".into()]);
                }
                let call = if self.restart { "restart" } else { "ensure" };
                words.extend([command.as_str(), call, &self.name, "--json", "-q", "--timeout", &format!("{timeout}ms")].map(str::to_owned));
            }
        }
        if !matches!(self.language, Language::Cli(_)) {
            words.extend(["--name", &self.name, "--timeout-ms", &timeout.to_string()].map(str::to_owned));
            words.extend(self.gate.iter().flat_map(|gate| ["--gate".into(), gate.display().to_string()]));
        }
        let named = self.restart && matches!(self.language, Language::Cli(_));
        if self.restart && !named {
            words.push("--restart".into());
        }
        if !named {
            words.extend(["--ready".to_owned(), self.ready.clone()]);
        }
        words.extend(self.state_dir.iter().flat_map(|dir| ["--state-dir".into(), dir.display().to_string()]));
        words.extend(self.flags.iter().cloned());
        if !self.restart {
            words.push("--".into());
            words.extend(self.server.iter().cloned());
        }
        words
    }

    /// Starts it.
    ///
    /// # Panics
    /// When it cannot be run.
    #[track_caller]
    pub fn start(self) -> Running {
        let words = self.words();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).stdin(Stdio::null());
        command.stdout(File::create(self.output.with_extension("out")).expect("a file for the line"));
        command.stderr(File::create(self.output.with_extension("err")).expect("a file for the rest"));
        if self.bare_env {
            command.env_clear();
        }
        for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "SPAWNLOCK_STATE_DIR", "SPAWNLOCK_DISABLE", "SPAWNLOCK_READY_TIMEOUT"] {
            command.env_remove(variable);
        }
        command.envs(self.env.iter().cloned());
        if self.own_group {
            command.process_group(0);
        }
        let child = command.spawn().unwrap_or_else(|problem| panic!("cannot run {words:?}: {problem}"));
        Running { child, output: self.output, started: Instant::now() }
    }

    /// Starts it and waits for its end, which must come soon after its timeout.
    #[track_caller]
    pub fn run(self) -> Outcome {
        let limit = self.timeout + Duration::from_secs(10);
        self.start().finish(limit)
    }
}

/// A client on its way.
#[derive(Debug)]
pub struct Running {
    child: Child,
    output: PathBuf,
    started: Instant,
}

impl Running {
    /// Its process, or that of its wrapper.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended.
    ///
    /// # Panics
    /// When it cannot be waited for.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child to wait for").is_some()
    }

    /// What it has printed so far, to `out` or `err`.
    pub fn said(&self, stream: &str) -> String {
        fs::read(self.output.with_extension(stream)).map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default()
    }

    /// Waits for its end and reads what it printed.
    ///
    /// # Panics
    /// When it does not end in time.
    #[track_caller]
    pub fn finish(mut self, limit: Duration) -> Outcome {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child to wait for") {
                break status;
            }
            if start.elapsed() > limit {
                let _ = self.child.kill();
                panic!("a client hung for {limit:?}; it said {:?}", self.said("err"));
            }
            thread::sleep(Duration::from_millis(2));
        };
        let took = self.started.elapsed();
        Outcome { status, took, stdout: self.said("out"), stderr: self.said("err") }
    }
}
