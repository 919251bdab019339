//! Sockets that never block: waiting is the caller's, with its deadline and its cancellation.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SocketAddrUnix};

use super::local_platform::{SEND_FLAGS, stream_socket};

/// As many connections as wait for a server that is coming up; the system cuts it to what it allows.
const BACKLOG: i32 = 4096;

/// A socket on its way; on loopback it has mostly arrived.
pub(crate) fn connect_tcp(address: SocketAddr) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = stream_socket(family)?;
    match rustix::net::connect(&socket, &address) {
        Ok(()) | Err(Errno::INPROGRESS | Errno::INTR) => Ok(socket),
        Err(error) => Err(error.into()),
    }
}

/// A Unix socket, which connects at once or not at all; a full queue of the listener is the error `WouldBlock`.
pub(crate) fn connect_unix(path: &Path) -> io::Result<OwnedFd> {
    let address = SocketAddrUnix::new(path)?;
    let socket = stream_socket(AddressFamily::UNIX)?;
    rustix::net::connect(&socket, &address)?;
    Ok(socket)
}

/// A socket that is bound and does not listen: nobody else is given the port, and one who allows it may bind it all the same.
/// What closed connections leave behind keeps most servers from no port, nor us; with `unused` there is none of it.
pub(crate) fn reserve_tcp(address: SocketAddr, unused: bool) -> io::Result<OwnedFd> {
    if unused {
        drop(bound_tcp(address, false)?);
    }
    bound_tcp(address, true)
}

fn bound_tcp(address: SocketAddr, reuse: bool) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = stream_socket(family)?;
    rustix::net::sockopt::set_socket_reuseaddr(&socket, reuse)?;
    rustix::net::bind(&socket, &address)?;
    Ok(socket)
}

/// A socket that listens, blocking as servers expect it, with a queue as long as the system allows.
pub(crate) fn listen_tcp(address: SocketAddr) -> io::Result<OwnedFd> {
    let socket = OwnedFd::from(TcpListener::bind(address)?);
    rustix::net::listen(&socket, BACKLOG)?;
    Ok(socket)
}

/// Whether a socket can have this path at all: the limit is 104 to 108 bytes.
pub(crate) fn unix_path_fits(path: &Path) -> bool {
    path.as_os_str().len() < 104
}

/// Whether a connection that was on its way has arrived; the error is why it never will.
pub(crate) fn connected(socket: &impl AsFd) -> io::Result<bool> {
    match rustix::net::getpeername(socket) {
        // A port that nobody listens on may be given to the very socket that asks for it: it then talks to itself.
        Ok(peer) if rustix::net::getsockname(socket).is_ok_and(|own| Some(own) == peer) => Err(io::ErrorKind::ConnectionRefused.into()),
        Ok(_) => Ok(true),
        Err(_) => socket_error(socket).map(|()| false),
    }
}

/// Whether an error says that this machine has no such kind of address, so that nobody can listen there.
pub(crate) fn is_no_such_family(error: &io::Error) -> bool {
    let errnos = [libc::EAFNOSUPPORT, libc::EADDRNOTAVAIL, libc::ENETUNREACH, libc::EHOSTUNREACH];
    error.raw_os_error().is_some_and(|errno| errnos.contains(&errno))
}

fn socket_error(socket: &impl AsFd) -> io::Result<()> {
    Ok(rustix::net::sockopt::socket_error(socket)??)
}

pub(crate) fn send(socket: &impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    Ok(rustix::net::send(socket, bytes, SEND_FLAGS)?)
}

pub(crate) fn receive(socket: &impl AsFd, buffer: &mut [u8]) -> io::Result<usize> {
    Ok(rustix::net::recv(socket, buffer, RecvFlags::empty())?.0)
}
