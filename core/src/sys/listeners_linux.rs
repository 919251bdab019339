//! Who listens on a TCP port of Linux. Asked over a socket the kernel looks at those that listen, and at nothing else; the tables in
//! `/proc` take it through all its connections, which are some milliseconds even where there are none.

use std::fs;
use std::io::{self, BufRead, BufReader};

use rustix::net::netlink::{SOCK_DIAG, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with};

/// Of the kernel's protocol: the kinds of messages, the flags of a request for all that fit, and the state.
const BY_FAMILY: u16 = 20;
const DONE: u16 = 3;
const REQUEST_ALL: u16 = 0x301;
const LISTENING: u32 = 1 << 10;
/// The lengths of a message's head, of the request behind it, and of an answer behind it.
const HEAD: usize = 16;
const REQUEST: usize = 56;
const ANSWER: usize = 72;

/// The user and inode of each listening socket on `port`.
pub(super) fn listeners(port: u16) -> Vec<(u32, String)> {
    asked(port).unwrap_or_else(|_| ["/proc/net/tcp", "/proc/net/tcp6"].into_iter().flat_map(|table| listed(table, port)).collect())
}

fn asked(port: u16) -> io::Result<Vec<(u32, String)>> {
    let mut found = Vec::new();
    for family in [AddressFamily::INET, AddressFamily::INET6] {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let kernel = socket_with(AddressFamily::NETLINK, SocketType::DGRAM, flags, Some(SOCK_DIAG))?;
        sendto(&kernel, &request(family, port), SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
        let mut buffer = [0; 8192];
        let mut is_done = false;
        while !is_done {
            let (_, length) = recv(&kernel, &mut buffer, RecvFlags::empty())?;
            is_done = read(buffer.get(..length).ok_or(io::ErrorKind::InvalidData)?, port, &mut found)?;
        }
    }
    Ok(found)
}

fn request(family: AddressFamily, port: u16) -> Vec<u8> {
    let mut request = Vec::with_capacity(HEAD + REQUEST);
    request.extend(((HEAD + REQUEST) as u32).to_ne_bytes());
    request.extend(BY_FAMILY.to_ne_bytes());
    request.extend(REQUEST_ALL.to_ne_bytes());
    request.extend([0; 8]);
    request.extend([family.as_raw() as u8, rustix::net::ipproto::TCP.as_raw().get() as u8, 0, 0]);
    request.extend(LISTENING.to_ne_bytes());
    request.extend(port.to_be_bytes());
    request.resize(HEAD + REQUEST, 0);
    request
}

/// Reads the messages of one datagram; `true` after the last one. Anything but an answer is an error.
fn read(mut datagram: &[u8], port: u16, found: &mut Vec<(u32, String)>) -> io::Result<bool> {
    while !datagram.is_empty() {
        let length = number(datagram, 0)? as usize;
        let message = datagram.get(..length).filter(|message| message.len() >= HEAD).ok_or(io::ErrorKind::InvalidData)?;
        match u16::from_ne_bytes([message[4], message[5]]) {
            DONE => return Ok(true),
            BY_FAMILY if message.len() >= HEAD + ANSWER => {
                let answer = &message[HEAD..];
                if answer[4..6] == port.to_be_bytes() {
                    found.push((number(answer, 64)?, number(answer, 68)?.to_string()));
                }
            }
            _ => return Err(io::ErrorKind::Unsupported.into()),
        }
        datagram = datagram.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(false)
}

fn number(bytes: &[u8], at: usize) -> io::Result<u32> {
    let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
    four.map(u32::from_ne_bytes).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// The same from a table: state 0A in the fourth column, user in the eighth, inode in the tenth. Those that listen come before all others.
fn listed(table: &str, port: u16) -> Vec<(u32, String)> {
    let Ok(table) = fs::File::open(table) else { return Vec::new() };
    let local_port = format!(":{port:04X}");
    let mut found = Vec::new();
    for line in BufReader::new(table).lines().skip(1).map_while(Result::ok) {
        let columns: Vec<&str> = line.split_ascii_whitespace().collect();
        if columns.get(3) != Some(&"0A") {
            break;
        }
        if let (Some(local), Some(uid), Some(inode)) = (columns.get(1), columns.get(7), columns.get(9))
            && local.ends_with(&local_port)
            && let Ok(uid) = uid.parse()
        {
            found.push((uid, (*inode).to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::{asked, listed, listeners};

    #[test]
    fn the_kernel_says_of_a_listener_what_its_table_says() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else { continue };
            let port = listener.local_addr().map_or(0, |address| address.port());
            let told = [listed("/proc/net/tcp", port), listed("/proc/net/tcp6", port)].concat();
            assert_eq!(told.len(), 1, "{address}");
            assert_eq!(listeners(port), told);
            // Where the kernel has that protocol.
            assert!(asked(port).is_ok_and(|asked| asked == told) || asked(port).is_err());
            drop(listener);
            assert_eq!(listeners(port), []);
        }
    }
}
