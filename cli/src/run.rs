//! `server-init run`: a command with its servers, which are stopped with their last user.
#![expect(clippy::disallowed_methods, reason = "the command is the user's, in the foreground, and no server")]

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus};

use spawnlock::{Cancel, Server};

use crate::args::{Common, Run};
use crate::ensure;
use crate::exit;
use crate::progress::Progress;
use crate::signals::Forwarder;
use crate::trouble::{Result, Trouble};

pub fn run(mut args: Run, common: &Common) -> Result<u8> {
    let progress = Progress::new(common);
    let forwarder = Forwarder::new().map_err(Trouble::Output)?;
    args.server.name = args.names.pop();
    let spec = ensure::spec(args.server, common, &progress)?;
    let server = spec.cancel(forwarder.cancel()).on_event(progress.listener()).ensure_scoped();
    progress.clear();
    let servers = [server?];
    let status = with_servers(&args.argv, &servers, &forwarder);
    // It goes whatever is said to us meanwhile.
    servers.iter().for_each(|server| drop(server.leave(&Cancel::new())));
    let status = status.map_err(|cause| Trouble::CannotRun(args.argv[0].clone(), cause))?;
    Ok(status.code().map_or_else(|| exit::signalled(status.signal().unwrap_or_default()), |code| code as u8))
}

fn with_servers(argv: &[String], servers: &[Server], forwarder: &Forwarder) -> io::Result<ExitStatus> {
    let mut command = Command::new(&argv[0]);
    command.args(&argv[1..]).envs(servers.iter().flat_map(variables));
    let mut child: Child = command.spawn()?;
    forwarder.forward_to(child.id());
    child.wait()
}

/// What the command is told of a server: `SPAWNLOCK_API_URL`, `SPAWNLOCK_API_PORT`.
fn variables(server: &Server) -> Vec<(String, String)> {
    let name: String = server.name().chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    let url = server.url().map(|url| (format!("SPAWNLOCK_{name}_URL"), url.to_owned()));
    let port = server.port().map(|port| (format!("SPAWNLOCK_{name}_PORT"), port.to_string()));
    url.into_iter().chain(port).collect()
}
