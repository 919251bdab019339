//! What the server answers.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::http::{self, Wire};
use crate::inside::{self, Inherited};
use crate::knobs::Knobs;
use crate::{hostile, life};

const JSON: &str = "application/json";
const PAGE: &str = "<!doctype html><title>fixture</title><p>The fixture server is up. Its health is at <a href=/health>/health</a>.\n";

pub struct Server {
    pub knobs: Knobs,
    inherited: Inherited,
    bound: OnceLock<Instant>,
    requests: AtomicU64,
    was_ok: AtomicBool,
    silent: AtomicBool,
}

impl Server {
    pub fn new(knobs: Knobs) -> Arc<Self> {
        Arc::new(Server {
            knobs,
            inherited: Inherited::now(),
            bound: OnceLock::new(),
            requests: AtomicU64::new(0),
            was_ok: AtomicBool::new(false),
            silent: AtomicBool::new(false),
        })
    }

    pub fn bound(&self) {
        self.bound.get_or_init(Instant::now);
    }

    /// From now on connections are taken and never answered.
    pub fn go_silent(&self) {
        self.silent.store(true, Ordering::SeqCst);
    }

    pub fn answer(self: &Arc<Self>, path: &str, wire: &mut dyn Wire) -> io::Result<()> {
        while self.silent.load(Ordering::SeqCst) {
            thread::park();
        }
        match path {
            "/health" => self.answer_health(wire),
            "/" => http::send(wire, 200, "text/html", PAGE),
            "/requests" => http::send(wire, 200, JSON, &self.requests.load(Ordering::SeqCst).to_string()),
            "/pid" => http::send(wire, 200, JSON, &std::process::id().to_string()),
            "/fds" => http::send(wire, 200, JSON, &inside::descriptors().to_string()),
            "/env" => http::send(wire, 200, JSON, &inside::variables().to_string()),
            "/limits" => http::send(wire, 200, JSON, &self.inherited.to_json().to_string()),
            _ => http::send(wire, 404, "text/plain", "there is no such page\n"),
        }
    }

    fn answer_health(self: &Arc<Self>, wire: &mut dyn Wire) -> io::Result<()> {
        self.requests.fetch_add(1, Ordering::SeqCst);
        if let Some(file) = &self.knobs.count_requests {
            life::append_line(file, "health")?;
        }
        if let Some(answer) = self.knobs.answer {
            return hostile::answer(answer, wire);
        }
        if self.is_initializing() {
            return http::send(wire, 200, JSON, &self.body("initializing"));
        }
        let first = !self.was_ok.swap(true, Ordering::SeqCst);
        if first && self.knobs.kill_parent_when_ready {
            life::kill_parent();
        }
        if first && self.knobs.exit_after_ready == Some(Duration::ZERO) {
            self.go_silent();
        }
        http::send(wire, self.knobs.status.unwrap_or(200), JSON, &self.body(self.knobs.word.as_deref().unwrap_or("ok")))?;
        match self.knobs.exit_after_ready {
            Some(Duration::ZERO) if first => life::end(&self.knobs),
            Some(time) if first => {
                let server = Arc::clone(self);
                life::after(time, move || life::end(&server.knobs));
            }
            _ => {}
        }
        Ok(())
    }

    fn is_initializing(&self) -> bool {
        self.knobs.never_healthy || self.bound.get().is_none_or(|bound| bound.elapsed() < self.knobs.initializing)
    }

    fn body(&self, word: &str) -> String {
        let mut fields = Map::new();
        fields.insert("status".into(), word.into());
        fields.insert("pid".into(), json!(std::process::id()));
        fields.extend(self.knobs.identity.iter().map(|(key, value)| (key.clone(), Value::String(value.clone()))));
        Value::Object(fields).to_string()
    }
}
