//! `serve PORT READY-AFTER-MS|never early|late FILE`: a server that takes its time. `early` listens at once and says
//! that it is initializing; `late` listens when it is ready. The moment it turned ready stands in FILE.
//! `/requests` tells how many asked for its health, `/end` ends it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::stats::now_ms;
use crate::trouble::Result;

/// A server that nobody stopped ends by itself.
const LONGEST_LIFE: Duration = Duration::from_secs(300);

static HEALTH_REQUESTS: AtomicU64 = AtomicU64::new(0);

pub fn play(words: &[String]) -> Result<()> {
    let [port, ready_after, listens, file] = words else {
        return Err("usage: serve PORT READY-AFTER-MS|never early|late FILE".into());
    };
    let ready_after = ready_after.parse().map_or(LONGEST_LIFE * 2, Duration::from_millis);
    let (ready, ready_at) = (Instant::now() + ready_after, now_ms() + ready_after.as_secs_f64() * 1000.0);
    std::fs::write(file, ready_at.to_string())?;
    if listens == "late" {
        thread::sleep(ready.saturating_duration_since(Instant::now()));
    }
    let listener = TcpListener::bind(("127.0.0.1", port.parse()?))?;
    thread::spawn(|| {
        thread::sleep(LONGEST_LIFE);
        std::process::exit(0);
    });
    for stream in listener.incoming() {
        // A client that went away is its own affair.
        let _ = answer(stream?, ready);
    }
    Ok(())
}

/// One short request, one short answer: all clients here send theirs at once and in one piece.
fn answer(mut stream: TcpStream, ready: Instant) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    let mut request = [0; 4096];
    let read = stream.read(&mut request)?;
    if request[..read].starts_with(b"GET /end") {
        std::process::exit(0);
    }
    let body = if request[..read].starts_with(b"GET /requests") {
        HEALTH_REQUESTS.load(Ordering::Relaxed).to_string()
    } else {
        HEALTH_REQUESTS.fetch_add(1, Ordering::Relaxed);
        let status = if Instant::now() < ready { "initializing" } else { "ok" };
        format!("{{\"status\":\"{status}\"}}")
    };
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    stream.write_all((head + &body).as_bytes())
}
