//! How it begins and ends.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::process::{Pid, Signal, kill_process};
use spawnlock_tests::sys;

use crate::health::Server;
use crate::inside;
use crate::knobs::Knobs;

const LONGEST_LIFE: Duration = Duration::from_secs(600);

/// What happens before anything else, in this order: the oracle counts a start even if nothing follows.
pub fn first_acts(knobs: &Knobs) -> io::Result<()> {
    if let Some(starts) = &knobs.starts {
        append_line(starts, &std::process::id().to_string())?;
    }
    if knobs.kill_parent {
        kill_parent();
    }
    for text in &knobs.print {
        eprintln!("{text}");
    }
    print_bytes(knobs.print_bytes)
}

/// Starts what runs beside the server: its end, its child, its question about itself.
pub fn begin(server: &Arc<Server>) -> io::Result<()> {
    let knobs = &server.knobs;
    after(knobs.max_life.unwrap_or(LONGEST_LIFE), || std::process::exit(0));
    if let Some(time) = knobs.exit_after {
        let server = Arc::clone(server);
        after(time, move || end(&server.knobs));
    }
    for _ in 0..knobs.threads {
        after(LONGEST_LIFE, || {});
    }
    if knobs.spawn_child {
        let ignore = knobs.ignore_term.then_some("--ignore-term");
        Command::new(std::env::current_exe()?).arg("--idle").args(ignore).stdin(Stdio::null()).spawn()?;
    }
    if let Some(file) = &knobs.ensure_self {
        std::fs::write(file, format!("{}\n", inside::ensure_ourselves(knobs)))?;
    }
    thread::sleep(knobs.delay);
    Ok(())
}

/// A launcher: the server goes on in the background, with every descriptor that was handed to us.
pub fn launch_and_leave() -> ExitCode {
    let args = std::env::args_os().skip(1).filter(|arg| arg != "--fork-launcher");
    match std::env::current_exe().and_then(|program| Command::new(program).args(args).stdin(Stdio::null()).spawn()) {
        Ok(_) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("fixture-server: cannot launch: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// A child that does nothing but live and hold what it inherited.
pub fn idle(knobs: &Knobs) -> ! {
    if !knobs.ignore_term {
        sys::allow_term();
    }
    thread::sleep(knobs.max_life.unwrap_or(LONGEST_LIFE));
    std::process::exit(0)
}

/// Notes the moment from which on connections are taken.
pub fn note_accept(knobs: &Knobs) -> io::Result<()> {
    let Some(file) = &knobs.note_accept else { return Ok(()) };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    std::fs::write(file, format!("{:.3}\n", now.as_secs_f64() * 1000.0))
}

/// Says each of these to whoever wants to be told, as a datagram.
pub fn notify(words: &[String]) -> io::Result<()> {
    let Some(socket) = std::env::var_os("NOTIFY_SOCKET").filter(|socket| !socket.is_empty()) else { return Ok(()) };
    for text in words {
        UnixDatagram::unbound()?.send_to(text.replace(';', "\n").as_bytes(), Path::new(&socket))?;
    }
    Ok(())
}

/// Ends the process as the flags say.
pub fn end(knobs: &Knobs) -> ! {
    if let Some(file) = &knobs.note_end {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let _ = std::fs::write(file, format!("{:.3}\n", now.as_secs_f64() * 1000.0));
    }
    if let Some(signal) = knobs.signal_self {
        sys::raise(signal);
    }
    std::process::exit(knobs.exit_code)
}

/// Serves until SIGTERM, then ends as the flags say.
pub fn until_term(server: &Server) -> io::Result<()> {
    let knobs = &server.knobs;
    sys::wait_for_term();
    if let Some(file) = &knobs.note_term {
        append_line(file, "term")?;
    }
    let _ = notify(&knobs.notify_end);
    if knobs.ignore_term {
        loop {
            sys::wait_for_term();
        }
    }
    thread::sleep(knobs.die_slowly);
    if let Some(time) = knobs.hold_socket_late {
        server.go_silent();
        thread::sleep(time);
    }
    for socket in &knobs.sockets {
        let _ = std::fs::remove_file(socket);
    }
    end(knobs)
}

/// Runs `what` on a thread of its own, after `time`.
pub fn after(time: Duration, what: impl FnOnce() + Send + 'static) {
    thread::spawn(move || {
        thread::sleep(time);
        what();
    });
}

pub fn kill_parent() {
    if let Some(parent) = rustix::process::getppid().filter(|parent| *parent != Pid::INIT) {
        let _ = kill_process(parent, Signal::KILL);
    }
}

/// One line in one write, so that lines of several processes never mix.
pub fn append_line(file: &Path, line: &str) -> io::Result<()> {
    OpenOptions::new().append(true).create(true).open(file)?.write_all(format!("{line}\n").as_bytes())
}

fn print_bytes(count: usize) -> io::Result<()> {
    let line = [b"x".repeat(99), b"\n".to_vec()].concat();
    let mut out = io::BufWriter::new(io::stdout().lock());
    for _ in 0..count / line.len() {
        out.write_all(&line)?;
    }
    out.write_all(&line[line.len() - count % line.len()..])?;
    out.flush()
}
