//! Our connections as a transport of ureq: one deadline and one cancellation for every byte of a probe.

use std::io;
use std::sync::Mutex;

use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport};

use super::connect::Stream;
use super::http::HEADERS_MOST;

/// Sizes of ureq's buffers. The headers must fit as a whole, and a little more.
const INPUT: usize = HEADERS_MOST + 4096;
const OUTPUT: usize = 1024;

/// Gives ureq the connection that is already made.
#[derive(Debug)]
pub(super) struct Connected(Mutex<Option<Stream>>);

impl Connected {
    pub(super) fn new(stream: Stream) -> Self {
        Connected(Mutex::new(Some(stream)))
    }
}

impl Connector for Connected {
    type Out = Wire;

    fn connect(&self, _: &ConnectionDetails, _: Option<()>) -> Result<Option<Wire>, ureq::Error> {
        let stream = self.0.lock().ok().and_then(|mut stream| stream.take());
        let stream = stream.ok_or(ureq::Error::ConnectionFailed)?;
        Ok(Some(Wire { stream, buffers: LazyBuffers::new(INPUT, OUTPUT) }))
    }
}

/// The connection is made, so there is nothing to resolve.
#[derive(Debug)]
pub(super) struct Resolved;

impl Resolver for Resolved {
    fn resolve(&self, _: &ureq::http::Uri, _: &ureq::config::Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut addresses = self.empty();
        addresses.push(([127, 0, 0, 1], 0).into());
        Ok(addresses)
    }
}

/// A connection with ureq's buffers.
#[derive(Debug)]
pub(super) struct Wire {
    stream: Stream,
    buffers: LazyBuffers,
}

impl Transport for Wire {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        Ok(self.stream.send_all(&self.buffers.output()[..amount])?)
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        let room = self.buffers.input_append_buf();
        if room.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "its headers do not end").into());
        }
        let read = self.stream.receive(room)?;
        self.buffers.input_appended(read);
        Ok(read > 0)
    }

    fn is_open(&mut self) -> bool {
        false
    }
}

/// The system's error inside one of ureq's; what is no HTTP at all is `InvalidData`.
pub(super) fn io_error(error: ureq::Error) -> io::Error {
    match error {
        ureq::Error::Io(error) => error,
        ureq::Error::Timeout(_) => io::ErrorKind::TimedOut.into(),
        other => io::Error::new(io::ErrorKind::InvalidData, other),
    }
}
