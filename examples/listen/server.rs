//! A server that serves the socket it is passed, in Rust.
//!
//!     server-init ensure web --port auto --listen tcp:auto -- target/debug/listen-server

#![allow(clippy::disallowed_methods, reason = "the bans are for core; a server reads its environment as it likes")]

use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::fd::FromRawFd;

fn main() -> io::Result<()> {
    for stream in listener()?.incoming() {
        let mut stream = stream?;
        let head = BufReader::new(&stream).lines();
        let _ = head.take_while(|line| line.as_ref().is_ok_and(|line| !line.is_empty())).count();
        let body = format!("{{\"status\":\"ok\",\"pid\":{}}}", std::process::id());
        let _ = write!(stream, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    }
    Ok(())
}

/// The socket that was passed, else one of our own.
fn listener() -> io::Result<TcpListener> {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    // LISTEN_PID says for whom the sockets are: a program that this one starts must not take them for its own.
    if variable("LISTEN_PID") == std::process::id().to_string() {
        // SAFETY: the socket was passed to this process, under the first number of the custom, and nobody else in it uses that.
        return Ok(unsafe { TcpListener::from_raw_fd(3) });
    }
    TcpListener::bind(("127.0.0.1", variable("PORT").parse().unwrap_or(1987)))
}
