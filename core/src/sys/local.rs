//! Unix sockets of our own: one to be found at, and one to tell through.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixListener;
use std::path::Path;

use rustix::fs::Mode;
use rustix::net::{AddressFamily, SocketAddrUnix};

use super::files::remove_file;
use super::local_platform::stream_socket;
use super::local_platform::{abstract_address, datagram_socket};

/// How many clients may wait to be accepted; the system may allow fewer.
const BACKLOG: i32 = 1024;

/// A socket that listens at a name which must be free, for our user alone. Its descriptor blocks, is closed by exec, and is none of 0 to 2.
///
/// Before it listens nobody can connect, so nobody sees it with other rights than it shall have.
pub(crate) fn listen_unix(path: &Path) -> io::Result<UnixListener> {
    let address = SocketAddrUnix::new(path)?;
    let socket = off_stdio(stream_socket(AddressFamily::UNIX)?)?;
    let rights = Mode::RUSR | Mode::WUSR;
    // Where a socket without a name has rights, it takes them along; elsewhere its file gets them.
    let is_private = rustix::fs::fchmod(&socket, rights).is_ok();
    rustix::net::bind(&socket, &address)?;
    let listening = || {
        if !is_private {
            rustix::fs::chmod(path, rights)?;
        }
        rustix::net::listen(&socket, BACKLOG)?;
        rustix::io::ioctl_fionbio(&socket, false)
    };
    match listening() {
        Ok(()) => Ok(UnixListener::from(socket)),
        Err(error) => {
            // It is ours since a moment ago, and leads nowhere.
            let _ = remove_file(path);
            Err(error.into())
        }
    }
}

/// A socket to send datagrams to a name: a path, or `@` and a name that is in no directory.
pub(crate) fn connect_datagram(name: &OsStr) -> io::Result<OwnedFd> {
    let address = match name.as_bytes() {
        [b'/', ..] => SocketAddrUnix::new(Path::new(name))?,
        [b'@', name @ ..] => abstract_address(name)?,
        _ => return Err(io::ErrorKind::InvalidInput.into()),
    };
    let socket = off_stdio(datagram_socket()?)?;
    rustix::net::connect(&socket, &address)?;
    Ok(socket)
}

fn off_stdio(socket: OwnedFd) -> io::Result<OwnedFd> {
    if socket.as_raw_fd() > 2 {
        return Ok(socket);
    }
    Ok(rustix::io::fcntl_dupfd_cloexec(&socket, 3)?)
}
