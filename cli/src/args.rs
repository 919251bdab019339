//! What the command line may say.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

/// Start a background server exactly once, however many processes ask for it, and share it with all of them.
#[derive(Debug, Parser)]
#[command(name = "server-init", version, after_help = EXAMPLES, subcommand_required = true)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What every subcommand takes.
    #[command(flatten, next_help_heading = "Options of all commands")]
    pub common: Common,
}

/// Options of every subcommand.
#[derive(Debug, ClapArgs)]
pub struct Common {
    /// Print one JSON object, also for failures
    #[arg(long, global = true)]
    pub json: bool,
    /// No progress on stderr; failures are still told
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Tell everything that happens, with its time
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Directory for the state of all names [default: SPAWNLOCK_STATE_DIR, else the platform's own]
    #[arg(long, value_name = "DIR", global = true)]
    pub state_dir: Option<PathBuf>,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Get the server: start it if nobody has, wait until it is ready, print `ok`
    #[command(after_help = ENSURE_EXAMPLES)]
    Ensure(Box<Ensure>),
    /// Tell what is known about a server; exit 3 when it is not running
    #[command(after_help = STATUS_EXAMPLES)]
    Status(Status),
    /// Stop servers and return when they are gone; exit 3 when one is not running
    #[command(after_help = STOP_EXAMPLES)]
    Stop(Stop),
    /// All names that were ever used here
    #[command(after_help = LIST_EXAMPLES)]
    List,
}

/// Options of `ensure`.
#[derive(Debug, ClapArgs)]
pub struct Ensure {
    /// The server's name [default: made from its address, as localhost_1987]
    pub name: Option<String>,
    /// How to tell that it is ready, see below; may be repeated, then all must pass
    #[arg(short, long, value_name = "CHECK")]
    pub ready: Vec<String>,
    /// The port, for the check http://HOST:PORT/health when no --ready is given
    #[arg(short, long, conflicts_with = "ready", value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
    /// The host of that check [default: localhost]
    #[arg(long, conflicts_with = "ready")]
    pub host: Option<String>,
    /// A field of the health answer by which it is known as ours; the value is JSON, or text if it is no JSON
    #[arg(long, value_name = "KEY=VALUE")]
    pub identity: Vec<String>,
    /// A line for /bin/sh instead of a command
    #[arg(long, value_name = "LINE", conflicts_with = "argv")]
    pub shell: Option<String>,
    /// The server's working directory [default: this one]
    #[arg(long, value_name = "DIR")]
    pub cwd: Option<PathBuf>,
    /// Set a variable for the server
    #[arg(short, long, value_name = "KEY=VALUE")]
    pub env: Vec<String>,
    /// Give the server only PATH, HOME and what --env sets
    #[arg(long)]
    pub clean_env: bool,
    /// The server's umask, octal [default: 022]
    #[arg(long, value_name = "MODE")]
    pub umask: Option<String>,
    /// Return as soon as the server is started, ready or not
    #[arg(long)]
    pub no_wait: bool,
    /// How long the whole call may take [default: SPAWNLOCK_READY_TIMEOUT, else 60s]
    #[arg(short, long, value_name = "TIME")]
    pub timeout: Option<String>,
    /// How long one health question may take [default: 5s]
    #[arg(long, value_name = "TIME")]
    pub probe_timeout: Option<String>,
    /// Where the server's output goes [default: server.log in its place]
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// How many of its last lines a failure shows [default: 40]
    #[arg(long, value_name = "N")]
    pub tail_lines: Option<usize>,
    /// What to do where no lock can be had [default: proceed]
    #[arg(long, value_name = "proceed|fail")]
    pub on_lock_unavailable: Option<String>,
    /// Start anyway after having waited this long for the lock [default: never]
    #[arg(long, value_name = "TIME")]
    pub lock_patience: Option<String>,
    /// How long the server may take to end after SIGTERM, before SIGKILL [default: 10s]
    #[arg(long, value_name = "TIME")]
    pub stop_timeout: Option<String>,
    /// Also take PREFIX_PORT, PREFIX_INIT_TIMEOUT, PREFIX_LOCK_TIMEOUT and PREFIX_POLL_INTERVAL (milliseconds)
    #[arg(long, value_name = "PREFIX")]
    pub env_prefix: Option<String>,
    /// Print these facts instead of `ok`, one a line
    #[arg(long, value_name = "FACT", value_delimiter = ',', conflicts_with = "json")]
    pub print: Vec<Fact>,
    /// The program and its arguments; without, nothing is started, only looked for
    #[arg(last = true, value_name = "CMD")]
    pub argv: Vec<String>,
}

/// Options of `status`.
#[derive(Debug, ClapArgs)]
pub struct Status {
    /// The server's name [default: all that run]
    pub name: Option<String>,
    /// Print these facts, one a line
    #[arg(long, value_name = "FACT", value_delimiter = ',', conflicts_with = "json", requires = "name")]
    pub print: Vec<Fact>,
}

/// Options of `stop`.
#[derive(Debug, ClapArgs)]
pub struct Stop {
    /// The names of the servers
    #[arg(value_name = "NAME", required_unless_present = "all", conflicts_with = "all")]
    pub names: Vec<String>,
    /// Stop all that run
    #[arg(long)]
    pub all: bool,
    /// How long a server may take to end after SIGTERM, before SIGKILL [default: 10s]
    #[arg(long, value_name = "TIME")]
    pub stop_timeout: Option<String>,
}

/// One thing known about a server, as `--print` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Fact {
    Name,
    State,
    Health,
    Url,
    Host,
    Port,
    Pid,
    Origin,
    Generation,
    StartedAt,
    ReadyMs,
    Log,
    Place,
}

const EXAMPLES: &str = "\
Examples:
  server-init ensure api --ready http://localhost:1987/health -- node server.js
  server-init status api
  server-init stop api

Exit codes: 0 fine, 1 failed, 2 usage, 3 not running, 124 timeout, 126 and 127 the command cannot be run,
129, 130 and 143 interrupted by SIGHUP, SIGINT and SIGTERM, with everything released.";

const ENSURE_EXAMPLES: &str = "\
Examples:
  server-init ensure api --ready http://localhost:1987/health -- node server.js
  server-init ensure --port 1987 --timeout 30s -- node server.js
  server-init ensure db --ready tcp:localhost:5432 --shell 'exec postgres -D data 2>&1'
  server-init ensure api --ready '{\"http\": \"http://localhost:1987/health\", \"status\": 204}' -- ./api
  url=$(server-init ensure api --port 1987 --print url -- node server.js)
  server-init ensure --env-prefix OCTOCODE -- node server.js

Checks: http://host:port/path, tcp:host:port, unix:/path, http+unix:/path:/page, or a JSON object.
Times have a unit: 30s, 500ms, '1m 30s'.
The server's command stands behind `--`.";

const STATUS_EXAMPLES: &str = "\
Examples:
  server-init status
  server-init status api
  server-init status api --json
  server-init status api --print pid,url";

const STOP_EXAMPLES: &str = "\
Examples:
  server-init stop api
  server-init stop api worker --stop-timeout 30s
  server-init stop --all";

const LIST_EXAMPLES: &str = "\
Examples:
  server-init list
  server-init list --json";
