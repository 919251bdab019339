//! As much of HTTP as a health page needs.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread;

use crate::health::Server;

const LONGEST_REQUEST: usize = 64 * 1024;

/// One connection, over TCP or a Unix socket.
pub trait Wire: Read + Write + AsFd + Send {
    fn fd(&self) -> BorrowedFd<'_> {
        self.as_fd()
    }
}

impl Wire for TcpStream {}
impl Wire for UnixStream {}

pub fn answer_on_a_thread(server: &Arc<Server>, mut wire: impl Wire + 'static) {
    let server = Arc::clone(server);
    thread::spawn(move || while matches!(answer_one(&server, &mut wire), Ok(true)) {});
}

/// Answers one request; `true` when the connection may carry another.
fn answer_one(server: &Arc<Server>, wire: &mut dyn Wire) -> io::Result<bool> {
    let Some(head) = read_head(wire)? else {
        return Ok(false);
    };
    let path = head.split(' ').nth(1).unwrap_or_default().split('?').next().unwrap_or_default();
    server.answer(path, wire)?;
    Ok(!head.to_ascii_lowercase().contains("connection: close") && head.contains("HTTP/1.1"))
}

fn read_head(wire: &mut dyn Wire) -> io::Result<Option<String>> {
    let mut head = Vec::new();
    let mut piece = [0; 4096];
    while !head.ends_with(b"\r\n\r\n") {
        match wire.read(&mut piece)? {
            0 => return Ok(None),
            read => head.extend_from_slice(&piece[..read]),
        }
        if head.len() > LONGEST_REQUEST {
            return Ok(None);
        }
    }
    Ok(Some(String::from_utf8_lossy(&head).into_owned()))
}

/// Sends a whole answer in one write.
pub fn send(wire: &mut dyn Wire, code: u16, kind: &str, body: &str) -> io::Result<()> {
    let answer = format!("HTTP/1.1 {code} {}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}", reason(code), body.len());
    wire.write_all(answer.as_bytes())
}

fn reason(code: u16) -> &'static str {
    match code {
        200 => "OK",
        404 => "Not Found",
        503 => "Service Unavailable",
        _ => "As Told",
    }
}
