//! What stands in an existence lock: our own form, and those of our neighbours.

use serde_json::Value;

use crate::holder::Holder;
use crate::sys;

/// More than any tool writes into a lock.
pub(crate) const LONGEST: usize = 4096;

/// Whether the owner of a lock lives, as far as anybody here can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Alive,
    Dead,
    /// Of another machine or pid namespace: a pid says nothing about it here.
    Unknown,
}

/// Reads who holds a lock: a JSON object with `pid` and perhaps more, the three lines pid, timestamp, token, or a bare pid.
/// `None` for what makes no sense.
pub(crate) fn parse(content: &[u8]) -> Option<Holder> {
    let text = std::str::from_utf8(content).ok()?.trim_matches(['\0', ' ', '\t', '\r', '\n', '\u{feff}']);
    let holder = if text.starts_with('{') { from_json(text)? } else { from_lines(text)? };
    i32::try_from(holder.pid).ok().filter(|pid| *pid > 0).map(|_| holder)
}

/// Field by field: a neighbour's odd host is no reason to doubt its pid.
fn from_json(text: &str) -> Option<Holder> {
    let value: Value = serde_json::from_str(text).ok()?;
    let word = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    Some(Holder {
        pid: u32::try_from(number(value.get("pid")?)?).ok()?,
        since_ms: value.get("timestamp").and_then(number).unwrap_or_default(),
        token: word("token").unwrap_or_default(),
        host: word("host").or_else(|| word("hostname")).unwrap_or_default(),
        program: word("program").unwrap_or_default(),
        start_time: value.get("startTime").and_then(number),
        boot_id: word("bootId"),
        pid_namespace: word("pidNamespace"),
    })
}

/// A whole number, also one that was written as a text or with a fraction.
fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64().or_else(|| number.as_f64().filter(|number| *number >= 0.0).map(|number| number as u64)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn from_lines(text: &str) -> Option<Holder> {
    let mut lines = text.lines().map(str::trim);
    let pid = lines.next()?.parse().ok()?;
    let since_ms = lines.next().and_then(|line| line.parse().ok()).unwrap_or_default();
    let token = lines.next().unwrap_or_default().to_owned();
    Some(Holder { pid, since_ms, token, ..Holder::default() })
}

/// Whether this holder's tool keeps the time of its lock fresh, as ours do.
pub(crate) fn is_refreshed(holder: &Holder) -> bool {
    holder.boot_id.is_some() || holder.start_time.is_some()
}

/// Whether the owner lives. A neighbour that tells only its pid is taken for one of this machine.
pub(crate) fn owner(holder: &Holder) -> Owner {
    let us = Holder::this_process();
    if !holder.host.is_empty() && holder.host != us.host {
        return Owner::Unknown;
    }
    if differ(holder.boot_id.as_ref(), us.boot_id.as_ref()) {
        return Owner::Dead;
    }
    if differ(holder.pid_namespace.as_ref(), us.pid_namespace.as_ref()) {
        return Owner::Unknown;
    }
    match sys::process(holder.pid).filter(|_| sys::sees_own_pids()) {
        Some(process) if process.zombie => Owner::Dead,
        Some(process) if holder.start_time.is_some_and(|began| began != process.start_time) => Owner::Dead,
        Some(_) => Owner::Alive,
        // Where /proc hides other users' processes, or shows those of another namespace, only the signal 0 finds them.
        None if sys::exists(holder.pid) => Owner::Alive,
        None => Owner::Dead,
    }
}

fn differ(one: Option<&String>, other: Option<&String>) -> bool {
    matches!((one, other), (Some(one), Some(other)) if one != other)
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn pid_and_time(content: &str) -> Option<(u32, u64)> {
        parse(content.as_bytes()).map(|holder| (holder.pid, holder.since_ms))
    }

    #[test]
    fn the_forms_of_other_tools_are_understood() {
        assert_eq!(pid_and_time(r#"{"pid":42,"timestamp":1700000000000}"#), Some((42, 1_700_000_000_000)));
        assert_eq!(pid_and_time(r#"{"pid":"42","timestamp":1700000000000.5,"x":[]}"#), Some((42, 1_700_000_000_000)));
        assert_eq!(pid_and_time("42\n1700000000000\nabc\n"), Some((42, 1_700_000_000_000)));
        assert_eq!(pid_and_time("42"), Some((42, 0)));
        assert_eq!(pid_and_time("  42\r\n"), Some((42, 0)));
    }

    #[test]
    fn what_makes_no_sense_names_nobody() {
        for content in ["", "\n", "{", "{}", r#"{"pid":-1}"#, r#"{"pid":0}"#, "0", "-1", "99999999999", "hello", "{\"pid\":null}"] {
            assert_eq!(pid_and_time(content), None, "{content:?}");
        }
        assert!(parse(&[0xff, 0xfe]).is_none());
    }
}
