//! One of many daemons that want one socket: claims it, serves it, or exits 0 because another one does. See tests/CONTENDERS.md.

use std::io::{self, Write};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use lexopt::prelude::*;
use serde_json::{Value, json};
use spawnlock::{ErrorCode, Notice, claim_socket, notify};
use spawnlock_tests::{gate, phase};

const HELP: &str = "\
claimer PATH [--gate FILE]

only here:
  --mark      say by a system call where claiming and closing begin and end
";

struct Options {
    path: PathBuf,
    gate: Option<PathBuf>,
    mark: bool,
}

fn main() -> ExitCode {
    let options = match gate::entered("claimer", HELP, read_options(), |options| options.gate.as_deref()) {
        Ok(options) => options,
        Err(code) => return code,
    };
    match options.serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let failure = error.failure();
            say(
                &json!({"ok": false, "code": failure.code.as_str(), "pid": failure.pid, "errno": failure.errno, "message": error.to_string()}),
            );
            ExitCode::from(u8::from(failure.code != ErrorCode::Running))
        }
    }
}

impl Options {
    /// Claims it and answers every client with our pid, until stdin ends.
    fn serve(&self) -> spawnlock::Result<()> {
        self.phase(phase::ACQUIRE);
        let claim = claim_socket(&self.path)?;
        self.phase(phase::HOLD);
        if let Some(listener) = claim.take_listener() {
            thread::spawn(move || answer(&listener));
        }
        notify(&Notice::new().ready(true).port(1).status("claimed"))?;
        say(&json!({"ok": true, "pid": std::process::id()}));
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let still_owned = claim.still_owned();
        notify(&Notice::new().stopping(true))?;
        self.phase(phase::RELEASE);
        let removed = claim.close()?;
        self.phase(phase::END);
        say(&json!({"stillOwned": still_owned, "removed": removed}));
        Ok(())
    }

    fn phase(&self, name: &str) {
        if self.mark {
            phase::mark(name);
        }
    }
}

fn answer(listener: &UnixListener) {
    for stream in listener.incoming().flatten() {
        // Who only looked whether somebody is there has gone by now.
        let _ = writeln!(&stream, "{}", std::process::id());
    }
}

fn say(line: &Value) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

fn read_options() -> Result<Option<Options>, lexopt::Error> {
    let (mut path, mut gate, mut mark) = (None, None, false);
    let mut args = lexopt::Parser::from_env();
    while let Some(arg) = args.next()? {
        match arg {
            Long("help") => return Ok(None),
            Long("gate") => gate = Some(args.value()?.into()),
            Long("mark") => mark = true,
            Value(word) => path = Some(PathBuf::from(word)),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Some(Options { path: path.ok_or("which socket?")?, gate, mark }))
}
