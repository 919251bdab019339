//! Gets a server by name: `cargo run --example ensure -- http://localhost:8123/ python3 -m http.server 8123`

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let Some(ready) = words.next() else {
        eprintln!("usage: ensure READY COMMAND…");
        return ExitCode::from(2);
    };
    let spec = spawnlock::ServerSpec::unnamed()
        .ready(ready)
        .command(words)
        .on_event(|event| eprintln!("{}: {}", event.kind.as_str(), event.message));
    match spec.ensure() {
        Ok(server) => {
            println!("{} {} pid {:?} at {}", server.name(), server.origin().as_str(), server.pid(), server.url().unwrap_or("-"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error:?}");
            ExitCode::FAILURE
        }
    }
}
