//! Sockets on macOS, and the descriptors that a minder closes.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use rustix::net::{AddressFamily, SendFlags, SocketAddrUnix, SocketType};

/// A socket for datagrams that never blocks, is closed by exec and raises no signal.
pub(super) fn datagram_socket() -> io::Result<OwnedFd> {
    super::platform::socket(AddressFamily::UNIX, SocketType::DGRAM)
}

/// There are only paths here.
pub(super) fn abstract_address(_name: &[u8]) -> io::Result<SocketAddrUnix> {
    Err(io::ErrorKind::Unsupported.into())
}

/// The process at the other end of a Unix socket.
pub(crate) fn peer_pid(socket: &OwnedFd) -> Option<u32> {
    let mut pid: libc::pid_t = 0;
    let mut size = size_of::<libc::pid_t>() as libc::socklen_t;
    // SAFETY: both pointers lead to values that live through the call, and the size is that of the first.
    let code = unsafe { libc::getsockopt(socket.as_raw_fd(), libc::SOL_LOCAL, libc::LOCAL_PEERPID, (&raw mut pid).cast(), &mut size) };
    u32::try_from(pid).ok().filter(|pid| code == 0 && *pid > 0)
}

/// The number of a file is never given to another one here.
pub(crate) fn pin(_path: &Path) -> io::Result<Option<File>> {
    Ok(None)
}

/// Closes every descriptor from `first` on.
pub(super) fn close_all_from(first: u32) {
    super::child::close_each_from(first);
}

/// A write to a closed connection is an error: the sockets are made so.
pub(super) const SEND_FLAGS: SendFlags = SendFlags::empty();

/// A stream socket that never blocks, is closed by exec and raises no signal.
pub(super) fn stream_socket(family: AddressFamily) -> io::Result<OwnedFd> {
    super::platform::socket(family, SocketType::STREAM)
}
