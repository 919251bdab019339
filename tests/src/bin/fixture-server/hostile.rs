//! Answers that a probe must survive.

use std::io::{self, Read};
use std::thread;
use std::time::Duration;

use crate::http::Wire;
use crate::knobs::Answer;

/// One megabyte of zeros as a gzip member of a thousand bytes, repeated: a body that grows a thousandfold.
const BOMB_MEMBERS: usize = 4096;

pub fn answer(kind: Answer, wire: &mut dyn Wire) -> io::Result<()> {
    match kind {
        Answer::Slow => drip(wire),
        Answer::Endless => flood(wire, b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n", &[b' '; 65_536], usize::MAX),
        Answer::Garbage => flood(wire, b"\x00\x01\xff\xfe no HTTP at all \r\n", &[0xa5; 4096], 1),
        Answer::Redirect => wire.write_all(b"HTTP/1.1 302 Found\r\nlocation: /health\r\ncontent-length: 0\r\n\r\n"),
        Answer::Headers => flood(wire, b"HTTP/1.1 200 OK\r\n", header_block().as_bytes(), 10 * 1024),
        Answer::LongHeaders => wire.write_all(long_headers().as_bytes()),
        Answer::Gzip => {
            flood(wire, b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-type: application/json\r\n\r\n", &bomb(), BOMB_MEMBERS)
        }
        Answer::Reset => reset(wire),
        Answer::Silent => silence(wire),
        Answer::Close => Ok(()),
    }?;
    // Nothing of a keep-alive is promised by these; an error ends the connection.
    Err(io::ErrorKind::ConnectionAborted.into())
}

/// One byte a second: every byte is progress, the whole never comes.
fn drip(wire: &mut dyn Wire) -> io::Result<()> {
    for byte in b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 15\r\n\r\n{\"status\":\"ok\"}" {
        wire.write_all(&[*byte])?;
        thread::sleep(Duration::from_secs(1));
    }
    Ok(())
}

fn flood(wire: &mut dyn Wire, head: &[u8], piece: &[u8], times: usize) -> io::Result<()> {
    wire.write_all(head)?;
    for _ in 0..times {
        wire.write_all(piece)?;
    }
    Ok(())
}

/// A kilobyte of headers.
fn header_block() -> String {
    format!("x-more: {}\r\n", "y".repeat(1014))
}

/// A good answer with more headers than most.
fn long_headers() -> String {
    format!("HTTP/1.1 200 OK\r\n{}content-length: 15\r\n\r\n{{\"status\":\"ok\"}}", header_block().repeat(30))
}

/// A linger of zero turns the close into a reset; a Unix socket has no such thing and is just closed.
fn reset(wire: &mut dyn Wire) -> io::Result<()> {
    let _ = rustix::net::sockopt::set_socket_linger(wire.fd(), Some(Duration::ZERO));
    Ok(())
}

/// Keeps the connection until the other side gives up.
fn silence(wire: &mut dyn Wire) -> io::Result<()> {
    io::copy(&mut wire.take(u64::MAX), &mut io::sink()).map(drop)
}

/// A gzip member: one deflate block with fixed codes that repeats a zero byte a million times.
fn bomb() -> Vec<u8> {
    let mut bits = Bits::default();
    bits.put(0b011, 3); // last block, fixed codes
    bits.put_code(0x30, 8); // literal 0
    for _ in 0..4064 {
        bits.put_code(0b1100_0101, 8); // length 258
        bits.put_code(0, 5); // distance 1
    }
    bits.put_code(0, 7); // end of block
    [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255], bits.bytes.as_slice(), &[0; 8]].concat()
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    fn put(&mut self, value: u32, count: u32) {
        for at in 0..count {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((value >> at & 1) as u8) << (self.used % 8);
            }
            self.used += 1;
        }
    }

    /// Huffman codes go in with their first bit first.
    fn put_code(&mut self, code: u32, count: u32) {
        self.put(code.reverse_bits() >> (32 - count), count);
    }
}
