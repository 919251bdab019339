//! The environment variables we read: the only place that does.
#![expect(clippy::disallowed_methods, reason = "the one place that may read the environment")]

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::deadline;
use crate::error::{Error, Result};

/// Where the state directory is.
pub(crate) const STATE_DIR: &str = "SPAWNLOCK_STATE_DIR";
/// The default of the start timeout, as a duration with its unit.
pub(crate) const READY_TIMEOUT: &str = "SPAWNLOCK_READY_TIMEOUT";
/// How long one health question may take, in the same way.
pub(crate) const PROBE_TIMEOUT: &str = "SPAWNLOCK_PROBE_TIMEOUT";
/// How long a server may take to end, in the same way.
pub(crate) const STOP_TIMEOUT: &str = "SPAWNLOCK_STOP_TIMEOUT";
/// How many of a server's last lines a failure shows.
pub(crate) const TAIL_LINES: &str = "SPAWNLOCK_TAIL_LINES";
/// `proceed` or `fail`, where no lock can be had.
pub(crate) const ON_LOCK_UNAVAILABLE: &str = "SPAWNLOCK_ON_LOCK_UNAVAILABLE";
/// A number by which every time-out is multiplied.
pub(crate) const TIMEOUT_SCALE: &str = "SPAWNLOCK_TIMEOUT_SCALE";
/// The file that declares the servers.
pub(crate) const CONFIG: &str = "SPAWNLOCK_CONFIG";
/// `1`: start nothing, only look.
pub(crate) const DISABLE: &str = "SPAWNLOCK_DISABLE";
/// The native command to run as a minder, where it is not to be found beside the library.
const COMMAND: &str = "SPAWNLOCK_COMMAND";
/// Told to the server: its name.
pub(crate) const NAME: &str = "SPAWNLOCK_NAME";
/// Told to the server: its place.
pub(crate) const PLACE: &str = "SPAWNLOCK_PLACE";
/// Told to the server: which start of its name it is.
pub(crate) const GENERATION: &str = "SPAWNLOCK_GENERATION";
/// Told to the server: the port that was chosen for it, and the host.
pub(crate) const PORT: &str = "PORT";
pub(crate) const HOST: &str = "HOST";
/// Told to the server: how many sockets it is passed, and that it is meant.
pub(crate) const LISTEN_FDS: &str = "LISTEN_FDS";
pub(crate) const LISTEN_PID: &str = "LISTEN_PID";
/// Told to the server: what they are called.
pub(crate) const LISTEN_FDNAMES: &str = "LISTEN_FDNAMES";
/// Told to the server: its place and those of the servers it was started from, one a line.
pub(crate) const WITHIN: &str = "SPAWNLOCK_WITHIN";

/// Told to a server: where it is to say that it is ready, as systemd has it.
pub(crate) const NOTIFY_SOCKET: &str = "NOTIFY_SOCKET";

/// Variables of the caller that are lies in the server: they speak of descriptors, sockets or jobs it does not get.
const CALLERS_OWN: &[&str] =
    &[NOTIFY_SOCKET, LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES, "NODE_CHANNEL_FD", "NODE_CHANNEL_SERIALIZATION_MODE", NAME, PLACE, GENERATION];
/// The same, where they speak of a job server.
const JOB_SERVERS: &[&str] = &["MAKEFLAGS", "MFLAGS", "CARGO_MAKEFLAGS"];

pub(crate) fn state_dir() -> Option<PathBuf> {
    given(STATE_DIR).map(PathBuf::from)
}

/// The native command the environment names.
pub(crate) fn command() -> Option<PathBuf> {
    given(COMMAND).map(PathBuf::from)
}

/// The directories in which programs are looked for.
pub(crate) fn program_dirs() -> Vec<PathBuf> {
    env::var_os("PATH").map_or_else(Vec::new, |path| env::split_paths(&path).collect())
}

/// A variable; an empty one counts as unset.
fn given(variable: &str) -> Option<OsString> {
    env::var_os(variable).filter(|value| !value.is_empty())
}

/// The same as text.
pub(crate) fn text(variable: &str) -> Option<String> {
    given(variable).map(|text| text.to_string_lossy().into_owned())
}

/// The file that declares the servers.
pub(crate) fn config_file() -> Option<PathBuf> {
    given(CONFIG).map(PathBuf::from)
}

/// The variable that says where somebody else runs the server of this name: `SPAWNLOCK_WEB_URL`.
pub(crate) fn url_variable(name: &str) -> String {
    about(name, "URL")
}

/// The variable in which those who use a server find its port: `SPAWNLOCK_WEB_PORT`.
pub(crate) fn port_variable(name: &str) -> String {
    about(name, "PORT")
}

/// A variable about one server. The root of its project is no part of it, or nobody could write it down.
fn about(name: &str, what: &str) -> String {
    let own = name.split_once("@/").map_or(name, |(own, _)| own);
    let word = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    format!("SPAWNLOCK_{}_{what}", own.chars().map(word).collect::<String>())
}

/// A time-out by the scale of this machine.
pub(crate) fn scaled(time: Duration) -> Result<Duration> {
    let Some(text) = text(TIMEOUT_SCALE) else { return Ok(time) };
    match serde_json::from_str::<f64>(&text) {
        Ok(scale) if scale > 0.0 && scale.is_finite() => Ok(deadline::times(time, scale)),
        _ => Err(Error::config(TIMEOUT_SCALE, format!("is `{text}`: write a number above 0, as in 2 or 0.5"))),
    }
}

/// Whether starting is switched off.
pub(crate) fn disabled() -> Result<bool> {
    match env::var(DISABLE).unwrap_or_default().as_str() {
        "" | "0" | "false" => Ok(false),
        "1" | "true" => Ok(true),
        other => Err(Error::config(DISABLE, format!("is `{other}`: write `1` or leave it unset"))),
    }
}

/// Whether we run inside the server of this place, or of one that was started from it.
pub(crate) fn is_within(place: &Path) -> bool {
    let Some(within) = env::var_os(WITHIN) else { return false };
    // The same directory may be written in two ways, through a link in HOME say.
    let same = |line: &str| {
        Path::new(line) == place || place.canonicalize().is_ok_and(|place| Path::new(line).canonicalize().is_ok_and(|line| line == place))
    };
    within.to_string_lossy().lines().any(same)
}

/// Where a server is to say that it is ready.
pub(crate) fn notify_socket() -> Option<OsString> {
    given(NOTIFY_SOCKET)
}

/// What a server gets to see: the caller's variables without those that are only the caller's, or nothing
/// but `PATH` and `HOME`, then the declared ones, then ours.
pub(crate) fn for_server(inherit: bool, declared: &[(String, String)], ours: &[(&str, String)], place: &Path) -> Vec<(OsString, OsString)> {
    let mut all: Vec<(OsString, OsString)> =
        env::vars_os().filter(|(key, value)| keep(&key.to_string_lossy(), &value.to_string_lossy(), inherit)).collect();
    let mut set = |key: &str, value: OsString| {
        all.retain(|(known, _)| known.as_os_str() != key);
        all.push((key.into(), value));
    };
    for (key, value) in declared {
        set(key, value.into());
    }
    for (key, value) in ours {
        set(key, value.clone().into());
    }
    let mut within = env::var_os(WITHIN).unwrap_or_default();
    if !within.is_empty() {
        within.push("\n");
    }
    within.push(place);
    set(WITHIN, within);
    all
}

/// Whether a person looks on, or a machine that says so.
pub(crate) fn is_automation() -> bool {
    given("CI").is_some() && !matches!(env::var("CI").as_deref(), Ok("false" | "0"))
}

/// Whether the terminal can do no more than print lines.
pub(crate) fn is_dumb_terminal() -> bool {
    given("TERM").is_none_or(|term| term == "dumb")
}

pub(crate) fn no_colour() -> bool {
    given("NO_COLOR").is_some()
}

pub(crate) fn forces_colour() -> bool {
    given("CLICOLOR_FORCE").is_some_and(|value| value != "0")
}

/// The variables that override something of ours, with their values.
pub(crate) fn overrides() -> Vec<(String, String)> {
    let is_ours = |key: &str| key.starts_with("SPAWNLOCK_") || key == "XDG_STATE_HOME";
    found(is_ours)
}

/// The variables that name a proxy. Health questions on this machine use none.
pub(crate) fn proxies() -> Vec<(String, String)> {
    found(|key| ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"].contains(&key.to_ascii_uppercase().as_str()))
}

fn found(wanted: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    let text = |value: OsString| value.to_string_lossy().into_owned();
    let mut all: Vec<_> = env::vars_os().map(|(key, value)| (text(key), text(value))).collect();
    all.retain(|(key, value)| !value.is_empty() && wanted(key));
    all.sort();
    all
}

/// The environment of another language's packages that is switched on.
pub(crate) fn virtual_env() -> Option<PathBuf> {
    given("VIRTUAL_ENV").map(PathBuf::from)
}

/// Every variable, for a minder: its environment was made for the server.
pub(crate) fn all() -> Vec<(OsString, OsString)> {
    // Each child has its own.
    env::vars_os().filter(|(key, _)| key != LISTEN_PID).collect()
}

/// A path as a person writes it: `~/…` for what is in the home directory.
pub(crate) fn tilde(path: &Path) -> String {
    match dirs::home_dir().and_then(|home| Some(path.strip_prefix(home).ok()?.to_owned())) {
        Some(below) => format!("~/{}", below.display()),
        None => path.display().to_string(),
    }
}

/// The caller's working directory; `None` when it was deleted.
pub(crate) fn current_dir() -> Option<PathBuf> {
    env::current_dir().ok().filter(|dir| dir.is_dir())
}

fn keep(key: &str, value: &str, inherit: bool) -> bool {
    if !inherit {
        return matches!(key, "PATH" | "HOME");
    }
    let of_job_server = JOB_SERVERS.contains(&key) && value.contains("jobserver");
    !CALLERS_OWN.contains(&key) && !of_job_server
}
