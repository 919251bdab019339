//! The world of one test: a state directory, a port, a gate and the oracle.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use spawnlock::{Event, EventKind, RestartOptions, Server, ServerSpec, StateDir, Status, StopOptions};
use tempfile::TempDir;

use crate::port::{self, Port};
use crate::process::{self, process_alive, wait_until};

/// The name of the server in every scene; it is also the folder of its place.
const NAME: &str = "fixture";
/// Long enough on a busy machine, short enough for a test that hangs.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A world of its own; dropping it kills what was started in it.
#[derive(Debug)]
pub struct Scene {
    dir: TempDir,
    port: Port,
}

/// A program of this crate, beside the test that runs.
///
/// # Panics
/// When it was not built.
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("our own path");
    let built = test.ancestors().skip(1).map(|dir| dir.join(name)).find(|path| path.is_file());
    built.unwrap_or_else(|| panic!("{name} is not built: cargo build -p spawnlock-tests"))
}

impl Scene {
    /// An empty state directory, a free port, no server.
    ///
    /// # Panics
    /// When the system has no room for one.
    #[expect(clippy::new_without_default, reason = "making one claims a port and a directory")]
    pub fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("sl-").tempdir().expect("a temporary directory");
        Scene { dir, port: Port::pick() }
    }

    /// A file in the scene, which need not exist.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The state directory.
    pub fn state_dir(&self) -> PathBuf {
        self.path("state")
    }

    /// The place of the server.
    pub fn place(&self) -> PathBuf {
        self.state_dir().join(NAME)
    }

    /// The name of the server.
    pub fn name(&self) -> &'static str {
        NAME
    }

    /// The port of the server.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Whether a server could bind the port now.
    pub fn port_is_free(&self) -> bool {
        port::is_free(self.port())
    }

    /// The health page of the server.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/health", self.port())
    }

    /// The fixture server with the oracle and these flags, and without an address.
    pub fn fixture(&self, flags: &[&str]) -> Vec<String> {
        let fixture = program("fixture-server").display().to_string();
        let starts = self.path("starts").display().to_string();
        [&[fixture.as_str(), "--starts", starts.as_str()], flags].concat().into_iter().map(str::to_owned).collect()
    }

    /// The fixture server on the scene's port, with the oracle and these flags.
    pub fn command(&self, flags: &[&str]) -> Vec<String> {
        self.fixture(&[&["--port", self.port().to_string().as_str()], flags].concat())
    }

    /// A fixture server that is none of ours, once it is bound. It is asked for no port: to try one is to take it for a moment.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn stranger(&self, command: &[String]) -> Child {
        let bound = self.path("bound");
        let _ = fs::remove_file(&bound);
        let mut fixture = Command::new(&command[0]);
        fixture.args(&command[1..]).arg("--note-accept").arg(&bound).stdin(Stdio::null());
        let child = fixture.spawn().expect("the fixture server");
        wait_until("the stranger is bound", TIMEOUT, || bound.exists());
        child
    }

    /// What a caller asks for: the fixture server with these flags, healthy on its page.
    pub fn spec(&self, flags: &[&str]) -> ServerSpec {
        self.looking().command(self.command(flags))
    }

    /// The same without a command.
    pub fn looking(&self) -> ServerSpec {
        ServerSpec::new(NAME).state_dir(self.state_dir()).ready(self.url()).timeout(TIMEOUT)
    }

    /// The pids of all starts, oldest first: the oracle.
    pub fn starts(&self) -> Vec<u32> {
        let lines = fs::read_to_string(self.path("starts")).unwrap_or_default();
        lines.lines().map(|line| line.parse().expect("a pid in the oracle")).collect()
    }

    /// The starts that live.
    pub fn living(&self) -> Vec<u32> {
        self.starts().into_iter().filter(|pid| process_alive(*pid)).collect()
    }

    /// Every living process of the scene: servers, their children, clients.
    pub fn everybody(&self) -> Vec<u32> {
        process::speaking_of(self.dir.path())
    }

    /// Who watches over the server now.
    pub fn minders(&self) -> Vec<u32> {
        self.everybody().into_iter().filter(|pid| process::words(*pid).get(1).is_some_and(|word| word == "mind")).collect()
    }

    /// Fails unless all processes of the scene end within a few seconds by themselves.
    #[track_caller]
    pub fn assert_nobody_is_left(&self) {
        wait_until("no process of the scene is left", Duration::from_secs(5), || self.everybody().is_empty());
    }

    /// What is known about the server.
    ///
    /// # Panics
    /// When that is an error.
    #[track_caller]
    pub fn status(&self) -> Status {
        self.states().status(NAME).expect("a status")
    }

    /// Stops the server.
    ///
    /// # Errors
    /// Those of the call.
    pub fn stop(&self) -> spawnlock::Result<()> {
        self.states().stop(NAME, &StopOptions::new())
    }

    /// Restarts the server.
    ///
    /// # Errors
    /// Those of the call.
    pub fn restart(&self) -> spawnlock::Result<Server> {
        self.states().restart(NAME, &RestartOptions::new())
    }

    /// Kills the server without a word, and returns when nothing of it lives: a process that is being killed
    /// may have threads that hold its descriptors a moment longer than its main thread.
    ///
    /// # Panics
    /// When there is no such process, or it lives on.
    #[track_caller]
    pub fn crash(&self, pid: u32) {
        process::kill_and_wait(pid);
        let alive = fs::File::open(self.place().join("alive.lock")).expect("an alive lock");
        wait_until("the alive lock is free", Duration::from_secs(5), || alive.try_lock_shared().is_ok());
    }

    /// The state directory, as the library sees it.
    ///
    /// # Panics
    /// When it cannot be used.
    #[track_caller]
    pub fn states(&self) -> StateDir {
        StateDir::new(Some(&self.state_dir())).expect("a state directory")
    }

    /// `server.json`, read.
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    pub fn record(&self) -> Value {
        let text = fs::read(self.place().join("server.json")).expect("a record");
        serde_json::from_slice(&text).expect("a record that is JSON")
    }

    /// Changes fields of `server.json`; they must be there already, so that a test that knows another name of a field fails.
    ///
    /// # Panics
    /// When there is no such record.
    #[track_caller]
    pub fn edit_record(&self, fields: &[(&str, Value)]) {
        let mut record = self.record();
        for (key, value) in fields {
            assert!(record.get(key).is_some(), "the record has no field {key}: {record}");
            record[key] = value.clone();
        }
        fs::write(self.place().join("server.json"), record.to_string()).expect("a record that can be written");
    }

    /// GET of a page of the server, read as JSON.
    ///
    /// # Panics
    /// When there is no such answer.
    #[track_caller]
    pub fn page(&self, path: &str) -> Value {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port())).expect("a server");
        stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a time-out");
        write!(stream, "GET {path} HTTP/1.1\r\nconnection: close\r\n\r\n").expect("a server that reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("a server that answers");
        serde_json::from_str(answer.split_once("\r\n\r\n").expect("an answer").1).expect("a page that is JSON")
    }

    /// Makes the scene's directories passable for other users.
    ///
    /// # Panics
    /// When that fails.
    pub fn open_to_others(&self) {
        set_mode(self.dir.path(), 0o755);
        let starts = self.path("starts");
        fs::File::options().append(true).create(true).open(&starts).expect("the oracle");
        set_mode(&starts, 0o666);
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        // A server that a dying client was about to start may appear after the first look.
        for _ in 0..3 {
            for pid in self.everybody() {
                let _ = Pid::from_raw(pid as i32).map(|pid| kill_process(pid, Signal::KILL));
            }
        }
        if !std::thread::panicking() {
            self.assert_nobody_is_left();
        }
    }
}

/// Sets the mode of a file or directory.
///
/// # Panics
/// When that fails.
#[track_caller]
pub fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode that can be set");
}

/// Collects the events of calls.
#[derive(Clone, Debug, Default)]
pub struct Events(Arc<Mutex<Vec<Event>>>);

impl Events {
    /// The spec, with its events collected here.
    pub fn of(&self, spec: ServerSpec) -> ServerSpec {
        spec.on_event(self.listener())
    }

    /// Collects here what it is told.
    pub fn listener(&self) -> impl Fn(&Event) + Send + Sync + 'static {
        let events = Arc::clone(&self.0);
        move |event| events.lock().expect("no panic in a listener").push(event.clone())
    }

    /// The kinds so far, in order.
    ///
    /// # Panics
    /// When a listener panicked.
    pub fn kinds(&self) -> Vec<EventKind> {
        self.0.lock().expect("no panic in a listener").iter().map(|event| event.kind).collect()
    }

    /// The messages of one kind so far.
    ///
    /// # Panics
    /// When a listener panicked.
    pub fn messages(&self, kind: EventKind) -> Vec<String> {
        let events = self.0.lock().expect("no panic in a listener");
        events.iter().filter(|event| event.kind == kind).map(|event| event.message.clone()).collect()
    }
}
