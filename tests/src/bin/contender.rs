//! One client of many: waits at the gate, asks for a server, prints one line. See tests/CONTENDERS.md.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "the bans are for core; a client reads clocks as it likes, and fails loudly"
)]

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use lexopt::prelude::*;
use serde_json::{Value, json};
use spawnlock::{Event, Kick, LockKind, OnLockUnavailable, Port, RestartOptions, Scope, Server, ServerSpec, StateDir};
use spawnlock_tests::gate;

const HELP: &str = "\
contender --name NAME --ready CHECK… --timeout-ms N --state-dir DIR [--gate FILE] -- CMD…

  --gate FILE            append a line with the pid to FILE.waiting, then wait until FILE appears
  --identity JSON        fields of the health answer that make it ours
only here:
  --port PORT, --scope SCOPE, --listen ADDRESS: the options of these names
  --events               a line on stderr for each event
  --lock auto|flock|excl
  --lock-file FILE
  --on-lock-unavailable proceed|fail
  --probe-timeout-ms N
  --break-after-ms N, --stop-timeout-ms N: with --restart
  --restart              restart the server of that name in place of asking for it; without CMD
  --kick                 do not wait; the line has `kick`
  --scoped               for a scope, which ends before the line is printed
  --hold                 wait for the end of stdin before the scope ends, or for ever without one; the line is printed before
  --rounds N             so many scopes, one after the other; in each of them the server must answer
  --exec                 run CMD at the gate in place of asking: for clients that know no gate
";

#[derive(Default)]
struct Options {
    name: String,
    ready: Vec<String>,
    timeout_ms: Option<u64>,
    probe_timeout_ms: Option<u64>,
    state_dir: Option<PathBuf>,
    gate: Option<PathBuf>,
    identity: Option<Value>,
    port: Option<Port>,
    listen: Vec<String>,
    scope: Option<Scope>,
    lock: LockKind,
    lock_file: Option<PathBuf>,
    on_lock_unavailable: OnLockUnavailable,
    events: bool,
    restart: bool,
    kick: bool,
    scoped: bool,
    hold: bool,
    rounds: u32,
    break_after_ms: Option<u64>,
    stop_timeout_ms: Option<u64>,
    exec: bool,
    command: Vec<OsString>,
}

fn main() -> ExitCode {
    let options = match gate::entered("contender", HELP, read_options(), |options| options.gate.as_deref()) {
        Ok(options) => options,
        Err(code) => return code,
    };
    if options.exec {
        return exec(&options.command);
    }
    let (line, code) = ensure(options);
    println!("{line}");
    code
}

fn ensure(options: Options) -> (Value, ExitCode) {
    let start = Instant::now();
    if options.kick {
        return match spec(options).kick() {
            Ok(Kick::Failed(error)) | Err(error) => {
                (json!({"ok": false, "kick": "failed", "code": error.code().as_str()}), ExitCode::FAILURE)
            }
            Ok(kick) => (json!({"ok": true, "kick": kick.state().as_str()}), ExitCode::SUCCESS),
        };
    }
    let (hold, rounds, scoped) = (options.hold, options.rounds, options.scoped);
    let outcome = match (options.restart, scoped) {
        (true, _) => restart(options),
        (false, false) => spec(options).ensure(),
        (false, true) => scopes(&spec(options), rounds),
    };
    let ms = start.elapsed().as_secs_f64() * 1000.0;
    match outcome {
        Ok(server) => {
            let line =
                json!({"ok": true, "origin": server.origin().as_str(), "pid": server.pid(), "generation": server.generation(), "ms": ms});
            if hold {
                println!("{line}");
                std::thread::park();
            }
            (line, ExitCode::SUCCESS)
        }
        Err(error) => (json!({"ok": false, "code": error.code().as_str(), "message": error.to_string(), "ms": ms}), ExitCode::FAILURE),
    }
}

fn spec(options: Options) -> ServerSpec {
    let mut spec = ServerSpec::new(options.name)
        .command(options.command.iter().map(|word| word.to_string_lossy()))
        .lock(options.lock)
        .on_lock_unavailable(options.on_lock_unavailable);
    for check in options.ready {
        spec = spec.ready(check);
    }
    if let Some(ms) = options.timeout_ms {
        spec = spec.timeout(Duration::from_millis(ms));
    }
    if let Some(ms) = options.probe_timeout_ms {
        spec = spec.probe_timeout(Duration::from_millis(ms));
    }
    if let Some(file) = options.lock_file {
        spec = spec.lock_file(file);
    }
    if let Some(port) = options.port {
        spec = spec.port(port);
    }
    for address in options.listen {
        spec = spec.listen(address);
    }
    if let Some(scope) = options.scope {
        spec = spec.scope(scope);
    }
    if let Some(dir) = options.state_dir {
        spec = spec.state_dir(dir);
    }
    if let Some(fields) = options.identity {
        spec = spec.identity(fields);
    }
    if options.events {
        spec = spec.on_event(tell);
    }
    spec
}

/// One scope after the other; the last one is left open.
fn scopes(spec: &ServerSpec, rounds: u32) -> spawnlock::Result<Server> {
    for _ in 1..rounds {
        let server = spec.clone().ensure_scoped()?;
        assert_serves(&server);
        server.release();
    }
    let server = spec.clone().ensure_scoped()?;
    assert_serves(&server);
    Ok(server)
}

/// Fails unless the server that we were given answers, and is the one we were told.
fn assert_serves(server: &Server) {
    use std::io::{Read, Write};
    let mut answer = String::new();
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", server.port().expect("a port"))).expect("a server that serves");
    write!(stream, "GET /pid HTTP/1.1\r\nconnection: close\r\n\r\n").expect("a server that reads");
    stream.read_to_string(&mut answer).expect("a server that answers");
    assert_eq!(answer.rsplit("\r\n").next(), server.pid().map(|pid| pid.to_string()).as_deref());
}

fn restart(options: Options) -> spawnlock::Result<Server> {
    let mut how = RestartOptions::new();
    if let Some(ms) = options.timeout_ms {
        how = how.timeout(Duration::from_millis(ms));
    }
    if let Some(ms) = options.break_after_ms {
        how = how.break_after(Duration::from_millis(ms));
    }
    if let Some(ms) = options.stop_timeout_ms {
        how = how.stop_timeout(Duration::from_millis(ms));
    }
    if options.events {
        how = how.on_event(tell);
    }
    StateDir::new(options.state_dir.as_deref())?.restart(&options.name, &how)
}

fn tell(event: &Event) {
    eprintln!("{} {}", event.kind.as_str(), event.message);
}

fn exec(command: &[OsString]) -> ExitCode {
    let Some((program, args)) = command.split_first() else {
        eprintln!("contender: --exec needs a command");
        return ExitCode::from(2);
    };
    let problem = Command::new(program).args(args).exec();
    eprintln!("contender: cannot run {}: {problem}", program.to_string_lossy());
    ExitCode::from(127)
}

fn read_options() -> Result<Option<Options>, lexopt::Error> {
    let mut options = Options::default();
    let mut args = lexopt::Parser::from_env();
    while let Some(arg) = args.next()? {
        match arg {
            Long("help") => return Ok(None),
            Long("name") => options.name = args.value()?.string()?,
            Long("ready") => options.ready.push(args.value()?.string()?),
            Long("timeout-ms") => options.timeout_ms = Some(args.value()?.parse()?),
            Long("probe-timeout-ms") => options.probe_timeout_ms = Some(args.value()?.parse()?),
            Long("state-dir") => options.state_dir = Some(args.value()?.into()),
            Long("gate") => options.gate = Some(args.value()?.into()),
            Long("identity") => options.identity = Some(args.value()?.parse_with(|text| serde_json::from_str(text))?),
            Long("port") => options.port = Some(args.value()?.parse_with(Port::parse)?),
            Long("scope") => options.scope = Some(args.value()?.parse_with(Scope::parse)?),
            Long("listen") => options.listen.push(args.value()?.string()?),
            Long("lock") => options.lock = args.value()?.parse_with(LockKind::parse)?,
            Long("lock-file") => options.lock_file = Some(args.value()?.into()),
            Long("on-lock-unavailable") => options.on_lock_unavailable = args.value()?.parse_with(OnLockUnavailable::parse)?,
            Long("events") => options.events = true,
            Long("kick") => options.kick = true,
            Long("scoped") => options.scoped = true,
            Long("hold") => options.hold = true,
            Long("rounds") => options.rounds = args.value()?.parse()?,
            Long("restart") => options.restart = true,
            Long("break-after-ms") => options.break_after_ms = Some(args.value()?.parse()?),
            Long("stop-timeout-ms") => options.stop_timeout_ms = Some(args.value()?.parse()?),
            Long("exec") => options.exec = true,
            Value(word) => {
                options.command = std::iter::once(word).chain(args.raw_args()?).collect();
            }
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Some(options))
}
