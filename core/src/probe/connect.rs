//! A connection that keeps its deadline, can be cancelled, and keeps the errno of its failure.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::cancel::{Patience, Wake};
use crate::deadline::LONG_ENOUGH;
use crate::sys::{self, Interest};

/// A connected socket that never blocks longer than its patience.
#[derive(Debug)]
pub(super) struct Stream {
    socket: OwnedFd,
    patience: Patience,
}

/// Connects to a TCP port; to every address of the host at once.
pub(super) fn tcp(host: &str, port: u16, patience: &Patience) -> io::Result<Stream> {
    first_of(addresses(host, port, patience)?, patience)
}

/// Connects to a Unix socket.
pub(super) fn unix(path: &Path, patience: &Patience) -> io::Result<Stream> {
    Ok(Stream { socket: sys::connect_unix(path)?, patience: patience.clone() })
}

/// The addresses of a host. `localhost` is both families, whatever the hosts file says.
fn addresses(host: &str, port: u16, patience: &Patience) -> io::Result<Vec<SocketAddr>> {
    if host.eq_ignore_ascii_case("localhost") {
        return Ok(vec![(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()]);
    }
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![(address, port).into()]);
    }
    resolve(host.to_owned(), port, patience)
}

/// The system's resolver knows no deadline, so it works on a thread that may be left behind until it gives up by itself.
fn resolve(host: String, port: u16, patience: &Patience) -> io::Result<Vec<SocketAddr>> {
    let done = Arc::new((sys::Bell::new()?, Mutex::new(None)));
    let tell = Arc::clone(&done);
    std::thread::Builder::new().name("spawnlock-resolve".into()).spawn(move || {
        let found = (host.as_str(), port).to_socket_addrs().map(Vec::from_iter);
        *tell.1.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
        tell.0.ring();
    })?;
    patience.wait(&[(done.0.as_fd(), Interest::Read)], LONG_ENOUGH)?;
    let found = done.1.lock().unwrap_or_else(PoisonError::into_inner).take();
    found.unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into()))
}

/// Tries all addresses at once and takes the first that connects. When none does, the failure of the one
/// that is most alive counts: a family this machine does not have says nothing.
fn first_of(addresses: Vec<SocketAddr>, patience: &Patience) -> io::Result<Stream> {
    let mut pending = Vec::new();
    let mut failures = Vec::new();
    for address in addresses {
        match sys::connect_tcp(address) {
            Ok(socket) => pending.push((address, socket)),
            Err(error) => failures.push((address, error)),
        }
    }
    loop {
        for (address, socket) in std::mem::take(&mut pending) {
            match sys::connected(&socket) {
                Ok(true) => return Ok(Stream { socket, patience: patience.clone() }),
                Ok(false) => pending.push((address, socket)),
                Err(error) => failures.push((address, error)),
            }
        }
        if pending.is_empty() {
            return Err(most_alive(failures));
        }
        let inputs: Vec<_> = pending.iter().map(|(_, socket)| (socket.as_fd(), Interest::Write)).collect();
        if patience.wait(&inputs, LONG_ENOUGH)? != Wake::Input {
            return Err(io::ErrorKind::TimedOut.into());
        }
    }
}

fn most_alive(failures: Vec<(SocketAddr, io::Error)>) -> io::Error {
    let no_such_family = |(address, error): &&(SocketAddr, io::Error)| address.is_ipv6() && sys::is_no_such_family(error);
    let several = failures.len() > 1;
    let counts = |failure: &(SocketAddr, io::Error)| !(several && no_such_family(&failure));
    let refused = |error: &io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    let counted = failures.into_iter().filter(counts).map(|(_, error)| error);
    counted.min_by_key(refused).unwrap_or_else(|| io::ErrorKind::ConnectionRefused.into())
}

impl Stream {
    pub(super) fn send_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match sys::send(&self.socket, bytes) {
                Ok(sent) => bytes = &bytes[sent..],
                Err(error) => self.await_after(error, Interest::Write)?,
            }
        }
        Ok(())
    }

    /// Reads what there is, waiting for at least one byte; 0 at the end.
    pub(super) fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match sys::receive(&self.socket, buffer) {
                Ok(read) => return Ok(read),
                Err(error) => self.await_after(error, Interest::Read)?,
            }
        }
    }

    fn await_after(&self, error: io::Error, interest: Interest) -> io::Result<()> {
        match error.kind() {
            io::ErrorKind::Interrupted => Ok(()),
            io::ErrorKind::WouldBlock => self.await_ready(interest),
            _ => Err(error),
        }
    }

    fn await_ready(&self, interest: Interest) -> io::Result<()> {
        match self.patience.wait(&[(self.socket.as_fd(), interest)], LONG_ENOUGH)? {
            Wake::Input => Ok(()),
            _ => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}
