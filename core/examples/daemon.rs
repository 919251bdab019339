//! A daemon that is the only one at its socket, however many are started: `daemon PATH`.

use std::io::Write;
use std::process::ExitCode;

use spawnlock::{ErrorCode, Result, claim_socket, notify_ready};

fn main() -> ExitCode {
    let path = std::env::args().nth(1).unwrap_or_else(|| "daemon.sock".to_owned());
    match serve(&path) {
        Ok(()) => ExitCode::SUCCESS,
        // Another one serves: all is well without us.
        Err(error) if error.code() == ErrorCode::Running => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(path: &str) -> Result<()> {
    // Kept for as long as it serves: dropping it removes the socket and lets the next one in.
    let claim = claim_socket(path)?;
    let Some(listener) = claim.take_listener() else { return Ok(()) };
    notify_ready()?;
    for stream in listener.incoming() {
        // A client that has gone is no reason to end.
        let _ = stream.and_then(|mut stream| writeln!(stream, "hello from {}", std::process::id()));
    }
    Ok(())
}
