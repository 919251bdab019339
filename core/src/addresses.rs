//! The addresses of one start: the port it gets, and the sockets on which its starter listens in its stead.

use std::hash::Hasher;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::path::Path;

use crate::call::Call;
use crate::declared;
use crate::environment;
use crate::error::Result;
use crate::listen::{At, Listen};
use crate::port::Port;
use crate::record::{Record, SocketFile};
use crate::sys;

/// The ports that are chosen from: none that a system gives out by itself, and none that a browser refuses.
const FIRST: u16 = 11_000;
const COUNT: u16 = 9_000;

/// What a start listens on, and what it keeps others from until the server itself can.
#[derive(Debug, Default)]
pub(crate) struct Addresses {
    /// Bound, and not listened on: given up just before the command runs, so that no server ever finds its port taken by us.
    reserved: Vec<OwnedFd>,
    /// To be passed on, in the order in which they were declared.
    listeners: Vec<OwnedFd>,
    /// The files of those that are Unix sockets.
    pub(crate) files: Vec<SocketFile>,
}

impl Addresses {
    /// Chooses the port where that is ours to do, but not the one that was lost just now, and binds what is to be listened on. The plan then knows the port.
    ///
    /// # Errors
    /// `PORT_IN_USE` when somebody else has an address, `CONFIG` when one cannot be had at all.
    pub(crate) fn take(call: &mut Call, before: Option<&Record>, lost: Option<u16>) -> Result<Self> {
        let dead = before.map_or(&[][..], |record| &record.sockets);
        if !call.plan.chooses_port() {
            return bound(&call.plan.listen, dead).map_err(|(at, cause)| call.report().address(&at, cause));
        }
        let mut failure = None;
        let place = call.plan.place.dir().to_owned();
        for port in candidates(&place, before.and_then(|record| record.port)).filter(|port| Some(*port) != lost) {
            call.plan.move_to(Some(port))?;
            match reserved(call, port, lost.is_some()).and_then(|reserved| Ok((reserved, bound(&call.plan.listen, dead)?))) {
                Ok((reserved, mut addresses)) => {
                    addresses.reserved = reserved;
                    return Ok(addresses);
                }
                Err((at, cause)) => {
                    let taken = cause.kind() == io::ErrorKind::AddrInUse && !at.starts_with("unix:");
                    failure = Some((at, cause));
                    if !taken {
                        break;
                    }
                }
            }
        }
        let (at, cause) = failure.unwrap_or_else(|| ("auto".to_owned(), io::ErrorKind::AddrInUse.into()));
        Err(call.report().address(&at, cause))
    }

    /// What is to be passed on; what was reserved is free with that.
    pub(crate) fn into_listeners(mut self) -> Vec<OwnedFd> {
        self.files.clear();
        std::mem::take(&mut self.listeners)
    }

    /// What the server is told of its sockets.
    pub(crate) fn variables(&self, listen: &[Listen]) -> Vec<(&'static str, String)> {
        if self.listeners.is_empty() {
            return Vec::new();
        }
        let names: Vec<&str> = listen.iter().map(|listen| listen.name.as_str()).collect();
        vec![(environment::LISTEN_FDS, self.listeners.len().to_string()), (environment::LISTEN_FDNAMES, names.join(":"))]
    }
}

impl Drop for Addresses {
    /// What comes to no start leaves no socket behind: the next one would not know it for ours.
    fn drop(&mut self) {
        for file in self.files.iter().filter(|file| sys::facts_at(&file.path).is_ok_and(|facts| facts.id == file.id)) {
            let _ = sys::remove_file(&file.path);
        }
    }
}

/// The server says itself which port it has: it is believed, over what was meant for it.
pub(crate) fn hear_port(call: &mut Call, record: &mut Record, port: u16) -> Result<()> {
    if record.port == Some(port) {
        return Ok(());
    }
    call.plan.move_to(Some(port))?;
    declared::note_address(record, &call.plan);
    call.note(record.write(&call.plan.place));
    Ok(())
}

/// The port of the last start, then one after the other from where this name begins.
fn candidates(place: &Path, last: Option<u16>) -> impl Iterator<Item = u16> {
    let mut hasher = fnv::FnvHasher::default();
    hasher.write(place.as_os_str().as_encoded_bytes());
    let begin = (hasher.finish() % u64::from(COUNT)) as u16;
    last.into_iter().chain((0..COUNT).map(move |step| FIRST + (begin + step) % COUNT))
}

/// Keeps the port of a server that binds it itself; none where all is bound for it. One that has lost a port already gets
/// one that nobody's closed connections are left on: it may be of those who do not share a port even with these.
fn reserved(call: &Call, port: u16, unused: bool) -> std::result::Result<Vec<OwnedFd>, (String, io::Error)> {
    if call.plan.listen.iter().any(|listen| matches!(listen.at, At::Tcp(address) if address.port() == port)) {
        return Ok(Vec::new());
    }
    let mut held = Vec::new();
    for ip in call.plan.host.parse().map_or_else(|_| vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()], |ip: IpAddr| vec![ip]) {
        match sys::reserve_tcp(SocketAddr::new(ip, port), unused) {
            Ok(socket) => held.push(socket),
            Err(error) if ip.is_ipv6() && sys::is_no_such_family(&error) => {}
            Err(error) => return Err((format!("tcp:{}", SocketAddr::new(ip, port)), error)),
        }
    }
    Ok(held)
}

fn bound(listen: &[Listen], dead: &[SocketFile]) -> std::result::Result<Addresses, (String, io::Error)> {
    let mut addresses = Addresses::default();
    for listen in listen {
        let socket = bind(listen, dead).map_err(|error| (listen.to_string(), error))?;
        addresses.listeners.push(socket);
        let file = listen.socket_file().and_then(|path| Some(SocketFile { path: path.to_owned(), id: sys::facts_at(path).ok()?.id }));
        addresses.files.extend(file);
    }
    Ok(addresses)
}

fn bind(listen: &Listen, dead: &[SocketFile]) -> io::Result<OwnedFd> {
    let path = match &listen.at {
        At::Tcp(address) => return sys::listen_tcp(*address),
        At::Unix(path) => path,
    };
    match sys::listen_unix(path) {
        // Ours, by its inode, of a start of which nothing lives, and nobody answers there.
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_left_behind(path, dead) && is_left_behind(path, dead) => {
            sys::remove_file(path)?;
            sys::listen_unix(path)
        }
        outcome => outcome,
    }
    .map(OwnedFd::from)
}

fn is_left_behind(path: &Path, dead: &[SocketFile]) -> bool {
    let is_ours = |id| dead.iter().any(|file| file.path == path && file.id == id);
    let refused = || sys::connect_unix(path).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
    sys::facts_at(path).is_ok_and(|facts| is_ours(facts.id)) && refused()
}

impl crate::plan::Plan {
    /// Whether whoever starts the server chooses its port.
    pub(crate) fn chooses_port(&self) -> bool {
        self.spec.port == Some(Port::Auto)
    }
}
