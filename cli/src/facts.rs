//! A server, a status and a list as people and programs read them. The field names are those of the Node package.

use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use serde::Serialize;
use spawnlock::{Ended, Event, Failure, Holder, Server, State, Status, Verdict};

use crate::trouble::{Result, Trouble};

/// One thing known about a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    Name,
    State,
    Health,
    Url,
    Host,
    Port,
    Pid,
    Origin,
    Generation,
    Version,
    StartedAt,
    ReadyMs,
    Log,
    Place,
}

/// The words by which `--print` asks for facts.
const FACTS: &[(&str, Fact)] = &[
    ("name", Fact::Name),
    ("state", Fact::State),
    ("health", Fact::Health),
    ("url", Fact::Url),
    ("host", Fact::Host),
    ("port", Fact::Port),
    ("pid", Fact::Pid),
    ("origin", Fact::Origin),
    ("generation", Fact::Generation),
    ("version", Fact::Version),
    ("started-at", Fact::StartedAt),
    ("ready-ms", Fact::ReadyMs),
    ("log", Fact::Log),
    ("place", Fact::Place),
];

/// A server that `ensure` got.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerFacts {
    ok: bool,
    name: String,
    state: &'static str,
    url: Option<String>,
    host: Option<String>,
    port: Option<u16>,
    pid: Option<u32>,
    origin: &'static str,
    generation: Option<u64>,
    version: Option<String>,
    started_at: Option<String>,
    ready_ms: Option<u64>,
    log_file: Option<String>,
    place: String,
}

impl From<&Server> for ServerFacts {
    fn from(server: &Server) -> Self {
        ServerFacts {
            ok: true,
            name: server.name().to_owned(),
            state: State::Running.as_str(),
            url: server.url().map(str::to_owned),
            host: server.host().map(str::to_owned),
            port: server.port(),
            pid: server.pid(),
            origin: server.origin().as_str(),
            generation: server.generation(),
            version: server.version().map(str::to_owned),
            started_at: server.started_at_ms().map(time),
            ready_ms: server.ready_ms(),
            log_file: server.log_file().map(path),
            place: path(server.place()),
        }
    }
}

/// What is known about a name.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusFacts {
    name: String,
    state: &'static str,
    health: Option<&'static str>,
    url: Option<String>,
    pid: Option<u32>,
    generation: u64,
    started_at: Option<String>,
    ready_ms: Option<u64>,
    log_file: Option<String>,
    place: String,
    holder: Option<HolderFacts>,
    phase: Option<&'static str>,
    leases: Vec<HolderFacts>,
    version: Option<String>,
    restarted_because: Option<String>,
    ended: Option<EndedFacts>,
    last_failure: Option<FailureFacts>,
}

/// Why a start failed, as a failure of our own is told: the whole text, and the facts behind it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FailureFacts {
    message: String,
    #[serde(flatten)]
    facts: Failure,
}

impl From<&Failure> for FailureFacts {
    fn from(failure: &Failure) -> Self {
        FailureFacts { message: spawnlock::Error::from(failure.clone()).to_string(), facts: failure.clone() }
    }
}

/// How a server ended last.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EndedFacts {
    generation: u64,
    ended_at: String,
    exit_code: Option<i32>,
    signal: Option<String>,
    reason: &'static str,
    log_tail: Vec<String>,
}

impl From<&Ended> for EndedFacts {
    fn from(ended: &Ended) -> Self {
        EndedFacts {
            generation: ended.generation,
            ended_at: time(ended.ended_at_ms),
            exit_code: ended.exit_code,
            signal: ended.signal.clone(),
            reason: ended.reason.as_str(),
            log_tail: ended.log_tail.clone(),
        }
    }
}

/// Who holds the spawn lock.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HolderFacts {
    pid: u32,
    program: String,
    since: String,
    host: String,
    token: String,
}

/// One thing that happened, as `--events` tells it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventFacts<'a> {
    kind: &'static str,
    name: &'a str,
    message: &'a str,
    elapsed_ms: u64,
    pid: Option<u32>,
    holder: Option<HolderFacts>,
    log_file: Option<String>,
}

impl<'a> From<&'a Event> for EventFacts<'a> {
    fn from(event: &'a Event) -> Self {
        EventFacts {
            kind: event.kind.as_str(),
            name: &event.name,
            message: &event.message,
            elapsed_ms: event.elapsed.as_millis() as u64,
            pid: event.pid,
            holder: event.holder.as_ref().map(HolderFacts::from),
            log_file: event.voice.as_ref().map(|voice| path(voice.log_file())),
        }
    }
}

impl From<&Status> for StatusFacts {
    fn from(status: &Status) -> Self {
        StatusFacts {
            name: status.name.clone(),
            state: status.state.as_str(),
            health: status.health.map(Verdict::as_str),
            url: status.url.clone(),
            pid: status.pid,
            generation: status.generation,
            started_at: status.started_at_ms.map(time),
            ready_ms: status.ready_ms,
            log_file: status.log_file.as_deref().map(path),
            place: path(&status.place),
            holder: status.holder.as_ref().map(HolderFacts::from),
            phase: status.phase,
            leases: status.leases.iter().map(HolderFacts::from).collect(),
            version: status.version.clone(),
            restarted_because: status.restarted_because.clone(),
            ended: status.ended.as_ref().map(EndedFacts::from),
            last_failure: status.last_failure.as_ref().map(FailureFacts::from),
        }
    }
}

impl From<&Holder> for HolderFacts {
    fn from(holder: &Holder) -> Self {
        let Holder { pid, program, since_ms, host, token, .. } = holder.clone();
        HolderFacts { pid, program, since: time(since_ms), host, token }
    }
}

/// Several names.
#[derive(Serialize)]
pub struct ListFacts {
    ok: bool,
    servers: Vec<StatusFacts>,
}

impl ListFacts {
    pub fn new(ok: bool, all: &[Status]) -> Self {
        ListFacts { ok, servers: all.iter().map(StatusFacts::from).collect() }
    }
}

/// The words by which `--print` asks.
pub fn words() -> impl Iterator<Item = &'static str> {
    FACTS.iter().map(|(word, _)| *word)
}

/// `pid,url`.
pub fn facts(list: &str) -> Result<Vec<Fact>> {
    let known = || words().collect::<Vec<_>>().join(", ");
    let fact = |word: &str| FACTS.iter().find(|(known, _)| *known == word.trim()).map(|(_, fact)| *fact);
    list.split(',')
        .map(|word| fact(word).ok_or_else(|| Trouble::usage("--print", format_args!("knows no `{word}`; known are {}", known()))))
        .collect()
}

impl Fact {
    /// The word by which `--print` asks for it.
    pub fn word(self) -> &'static str {
        FACTS.iter().find(|(_, fact)| *fact == self).map_or("such fact", |(word, _)| *word)
    }

    pub fn of_server(self, server: &Server) -> Option<String> {
        match self {
            Fact::Name => Some(server.name().to_owned()),
            Fact::State => Some(State::Running.as_str().to_owned()),
            Fact::Health => Some(Verdict::Ready.as_str().to_owned()),
            Fact::Url => server.url().map(str::to_owned),
            Fact::Host => server.host().map(str::to_owned),
            Fact::Port => server.port().map(|port| port.to_string()),
            Fact::Pid => server.pid().map(|pid| pid.to_string()),
            Fact::Origin => Some(server.origin().as_str().to_owned()),
            Fact::Generation => server.generation().map(|generation| generation.to_string()),
            Fact::Version => server.version().map(str::to_owned),
            Fact::StartedAt => server.started_at_ms().map(time),
            Fact::ReadyMs => server.ready_ms().map(|ms| ms.to_string()),
            Fact::Log => server.log_file().map(path),
            Fact::Place => Some(path(server.place())),
        }
    }

    pub fn of_status(self, status: &Status) -> Option<String> {
        match self {
            Fact::Name => Some(status.name.clone()),
            Fact::State => Some(status.state.as_str().to_owned()),
            Fact::Health => status.health.map(|health| health.as_str().to_owned()),
            Fact::Url => status.url.clone(),
            Fact::Pid => status.pid.map(|pid| pid.to_string()),
            Fact::Generation => Some(status.generation.to_string()),
            Fact::Version => status.version.clone(),
            Fact::StartedAt => status.started_at_ms.map(time),
            Fact::ReadyMs => status.ready_ms.map(|ms| ms.to_string()),
            Fact::Log => status.log_file.as_deref().map(path),
            Fact::Place => Some(path(&status.place)),
            // A status knows the address as a whole, and no call that came by the server.
            Fact::Host | Fact::Port | Fact::Origin => None,
        }
    }
}

/// A moment as RFC 3339 text.
pub fn time(ms: u64) -> String {
    humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(ms)).to_string()
}

pub fn path(path: &Path) -> String {
    path.display().to_string()
}
