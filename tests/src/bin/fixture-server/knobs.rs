//! The flags.

use std::path::PathBuf;
use std::time::Duration;

use lexopt::prelude::*;
use spawnlock_tests::sys;

pub const HELP: &str = "\
fixture-server: a small HTTP server that behaves, or misbehaves, as told. Times are in milliseconds.

where it listens (one at least; each may be given several times)
  --port N               TCP port
  --host HOST            for all ports; 127.0.0.1 if not given, `localhost` is 127.0.0.1 and ::1
  --unix PATH            Unix socket; an old file there is replaced, and removed on SIGTERM
  --passed               serve the sockets it was passed (LISTEN_FDS); an error when LISTEN_PID is another process
  --no-reuse             bind without SO_REUSEADDR
  --bound-only           bind, never listen
  --no-accept            listen, never accept, with a queue that is already full

what it leaves for the test to read
  --note-accept FILE     write the time (ms since 1970) just before it takes the first connection
  --starts FILE          append one line with the pid, before anything else
  --count-requests FILE  append one line for each health request
  --note-term FILE       append one line when SIGTERM comes
  --note-end FILE        write the time (ms since 1970) just before it ends by itself
  --print TEXT           a line on stderr at the start (repeatable)
  --notify TEXT          once bound, a datagram to NOTIFY_SOCKET; `;` begins a line (repeatable)
  --notify-end TEXT      the same when SIGTERM comes
  --print-bytes N        that many bytes on stdout at the start

how it comes up
  --delay MS             wait before it binds
  --initializing MS      bound, and /health says {\"status\":\"initializing\"} for that long
  --never-healthy        ... and for ever
  --fork-launcher        a launcher: starts the server in the background and exits 0
  --close-fds            close every inherited descriptor from 3 on
  --threads N            that many idle threads: an end takes longer
  --spawn-child          start an idle child in the same group; it inherits all descriptors
  --ensure-self FILE     ask for its own name through the core first; write \"ok\" or the error code to FILE
  --kill-parent          kill -9 the parent, right after --starts
  --kill-parent-when ready   kill -9 the parent just before the first ok is answered

how it ends
  --exit-after MS        exit that long after the start
  --exit-after-ready MS  exit that long after the first ok
  --die-after-first-ok   exit as soon as the first ok is sent
  --orphan MS            --spawn-child --exit-after-ready MS: the child stays behind
  --exit-code N          with this code; 0 if not given
  --signal-self SIG      by this signal instead of exiting
  --ignore-term          SIGTERM does nothing, to the child of --spawn-child neither
  --die-slowly MS        on SIGTERM serve on for that long, then exit
  --hold-socket-late MS  on SIGTERM stop answering, keep the socket that long, then remove it and exit
  --max-life MS          end in any case after that long; 600000 if not given

what /health answers
  --status CODE          HTTP status; 200 if not given
  --word WORD            value of `status`; ok if not given
  --identity KEY=VALUE   one more text field (repeatable)
  --version-field TEXT   the same as --identity version=TEXT
  --answer KIND          slow (a byte a second), endless (a body without end), garbage (no HTTP), redirect (to itself),
                         headers (10 MB of them), long-headers (30 KB, and then ok), gzip (a bomb), reset (RST),
                         silent (nothing), close (nothing, closed)

pages: / (for people), /health, /requests (health requests so far), /pid, /fds (number to link), /env, /limits
";

/// What a health request is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Slow,
    Endless,
    Garbage,
    Redirect,
    Headers,
    LongHeaders,
    Gzip,
    Reset,
    Silent,
    Close,
}

/// The flags of one run.
#[derive(Clone, Debug, Default)]
pub struct Knobs {
    pub ports: Vec<u16>,
    pub hosts: Vec<String>,
    pub sockets: Vec<PathBuf>,
    pub bound_only: bool,
    pub no_accept: bool,
    pub passed: bool,
    pub no_reuse: bool,
    pub note_accept: Option<PathBuf>,
    pub starts: Option<PathBuf>,
    pub count_requests: Option<PathBuf>,
    pub note_term: Option<PathBuf>,
    pub note_end: Option<PathBuf>,
    pub print: Vec<String>,
    pub notify: Vec<String>,
    pub notify_end: Vec<String>,
    pub print_bytes: usize,
    pub delay: Duration,
    pub initializing: Duration,
    pub never_healthy: bool,
    pub fork_launcher: bool,
    pub close_fds: bool,
    pub threads: usize,
    pub spawn_child: bool,
    pub ensure_self: Option<PathBuf>,
    pub kill_parent: bool,
    pub kill_parent_when_ready: bool,
    pub exit_after: Option<Duration>,
    pub exit_after_ready: Option<Duration>,
    pub exit_code: i32,
    pub signal_self: Option<i32>,
    pub ignore_term: bool,
    pub die_slowly: Duration,
    pub hold_socket_late: Option<Duration>,
    pub max_life: Option<Duration>,
    pub status: Option<u16>,
    pub word: Option<String>,
    pub identity: Vec<(String, String)>,
    pub answer: Option<Answer>,
    /// The mode of a child that `--spawn-child` starts.
    pub idle: bool,
}

impl Knobs {
    /// Reads the command line; `None` when only help is wanted.
    pub fn from_args() -> Result<Option<Knobs>, lexopt::Error> {
        let mut knobs = Knobs::default();
        let mut args = lexopt::Parser::from_env();
        while let Some(arg) = args.next()? {
            let Long(flag) = arg else {
                return Err(arg.unexpected());
            };
            match flag.to_owned().as_str() {
                "help" => return Ok(None),
                "port" => knobs.ports.push(args.value()?.parse()?),
                "host" => knobs.hosts.push(args.value()?.string()?),
                "unix" => knobs.sockets.push(args.value()?.into()),
                "bound-only" => knobs.bound_only = true,
                "passed" => knobs.passed = true,
                "no-reuse" => knobs.no_reuse = true,
                "note-accept" => knobs.note_accept = Some(args.value()?.into()),
                "no-accept" => knobs.no_accept = true,
                "starts" => knobs.starts = Some(args.value()?.into()),
                "count-requests" => knobs.count_requests = Some(args.value()?.into()),
                "note-term" => knobs.note_term = Some(args.value()?.into()),
                "note-end" => knobs.note_end = Some(args.value()?.into()),
                "print" => knobs.print.push(args.value()?.string()?),
                "notify" => knobs.notify.push(args.value()?.string()?),
                "notify-end" => knobs.notify_end.push(args.value()?.string()?),
                "print-bytes" => knobs.print_bytes = args.value()?.parse()?,
                "delay" => knobs.delay = millis(&mut args)?,
                "initializing" => knobs.initializing = millis(&mut args)?,
                "never-healthy" => knobs.never_healthy = true,
                "fork-launcher" => knobs.fork_launcher = true,
                "close-fds" => knobs.close_fds = true,
                "threads" => knobs.threads = args.value()?.parse()?,
                "spawn-child" => knobs.spawn_child = true,
                "ensure-self" => knobs.ensure_self = Some(args.value()?.into()),
                "kill-parent" => knobs.kill_parent = true,
                "kill-parent-when" => {
                    knobs.kill_parent_when_ready =
                        args.value()?.parse_with(|when| if when == "ready" { Ok(true) } else { Err("write `ready`") })?
                }
                "exit-after" => knobs.exit_after = Some(millis(&mut args)?),
                "exit-after-ready" => knobs.exit_after_ready = Some(millis(&mut args)?),
                "die-after-first-ok" => knobs.exit_after_ready = Some(Duration::ZERO),
                "orphan" => (knobs.spawn_child, knobs.exit_after_ready) = (true, Some(millis(&mut args)?)),
                "exit-code" => knobs.exit_code = args.value()?.parse()?,
                "signal-self" => {
                    knobs.signal_self = Some(args.value()?.parse_with(|name| sys::signal_number(name).ok_or("no such signal"))?)
                }
                "ignore-term" => knobs.ignore_term = true,
                "die-slowly" => knobs.die_slowly = millis(&mut args)?,
                "hold-socket-late" => knobs.hold_socket_late = Some(millis(&mut args)?),
                "max-life" => knobs.max_life = Some(millis(&mut args)?),
                "status" => knobs.status = Some(args.value()?.parse()?),
                "word" => knobs.word = Some(args.value()?.string()?),
                "identity" => knobs.identity.push(args.value()?.parse_with(field)?),
                "version-field" => knobs.identity.push(("version".to_owned(), args.value()?.string()?)),
                "answer" => knobs.answer = Some(args.value()?.parse_with(answer)?),
                "idle" => knobs.idle = true,
                _ => return Err(Long(flag).unexpected()),
            }
        }
        Ok(Some(knobs))
    }
}

fn millis(args: &mut lexopt::Parser) -> Result<Duration, lexopt::Error> {
    Ok(Duration::from_millis(args.value()?.parse()?))
}

fn field(text: &str) -> Result<(String, String), &'static str> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

fn answer(kind: &str) -> Result<Answer, &'static str> {
    Ok(match kind {
        "slow" => Answer::Slow,
        "endless" => Answer::Endless,
        "garbage" => Answer::Garbage,
        "redirect" => Answer::Redirect,
        "headers" => Answer::Headers,
        "long-headers" => Answer::LongHeaders,
        "gzip" => Answer::Gzip,
        "reset" => Answer::Reset,
        "silent" => Answer::Silent,
        "close" => Answer::Close,
        _ => return Err("no such kind of answer"),
    })
}
