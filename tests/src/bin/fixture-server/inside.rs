//! What a process can tell about itself.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use rustix::process::{Resource, getpgrp, getppid, getrlimit, getsid};
use serde_json::{Map, Value, json};
use spawnlock::ServerSpec;

use crate::knobs::Knobs;

/// What was handed down, read before the server changes any of it.
pub struct Inherited {
    status: String,
}

impl Inherited {
    pub fn now() -> Self {
        Inherited { status: fs::read_to_string("/proc/self/status").unwrap_or_default() }
    }

    /// Numbers as the system writes them: masks in hexadecimal, the umask in octal.
    pub fn to_json(&self) -> Value {
        let field = |name: &str| {
            self.status.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim_start_matches(':').trim().to_owned())
        };
        json!({
            "umask": field("Umask"),
            "blocked": field("SigBlk"),
            "ignored": field("SigIgn"),
            "nofile": getrlimit(Resource::Nofile).current,
            "parent": getppid().map(|pid| pid.as_raw_nonzero().get()),
            "group": getpgrp().as_raw_nonzero().get(),
            "session": getsid(None).ok().map(|session| session.as_raw_nonzero().get()),
            "cwd": std::env::current_dir().ok(),
        })
    }
}

/// Every open descriptor and what it leads to.
pub fn descriptors() -> Value {
    let entries = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let links: BTreeMap<u32, PathBuf> =
        entries.filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, fs::read_link(entry.path()).ok()?))).collect();
    let fields: Map<String, Value> = links.into_iter().map(|(number, link)| (number.to_string(), json!(link))).collect();
    Value::Object(fields)
}

pub fn variables() -> Value {
    let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    Value::Object(std::env::vars_os().map(|(key, value)| (text(key), json!(text(value)))).collect())
}

/// Asks for the name we were started under, as a server should not.
pub fn ensure_ourselves(knobs: &Knobs) -> String {
    let (Ok(name), Ok(place)) = (std::env::var("SPAWNLOCK_NAME"), std::env::var("SPAWNLOCK_PLACE")) else {
        return "no SPAWNLOCK_NAME".to_owned();
    };
    let ready = match (knobs.ports.first(), knobs.sockets.first()) {
        (Some(port), _) => format!("http://127.0.0.1:{port}/health"),
        (None, Some(socket)) => format!("http+unix:{}:/health", socket.display()),
        (None, None) => return "no port and no socket".to_owned(),
    };
    let ourselves = std::env::args();
    let state_dir = PathBuf::from(place).parent().map(PathBuf::from).unwrap_or_default();
    match ServerSpec::new(name).state_dir(state_dir).command(ourselves).ready(ready).ensure() {
        Ok(server) => format!("ok {:?}", server.pid()),
        Err(error) => error.code().as_str().to_owned(),
    }
}
