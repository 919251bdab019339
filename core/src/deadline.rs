//! Time: the only place that reads a clock. Waits count on the monotonic one, so a jump of the wall clock changes none.
#![expect(clippy::disallowed_methods, reason = "the one place that may read the clocks")]

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::error::{Error, Result};

/// Longer than anybody waits, and short enough that adding it to a clock never overflows.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// For a wait that only its deadline ends.
pub(crate) const LONG_ENOUGH: Duration = LONGEST;

/// The moment at which a wait must end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    start: Instant,
    end: Instant,
}

impl Deadline {
    pub(crate) fn after(limit: Duration) -> Self {
        let start = Instant::now();
        Deadline { start, end: start + limit.min(LONGEST) }
    }

    /// `limit` from now, but not after `self`; its `elapsed` counts from now.
    pub(crate) fn sooner(&self, limit: Duration) -> Self {
        let mut sub = Deadline::after(limit);
        sub.end = sub.end.min(self.end);
        sub
    }

    pub(crate) fn later(&self, grace: Duration) -> Self {
        Deadline { start: self.start, end: self.end + grace }
    }

    pub(crate) fn remaining(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }

    pub(crate) fn expired(&self) -> bool {
        self.remaining().is_zero()
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}

/// The wall clock, in milliseconds since 1970: for people and records, never for waits.
pub(crate) fn now_ms() -> u64 {
    since_1970().as_millis() as u64
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The wall clock as a log shows it: `2026-01-31T12:00:00Z`.
pub(crate) fn now_text() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}

/// A moment of the wall clock as people read it: `2026-01-31T12:00:00Z`.
pub(crate) fn text_of(ms: u64) -> String {
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_millis(ms)).to_string()
}

/// How old something is that happened then, in nanoseconds since 1970, by the wall clock; `None` for what is yet to come.
pub(crate) fn age(then_ns: i128) -> Option<Duration> {
    u64::try_from(since_1970().as_nanos() as i128 - then_ns).ok().map(Duration::from_nanos)
}

/// A text no other call on this machine makes: for attempts and lock tokens.
pub(crate) fn unique() -> String {
    unique_for(std::process::id())
}

/// The same, for those who know which process they are.
pub(crate) fn unique_for(pid: u32) -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let nanos = since_1970().as_nanos() as u64;
    format!("{pid:x}-{nanos:x}-{:x}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A time multiplied, but never longer than anybody waits.
pub(crate) fn times(time: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(time.as_secs_f64() * factor).unwrap_or(LONGEST).min(LONGEST)
}

/// A duration as people read it in a message: `350 ms`, `1.2 s`, `75 s`.
pub(crate) fn readable(time: Duration) -> String {
    match time.as_millis() {
        ms @ 0..1000 => format!("{ms} ms"),
        ms @ 1000..10_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        ms => format!("{} s", ms / 1000),
    }
}

/// Milliseconds, as a number with a fraction.
///
/// # Errors
/// `CONFIG` naming `option` when the number is negative or not finite.
pub fn millis(option: &str, value: f64) -> Result<Duration> {
    seconds(option, value / 1000.0)
}

/// Seconds, as a number with a fraction.
///
/// # Errors
/// `CONFIG` naming `option` when the number is negative or not finite.
pub fn seconds(option: &str, value: f64) -> Result<Duration> {
    match Duration::try_from_secs_f64(value) {
        Ok(duration) => Ok(duration.min(LONGEST)),
        Err(_) => Err(Error::config(option, "must be a time that is neither negative nor endless")),
    }
}

/// A number that counts something, as a language without unsigned numbers hands it over.
///
/// # Errors
/// `CONFIG` naming `option` when the number is negative or larger than 4294967295.
pub fn whole(option: &str, value: i64) -> Result<u32> {
    u32::try_from(value).map_err(|_| Error::config(option, format!("is {value}, which is no number from 0 to {}", u32::MAX)))
}

/// A duration as text, always with its unit: `30s`, `500ms`, `1m 30s`.
///
/// # Errors
/// `CONFIG` naming `option` when the text is no duration or has no unit.
pub fn duration(option: &str, text: &str) -> Result<Duration> {
    match humantime::parse_duration(text.trim()) {
        Ok(duration) => Ok(duration.min(LONGEST)),
        Err(_) if text.trim().bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') => {
            Err(Error::config(option, format!("is `{text}` without a unit: write `{text}s` or `{text}ms`")))
        }
        Err(problem) => Err(Error::config(option, format!("is `{text}`, which is no duration ({problem}): write `30s` or `500ms`"))),
    }
}
