//! The world of one measurement: a state directory, a port, a server.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use spawnlock::{Origin, ServerSpec, StateDir, StopOptions};
use tempfile::TempDir;

use crate::tools::{Tools, run};
use crate::trouble::Result;

/// The name of the server in every scene.
pub const NAME: &str = "bench";
const TIMEOUT: Duration = Duration::from_secs(60);

/// A world of its own. Dropping it stops the server.
pub struct Scene {
    dir: TempDir,
    pub port: u16,
    pub server: Vec<String>,
}

impl Scene {
    /// With this server; `PORT` in its words stands for the port and `DIR` for a folder of its own.
    pub fn new(server: &[&str]) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("slb-").tempdir()?;
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let path = dir.path().display().to_string();
        let server = server.iter().map(|word| word.replace("PORT", &port.to_string()).replace("DIR", &path)).collect();
        Ok(Scene { dir, port, server })
    }

    /// The example: a server as people write them, in Node. It runs when this returns.
    pub fn node_example(tools: &Tools) -> Result<Self> {
        let script = tools.root.join("examples/server.mjs");
        Scene::running(&[&tools.node()?.display().to_string(), &script.display().to_string(), "PORT"])
    }

    /// The fixture: a server that costs next to nothing, so that ours is all there is to see. It runs when this returns.
    pub fn fixture(tools: &Tools) -> Result<Self> {
        Scene::running(&[&tools.fixture()?.display().to_string(), "--port", "PORT"])
    }

    /// A server that is ready `ready_after` milliseconds after its start, and writes that moment down.
    pub fn slow(tools: &Tools, ready_after: &str, listens: &str) -> Result<Self> {
        Scene::new(&[&tools.ourselves.display().to_string(), "serve", "PORT", ready_after, listens, "DIR/ready-at"])
    }

    fn running(server: &[&str]) -> Result<Self> {
        let scene = Scene::new(server)?;
        match scene.spec().ensure()?.origin() {
            Origin::Started => Ok(scene),
            other => Err(format!("port {} was taken meanwhile: the server is {}", scene.port, other.as_str()).into()),
        }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/health", self.port)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn state_dir(&self) -> PathBuf {
        self.path("state")
    }

    pub fn spec(&self) -> ServerSpec {
        self.spec_at(self.url())
    }

    /// The same server, asked for at another form of its address.
    pub fn spec_at(&self, url: String) -> ServerSpec {
        ServerSpec::new(NAME).command(self.server.clone()).ready(url).state_dir(self.state_dir()).timeout(TIMEOUT)
    }

    /// The same options for a script, in the spelling of Node.
    pub fn options(&self) -> Value {
        json!({"name": NAME, "command": self.server, "ready": self.url(), "stateDir": self.state_dir()})
    }

    /// What people write by hand for this server, as a process.
    pub fn usual_script(&self, tools: &Tools) -> Result<Command> {
        let mut command = run(&tools.node()?);
        command.arg(tools.script("peers/init-script.mjs")).args([self.url().as_str()]).arg(self.path("init.lock")).args(&self.server);
        Ok(command)
    }

    /// One of many who ask for it, as a process: a client, or a user in a scope.
    pub fn asking(&self, tools: &Tools, role: &str) -> Command {
        let mut command = run(&tools.ourselves);
        command.args([role, &self.port.to_string()]).arg(self.state_dir()).args(&self.server);
        command
    }

    /// When the slow server turned ready, in milliseconds since 1970.
    pub fn ready_at(&self) -> Result<f64> {
        self.noted("ready-at")
    }

    /// A moment that the server wrote down, in milliseconds since 1970.
    pub fn noted(&self, file: &str) -> Result<f64> {
        Ok(std::fs::read_to_string(self.path(file))?.trim().parse()?)
    }

    /// How many health requests the slow server has seen.
    pub fn requests(&self) -> Result<f64> {
        let body = crate::fast::get(self.port, "/requests")?;
        let number = body.rsplit("\r\n\r\n").next().unwrap_or_default();
        Ok(number.trim().parse()?)
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let options = StopOptions::new().stop_timeout(Duration::from_secs(1));
        let stopped = StateDir::new(Some(&self.state_dir())).and_then(|dir| dir.stop(NAME, &options));
        if stopped.is_err() {
            // It was started by a script, or not at all: nobody answers then.
            let _ = crate::fast::get(self.port, "/end");
        }
    }
}
