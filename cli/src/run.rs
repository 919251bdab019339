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

pub fn run(args: Run, common: &Common) -> Result<u8> {
    let progress = Progress::new(common);
    let forwarder = Forwarder::new().map_err(Trouble::Output)?;
    let specs = args.servers().map(|server| ensure::spec(server, common, &progress)).collect::<Result<Vec<_>>>()?;
    let mut servers = Vec::new();
    let all = specs.into_iter().try_for_each(|spec| {
        servers.push(spec.cancel(forwarder.cancel()).on_event(progress.listener()).ensure_scoped()?);
        Ok::<(), spawnlock::Error>(())
    });
    progress.clear();
    let status = all.map(|()| with_servers(&args.argv, &servers, &forwarder));
    // They go whatever is said to us meanwhile; one that came later may need the earlier ones until it is gone.
    servers.iter().rev().for_each(|server| drop(server.leave(&Cancel::new())));
    let status = status?.map_err(|cause| Trouble::CannotRun(args.argv[0].clone(), cause))?;
    Ok(status.code().map_or_else(|| exit::signalled(status.signal().unwrap_or_default()), |code| code as u8))
}

fn with_servers(argv: &[String], servers: &[Server], forwarder: &Forwarder) -> io::Result<ExitStatus> {
    let mut command = Command::new(&argv[0]);
    command.args(&argv[1..]).envs(servers.iter().flat_map(Server::variables));
    let mut child: Child = command.spawn()?;
    forwarder.forward_to(child.id());
    child.wait()
}
