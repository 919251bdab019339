//! What the command line may say.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::completions;
use crate::facts::{Fact, facts};
use crate::help;
use crate::trouble::{Result, Trouble};
use crate::words::{Word, Words};

/// What a command line asks for.
pub enum Wish {
    Run(Command, Common),
    /// Nothing is said but how: the only server that the project declares.
    Alone(Common),
    /// Help or the version: text for stdout.
    Read(&'static str),
}

/// Options of every subcommand.
#[derive(Debug, Default)]
pub struct Common {
    pub json: bool,
    pub quiet: bool,
    pub verbose: bool,
    pub events: bool,
    pub state_dir: Option<PathBuf>,
}

/// The subcommands.
#[derive(Debug)]
pub enum Command {
    Ensure(Box<Ensure>),
    Run(Box<Run>),
    Status(Status),
    Stop(Stop),
    Restart(Restart),
    Wait(Wait),
    Logs(Logs),
    Prune(Prune),
    List(List),
    Explain(Explain),
    Doctor(Doctor),
    Completions(Completions),
    Man(Man),
    Init(Init),
}

/// What `ensure` was told; [`help::ENSURE`] says what each means.
#[derive(Clone, Debug, Default)]
pub struct Ensure {
    pub name: Option<String>,
    pub ready: Vec<String>,
    pub port: Option<String>,
    pub host: Option<String>,
    pub listen: Vec<String>,
    pub scope: Option<String>,
    pub identity: Vec<String>,
    pub shell: Option<String>,
    pub cwd: Option<PathBuf>,
    pub env: Vec<String>,
    pub clean_env: bool,
    pub umask: Option<String>,
    pub no_wait: bool,
    pub timeout: Option<String>,
    pub probe_timeout: Option<String>,
    pub log: Option<PathBuf>,
    pub tail_lines: Option<usize>,
    pub lock: Option<String>,
    pub lock_file: Option<PathBuf>,
    pub on_lock_unavailable: Option<String>,
    pub lock_patience: Option<String>,
    pub stop_timeout: Option<String>,
    pub stop: Option<String>,
    pub linger: Option<String>,
    pub stop_signal: Option<String>,
    pub reuse: Option<String>,
    pub version: Option<String>,
    pub version_field: Option<String>,
    pub on_mismatch: Option<String>,
    pub unresponsive: Option<String>,
    pub env_prefix: Option<String>,
    pub config: Option<PathBuf>,
    pub dry_run: bool,
    pub print: Vec<Fact>,
    pub argv: Vec<String>,
}

/// What `run` was told: the servers as `ensure` takes them, and the command that uses them.
#[derive(Debug, Default)]
pub struct Run {
    pub names: Vec<String>,
    pub server: Ensure,
    pub argv: Vec<String>,
}

/// What `status` was told.
#[derive(Debug, Default)]
pub struct Status {
    pub name: Option<String>,
    pub print: Vec<Fact>,
}

/// What `stop` was told.
#[derive(Debug, Default)]
pub struct Stop {
    pub names: Vec<String>,
    pub all: bool,
    pub stop_timeout: Option<String>,
}

/// What `restart` was told; [`help::RESTART`] says what each means.
#[derive(Debug, Default)]
pub struct Restart {
    pub name: Option<String>,
    pub if_generation: Option<u64>,
    pub timeout: Option<String>,
    pub stop_timeout: Option<String>,
    pub break_after: Option<String>,
    pub print: Vec<Fact>,
}

/// What `list` was told.
#[derive(Debug, Default)]
pub struct List {
    pub names: bool,
}

/// What `explain` was told.
#[derive(Debug, Default)]
pub struct Explain {
    pub name: Option<String>,
    pub starts: Option<usize>,
}

/// What `doctor` was told.
#[derive(Debug, Default)]
pub struct Doctor {
    pub name: Option<String>,
}

/// What `completions` was told.
#[derive(Debug, Default)]
pub struct Completions {
    pub shell: Option<String>,
}

/// What `man` was told.
#[derive(Debug, Default)]
pub struct Man {
    pub command: Option<String>,
    pub dir: Option<PathBuf>,
}

/// What `init` was told.
#[derive(Debug, Default)]
pub struct Init {
    pub name: Option<String>,
    pub file: Option<PathBuf>,
}

/// What `wait` was told; [`help::WAIT`] says what each means.
#[derive(Debug, Default)]
pub struct Wait {
    pub checks: Vec<String>,
    pub gone: bool,
    pub timeout: Option<String>,
    pub probe_timeout: Option<String>,
}

/// What `logs` was told; [`help::LOGS`] says what each means.
#[derive(Debug, Default)]
pub struct Logs {
    pub name: Option<String>,
    pub lines: Option<usize>,
    pub follow: bool,
    pub all_starts: bool,
}

/// What `prune` was told.
#[derive(Debug, Default)]
pub struct Prune {
    pub dry_run: bool,
}

impl Wish {
    /// Reads the words behind the program's name.
    pub fn read(words: impl Iterator<Item = OsString>) -> Result<Wish> {
        let (mut words, behind) = Words::split(words)?;
        let mut common = Common::default();
        let mut command: Option<Command> = None;
        while let Some(word) = words.next()? {
            let known = match (&word, &mut command) {
                (Word::Flag(flag), _) if flag == "--help" => return Ok(Wish::Read(help::of(command.as_ref()))),
                (Word::Flag(flag), _) if flag == "--version" => return Ok(Wish::Read(help::VERSION)),
                (Word::Bare(name), None) if name == "help" => return help::asked_for(&mut words).map(Wish::Read),
                (Word::Bare(name), None) => Command::named(name).map(|named| command = Some(named)).is_some(),
                (Word::Flag(flag), command) => {
                    common.take(flag, &mut words)? || command.as_mut().map_or(Ok(false), |command| command.take(flag, &mut words))?
                }
                (Word::Bare(name), Some(command)) => command.take_name(name),
            };
            if !known {
                return Err(help::unknown(&word, command.as_ref()));
            }
        }
        let Some(mut command) = command else {
            return if behind.is_empty() { Ok(Wish::Alone(common)) } else { Err(help::no_command()) };
        };
        command.take_behind(behind)?;
        command.check(&common)?;
        Ok(Wish::Run(command, common))
    }
}

impl Common {
    fn take(&mut self, flag: &str, words: &mut Words) -> Result<bool> {
        match flag {
            "--json" => self.json = true,
            "--quiet" => self.quiet = true,
            "--verbose" => self.verbose = true,
            "--events" => self.events = true,
            "--state-dir" => self.state_dir = Some(words.path()?),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Command {
    fn named(name: &str) -> Option<Command> {
        match name {
            "ensure" => Some(Command::Ensure(Box::default())),
            "run" => Some(Command::Run(Box::default())),
            "status" => Some(Command::Status(Status::default())),
            "stop" => Some(Command::Stop(Stop::default())),
            "restart" => Some(Command::Restart(Restart::default())),
            "wait" => Some(Command::Wait(Wait::default())),
            "logs" => Some(Command::Logs(Logs::default())),
            "prune" => Some(Command::Prune(Prune::default())),
            "list" => Some(Command::List(List::default())),
            "explain" => Some(Command::Explain(Explain::default())),
            "doctor" => Some(Command::Doctor(Doctor::default())),
            "completions" => Some(Command::Completions(Completions::default())),
            "man" => Some(Command::Man(Man::default())),
            "init" => Some(Command::Init(Init::default())),
            _ => None,
        }
    }

    fn take(&mut self, flag: &str, words: &mut Words) -> Result<bool> {
        match self {
            Command::Ensure(ensure) => ensure.take(flag, words),
            Command::Run(run) => run.take(flag, words),
            Command::Status(status) => status.take(flag, words),
            Command::Stop(stop) => stop.take(flag, words),
            Command::Restart(restart) => restart.take(flag, words),
            Command::Wait(wait) => wait.take(flag, words),
            Command::Logs(logs) => logs.take(flag, words),
            Command::Prune(prune) => prune.take(flag),
            Command::List(list) => Ok(list.take(flag)),
            Command::Explain(explain) => explain.take(flag, words),
            Command::Man(man) => man.take(flag, words),
            Command::Doctor(_) | Command::Completions(_) => Ok(false),
            Command::Init(init) => init.take(flag, words),
        }
    }

    fn take_name(&mut self, name: &str) -> bool {
        let place = match self {
            Command::Ensure(ensure) => &mut ensure.name,
            Command::Status(status) => &mut status.name,
            Command::Restart(restart) => &mut restart.name,
            Command::Explain(explain) => &mut explain.name,
            Command::Doctor(doctor) => &mut doctor.name,
            Command::Completions(completions) => &mut completions.shell,
            Command::Man(man) => &mut man.command,
            Command::Run(run) if run.names.is_empty() => {
                run.names.extend(name.split(',').filter(|name| !name.is_empty()).map(str::to_owned));
                return true;
            }
            Command::Run(_) => return false,
            Command::Init(init) => &mut init.name,
            Command::Logs(logs) => &mut logs.name,
            Command::Stop(stop) => {
                stop.names.push(name.to_owned());
                return true;
            }
            Command::Wait(wait) => {
                wait.checks.push(name.to_owned());
                return true;
            }
            Command::Prune(_) | Command::List(_) => return false,
        };
        place.is_none() && place.replace(name.to_owned()).is_none()
    }

    fn take_behind(&mut self, behind: Vec<String>) -> Result<()> {
        match self {
            Command::Ensure(ensure) => ensure.argv = behind,
            Command::Run(run) => run.argv = behind,
            _ if !behind.is_empty() => return Err(Trouble::Usage("only `ensure` and `run` take a command behind `--`".to_owned())),
            _ => {}
        }
        Ok(())
    }

    /// What cannot be said together, and what must be said.
    fn check(&self, common: &Common) -> Result<()> {
        let print = match self {
            Command::Ensure(ensure) => &ensure.print[..],
            Command::Status(status) => &status.print[..],
            Command::Restart(restart) => &restart.print[..],
            _ => &[],
        };
        not_both(("--quiet", common.quiet), ("--verbose", common.verbose))?;
        not_both(("--events", common.events), ("--verbose", common.verbose))?;
        not_both(("--events", common.events), ("--quiet", common.quiet))?;
        not_both(("--print", !print.is_empty()), ("--json", common.json))?;
        match self {
            Command::Ensure(ensure) => ensure.check(),
            Command::Run(run) => run.check(),
            Command::Status(status) if status.name.is_none() && !print.is_empty() => {
                Err(Trouble::usage("--print", "needs the NAME of one server"))
            }
            Command::Stop(stop) if stop.names.is_empty() && !stop.all => {
                Err(Trouble::usage("NAME", "is missing: name the servers, or say --all"))
            }
            Command::Stop(stop) => not_both(("--all", stop.all), ("NAME", !stop.names.is_empty())),
            Command::Restart(Restart { name: None, .. })
            | Command::Logs(Logs { name: None, .. })
            | Command::Explain(Explain { name: None, .. }) => Err(Trouble::usage("NAME", "is missing: name the server")),
            Command::Logs(logs) => not_both(("--follow", logs.follow), ("--json", common.json)),
            Command::Wait(wait) if wait.checks.is_empty() => Err(Trouble::usage("CHECK", "is missing: say what to wait for")),
            Command::List(list) => not_both(("--names", list.names), ("--json", common.json)),
            Command::Completions(completions) if completions.shell.is_none() => {
                Err(Trouble::usage("SHELL", format_args!("is missing: write one of {}", completions::SHELLS.join(", "))))
            }
            _ => Ok(()),
        }
    }
}

impl Run {
    /// What it does not take of `ensure`'s: what is printed is the command's, and it cannot run beside a server that is not there yet.
    pub const WITHOUT: &[&str] = &["--print", "--no-wait", "--dry-run"];

    fn take(&mut self, flag: &str, words: &mut Words) -> Result<bool> {
        if Run::WITHOUT.contains(&flag) { Ok(false) } else { self.server.take(flag, words) }
    }

    fn check(&self) -> Result<()> {
        if self.argv.is_empty() {
            return Err(Trouble::usage("CMD", "is missing: write the command that uses the server behind `--`"));
        }
        if self.names.len() > 1 {
            self.server.is_for_several()?;
        }
        self.server.check()
    }

    /// Its servers, each as `ensure` takes one.
    pub fn servers(&self) -> impl Iterator<Item = Ensure> {
        let names: Vec<_> = if self.names.is_empty() { vec![None] } else { self.names.iter().cloned().map(Some).collect() };
        names.into_iter().map(|name| Ensure { name, ..self.server.clone() })
    }
}

impl Ensure {
    fn check(&self) -> Result<()> {
        not_both(("--dry-run", self.dry_run), ("--print", !self.print.is_empty()))?;
        not_both(("--shell", self.shell.is_some()), ("CMD", !self.argv.is_empty()))
    }

    /// Whether nothing in it is what only one server can have.
    fn is_for_several(&self) -> Result<()> {
        let of_one = [
            ("--ready", !self.ready.is_empty()),
            ("--port", self.port.is_some()),
            ("--host", self.host.is_some()),
            ("--listen", !self.listen.is_empty()),
            ("--shell", self.shell.is_some()),
            ("--identity", !self.identity.is_empty()),
            ("--log", self.log.is_some()),
            ("--lock-file", self.lock_file.is_some()),
        ];
        match of_one.into_iter().find(|(_, given)| *given) {
            Some((flag, _)) => Err(Trouble::usage(flag, "is of one server: several are declared in a file")),
            None => Ok(()),
        }
    }

    fn take(&mut self, flag: &str, words: &mut Words) -> Result<bool> {
        match flag {
            "--ready" => self.ready.push(words.text()?),
            "--port" => self.port = Some(words.text()?),
            "--host" => self.host = Some(words.text()?),
            "--listen" => self.listen.push(words.text()?),
            "--scope" => self.scope = Some(words.text()?),
            "--identity" => self.identity.push(words.text()?),
            "--shell" => self.shell = Some(words.text()?),
            "--cwd" => self.cwd = Some(words.path()?),
            "--env" => self.env.push(words.text()?),
            "--clean-env" => self.clean_env = true,
            "--umask" => self.umask = Some(words.text()?),
            "--no-wait" => self.no_wait = true,
            "--timeout" => self.timeout = Some(words.text()?),
            "--probe-timeout" => self.probe_timeout = Some(words.text()?),
            "--log" => self.log = Some(words.path()?),
            "--tail-lines" => self.tail_lines = Some(words.number("a whole number", |_: &usize| true)?),
            "--lock" => self.lock = Some(words.text()?),
            "--lock-file" => self.lock_file = Some(words.path()?),
            "--on-lock-unavailable" => self.on_lock_unavailable = Some(words.text()?),
            "--lock-patience" => self.lock_patience = Some(words.text()?),
            "--stop-timeout" => self.stop_timeout = Some(words.text()?),
            "--stop" => self.stop = Some(words.text()?),
            "--linger" => self.linger = Some(words.text()?),
            "--config" => self.config = Some(words.path()?),
            "--dry-run" => self.dry_run = true,
            "--stop-signal" => self.stop_signal = Some(words.text()?),
            "--reuse" => self.reuse = Some(words.text()?),
            "--server-version" => self.version = Some(words.text()?),
            "--version-field" => self.version_field = Some(words.text()?),
            "--on-mismatch" => self.on_mismatch = Some(words.text()?),
            "--unresponsive" => self.unresponsive = Some(words.text()?),
            "--env-prefix" => self.env_prefix = Some(words.text()?),
            "--print" => self.print.extend(facts(&words.text()?)?),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Status {
    fn take(&mut self, flag: &str, words: &mut Words) -> Result<bool> {
        match flag {
            "--print" => self.print.extend(facts(&words.text()?)?),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Stop {
    fn take(&mut self, flag: &str, words: &mut Words) -> Result<bool> {
        match flag {
            "--all" => self.all = true,
            "--stop-timeout" => self.stop_timeout = Some(words.text()?),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl List {
    fn take(&mut self, flag: &str) -> bool {
        self.names |= flag == "--names";
        flag == "--names"
    }
}

impl Explain {
    fn take(&mut self, flag: &str, words: &mut Words) -> Result<bool> {
        match flag {
            // `-n` is told as the flag of `logs`.
            "--starts" | "--lines" => self.starts = Some(words.number("a whole number from 1 on", |starts: &usize| *starts > 0)?),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Man {
    fn take(&mut self, flag: &str, words: &mut Words) -> Result<bool> {
        match flag {
            "--dir" => self.dir = Some(words.path()?),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Restart {
    fn take(&mut self, flag: &str, words: &mut Words) -> Result<bool> {
        match flag {
            "--if-generation" => self.if_generation = Some(words.number("a whole number", |_: &u64| true)?),
            "--timeout" => self.timeout = Some(words.text()?),
            "--stop-timeout" => self.stop_timeout = Some(words.text()?),
            "--break-after" => self.break_after = Some(words.text()?),
            "--print" => self.print.extend(facts(&words.text()?)?),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Init {
    fn take(&mut self, flag: &str, words: &mut Words) -> Result<bool> {
        match flag {
            "--file" => self.file = Some(words.path()?),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Logs {
    fn take(&mut self, flag: &str, words: &mut Words) -> Result<bool> {
        match flag {
            "--lines" => self.lines = Some(words.number("a whole number", |_: &usize| true)?),
            "--follow" => self.follow = true,
            "--all-starts" => self.all_starts = true,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Wait {
    fn take(&mut self, flag: &str, words: &mut Words) -> Result<bool> {
        match flag {
            "--gone" => self.gone = true,
            "--timeout" => self.timeout = Some(words.text()?),
            "--probe-timeout" => self.probe_timeout = Some(words.text()?),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Prune {
    fn take(&mut self, flag: &str) -> Result<bool> {
        self.dry_run |= flag == "--dry-run";
        Ok(flag == "--dry-run")
    }
}

fn not_both(one: (&str, bool), other: (&str, bool)) -> Result<()> {
    if one.1 && other.1 {
        return Err(Trouble::usage(one.0, format_args!("cannot be combined with `{}`", other.0)));
    }
    Ok(())
}
