//! Sockets that never block: waiting is the caller's, with its deadline and its cancellation.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SocketAddrUnix};

use super::platform::{SEND_FLAGS, stream_socket};

/// A socket on its way; `true` when it is connected already.
pub(crate) fn connect_tcp(address: SocketAddr) -> io::Result<(OwnedFd, bool)> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = stream_socket(family)?;
    let _ = rustix::net::sockopt::set_tcp_nodelay(&socket, true);
    begun(rustix::net::connect(&socket, &address)).map(|connected| (socket, connected))
}

/// A Unix socket; a full queue of the listener is the error `WouldBlock`.
pub(crate) fn connect_unix(path: &Path) -> io::Result<(OwnedFd, bool)> {
    let address = SocketAddrUnix::new(path)?;
    let socket = stream_socket(AddressFamily::UNIX)?;
    begun(rustix::net::connect(&socket, &address)).map(|connected| (socket, connected))
}

/// Whether a socket can have this path at all: the limit is 104 to 108 bytes.
pub(crate) fn unix_path_fits(path: &Path) -> bool {
    path.as_os_str().len() < 104
}

fn begun(result: Result<(), Errno>) -> io::Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(Errno::INPROGRESS | Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Whether a connection that was on its way has arrived; the error is why it never will.
pub(crate) fn connected(socket: &impl AsFd) -> io::Result<bool> {
    socket_error(socket)?;
    match rustix::net::getpeername(socket) {
        Ok(_) => Ok(true),
        Err(Errno::NOTCONN) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Whether an error says that this machine has no such kind of address, so that nobody can listen there.
pub(crate) fn is_no_such_family(error: &io::Error) -> bool {
    let errnos = [libc::EAFNOSUPPORT, libc::EADDRNOTAVAIL, libc::ENETUNREACH, libc::EHOSTUNREACH];
    error.raw_os_error().is_some_and(|errno| errnos.contains(&errno))
}

/// What became of a connection that was on its way.
pub(crate) fn socket_error(socket: &impl AsFd) -> io::Result<()> {
    Ok(rustix::net::sockopt::socket_error(socket)??)
}

pub(crate) fn send(socket: &impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    Ok(rustix::net::send(socket, bytes, SEND_FLAGS)?)
}

pub(crate) fn receive(socket: &impl AsFd, buffer: &mut [u8]) -> io::Result<usize> {
    Ok(rustix::net::recv(socket, buffer, RecvFlags::empty())?.0)
}
