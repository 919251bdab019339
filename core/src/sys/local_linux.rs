//! Sockets on Linux, and the descriptors that a minder closes.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::net::{AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType};

/// A socket for datagrams that never blocks and is closed by exec.
pub(super) fn datagram_socket() -> io::Result<OwnedFd> {
    Ok(rustix::net::socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None)?)
}

/// A name that is in no directory.
pub(super) fn abstract_address(name: &[u8]) -> io::Result<SocketAddrUnix> {
    Ok(SocketAddrUnix::new_abstract_name(name)?)
}

/// The process that began to listen on the other end of a Unix socket.
pub(crate) fn peer_pid(socket: &OwnedFd) -> Option<u32> {
    let peer = rustix::net::sockopt::socket_peercred(socket).ok()?;
    u32::try_from(peer.pid.as_raw_nonzero().get()).ok()
}

/// Keeps the number of the file at a path from being given to another one, without opening what is in it.
pub(crate) fn pin(path: &Path) -> io::Result<Option<File>> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(Some(File::from(rustix::fs::open(path, flags, Mode::empty())?)))
}

/// Closes every descriptor from `first` on.
pub(super) fn close_all_from(first: u32) {
    // SAFETY: a system call on numbers of this process only; its caller owns nothing there.
    if unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, 0) } != 0 {
        super::child::close_each_from(first);
    }
}

/// A write to a closed connection is an error and not a signal.
pub(super) const SEND_FLAGS: SendFlags = SendFlags::NOSIGNAL;

/// A stream socket that never blocks and is closed by exec.
pub(super) fn stream_socket(family: AddressFamily) -> io::Result<OwnedFd> {
    Ok(rustix::net::socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None)?)
}
