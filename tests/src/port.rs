//! Free ports that no other test is given at the same time.

use std::fs::{self, File};
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};

/// Below the range from which the kernel takes ports for outgoing connections.
const FIRST: u16 = 20_000;
const COUNT: u16 = 10_000;

/// A port of our own for as long as this lives.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _claim: File,
}

impl Port {
    /// A port that is free on both families, and claimed among all tests by a lock.
    ///
    /// # Panics
    /// When there is none.
    pub fn pick() -> Self {
        let dir = std::env::temp_dir().join(format!("spawnlock-test-ports-{}", rustix::process::getuid().as_raw()));
        fs::create_dir_all(&dir).expect("a directory for the claims");
        let begin = (std::process::id() as u16).wrapping_mul(37) % COUNT;
        let mut numbers = (0..COUNT).map(|step| FIRST + (begin + step) % COUNT);
        numbers
            .find_map(|number| {
                let claim = File::create(dir.join(number.to_string())).ok()?;
                claim.try_lock().ok()?;
                is_free(number).then_some(Port { number, _claim: claim })
            })
            .expect("a free port")
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.number
    }
}

/// Whether a server could bind it now, on both families.
pub fn is_free(number: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok() && TcpListener::bind((Ipv6Addr::LOCALHOST, number)).is_ok()
}
