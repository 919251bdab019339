//! What a child is run with, laid out before the fork: after it nothing may be allocated.

use std::ffi::{CString, OsStr};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::ptr;
use std::sync::atomic::{AtomicU8, Ordering};

/// A list of words as `execve` takes them.
pub(super) struct Words {
    pub(super) pointers: Vec<*const libc::c_char>,
    /// Owns what the pointers point to.
    _words: Vec<CString>,
}

// SAFETY: the pointers lead to heap memory that `_words` owns and nobody changes.
unsafe impl Send for Words {}
// SAFETY: as above; it is only ever read.
unsafe impl Sync for Words {}

impl Words {
    pub(super) fn new(words: Vec<CString>) -> Self {
        let pointers = words.iter().map(|word| word.as_ptr()).chain([ptr::null()]).collect();
        Words { pointers, _words: words }
    }

    /// The same with one more, which the caller keeps alive.
    pub(super) fn and(mut self, more: Option<&OwnPid>) -> Self {
        if let Some(more) = more {
            self.pointers.insert(0, more.0.as_ptr().cast());
        }
        self
    }
}

/// `LISTEN_PID=` with room for a pid, which only the child knows: it is written there, without the allocator.
pub(super) struct OwnPid(Box<[AtomicU8]>);

const OWN_PID: &[u8] = b"LISTEN_PID=";

impl OwnPid {
    pub(super) fn new() -> Self {
        OwnPid(OWN_PID.iter().copied().chain([0; DIGITS + 1]).map(AtomicU8::new).collect())
    }

    pub(super) fn fill_in(&self) {
        let mut digits = [0u8; DIGITS];
        for (slot, digit) in self.0[OWN_PID.len()..].iter().zip(decimal(std::process::id(), &mut digits)) {
            slot.store(*digit, Ordering::Relaxed);
        }
    }
}

/// As many digits as a pid has at most.
pub(super) const DIGITS: usize = 10;

/// A number in decimal, without the allocator.
pub(super) fn decimal(mut rest: u32, digits: &mut [u8; DIGITS]) -> &[u8] {
    let mut first = DIGITS;
    while rest > 0 && first > 0 {
        first -= 1;
        digits[first] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    &digits[first..]
}

pub(super) fn c_string(word: &OsStr) -> io::Result<CString> {
    CString::new(word.as_bytes()).map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "a zero byte in the command or its environment"))
}

pub(super) fn variable(key: &OsStr, value: &OsStr) -> io::Result<CString> {
    let mut word = key.to_owned();
    word.push("=");
    word.push(value);
    c_string(&word)
}
