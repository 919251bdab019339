//! Sockets: bound, listening, full, as told.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, listen, socket_with};

use spawnlock_tests::sys;

use crate::health::Server;
use crate::http;
use crate::knobs::Knobs;

pub enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
    /// Held, and never read from.
    Mute(#[allow(dead_code, reason = "open is all it has to be")] Vec<OwnedFd>),
}

/// Binds everything; the error reads as Node's does.
pub fn bind_all(knobs: &Knobs) -> io::Result<Vec<Listener>> {
    let hosts = hosts(&knobs.hosts)?;
    let mut listeners = Vec::new();
    for port in &knobs.ports {
        for host in &hosts {
            let address = SocketAddr::new(*host, *port);
            listeners.push(bind_tcp(knobs, address).map_err(|error| named(error, &address.to_string()))?);
        }
    }
    for path in &knobs.sockets {
        let _ = std::fs::remove_file(path);
        listeners.push(bind_unix(knobs, path).map_err(|error| named(error, &path.display().to_string()))?);
    }
    if knobs.passed {
        listeners.extend(sys::passed()?.into_iter().map(from_fd));
    }
    Ok(listeners)
}

fn from_fd(socket: OwnedFd) -> Listener {
    match rustix::net::getsockname(&socket).is_ok_and(|name| SocketAddrUnix::try_from(name).is_ok()) {
        true => Listener::Unix(socket.into()),
        false => Listener::Tcp(socket.into()),
    }
}

/// Answers every listener on threads of its own.
pub fn serve(server: &Arc<Server>, listeners: Vec<Listener>) {
    for listener in listeners {
        let server = Arc::clone(server);
        thread::spawn(move || match listener {
            Listener::Tcp(listener) => listener.incoming().flatten().for_each(|stream| {
                let _ = stream.set_nodelay(true);
                http::answer_on_a_thread(&server, stream);
            }),
            Listener::Unix(listener) => listener.incoming().flatten().for_each(|stream| http::answer_on_a_thread(&server, stream)),
            Listener::Mute(_held) => loop {
                thread::park();
            },
        });
    }
}

fn hosts(given: &[String]) -> io::Result<Vec<IpAddr>> {
    let mut hosts = Vec::new();
    for host in given {
        match host.as_str() {
            "localhost" => hosts.extend([IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]),
            address => hosts.push(address.parse().map_err(|_| io::Error::other(format!("`{address}` is no address")))?),
        }
    }
    Ok(if hosts.is_empty() { vec![IpAddr::V4(Ipv4Addr::LOCALHOST)] } else { hosts })
}

fn named(error: io::Error, what: &str) -> io::Error {
    match error.kind() {
        io::ErrorKind::AddrInUse => io::Error::other(format!("listen EADDRINUSE: address already in use {what}")),
        _ => io::Error::other(format!("listen {what}: {error}")),
    }
}

fn bind_tcp(knobs: &Knobs, address: SocketAddr) -> io::Result<Listener> {
    if !knobs.bound_only && !knobs.no_accept && !knobs.no_reuse {
        return TcpListener::bind(address).map(Listener::Tcp);
    }
    // Without SO_REUSEADDR: a socket that does not listen would otherwise give way to a second server.
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    bind(&socket, &address)?;
    if knobs.no_reuse {
        listen(&socket, 128)?;
        return Ok(Listener::Tcp(socket.into()));
    }
    mute(knobs, socket, family, |client| connect(client, &address))
}

fn bind_unix(knobs: &Knobs, path: &Path) -> io::Result<Listener> {
    if !knobs.bound_only && !knobs.no_accept {
        return UnixListener::bind(path).map(Listener::Unix);
    }
    let address = SocketAddrUnix::new(path)?;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    bind(&socket, &address)?;
    mute(knobs, socket, AddressFamily::UNIX, |client| connect(client, &address))
}

/// A socket that nobody accepts from; with `--no-accept` its queue is filled by connections of our own.
fn mute(knobs: &Knobs, socket: OwnedFd, family: AddressFamily, call: impl Fn(&OwnedFd) -> rustix::io::Result<()>) -> io::Result<Listener> {
    let mut held = vec![socket];
    if knobs.no_accept {
        listen(&held[0], 0)?;
        for _ in 0..4 {
            let client = socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None)?;
            let _ = call(&client);
            held.push(client);
        }
        // The connections must have arrived before anybody else tries.
        while held[1].as_fd().try_clone_to_owned().is_ok_and(|client| rustix::net::getpeername(&client).is_err()) {
            thread::yield_now();
        }
    }
    Ok(Listener::Mute(held))
}
