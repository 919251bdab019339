//! Which server a project has, by what lies in its directory.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::script;

/// A server that a project seems to have.
pub struct Guess {
    pub command: Vec<String>,
    pub ready: String,
    /// What it was seen by.
    pub because: String,
}

/// The scripts that start a server, the likeliest first.
const SCRIPTS: &[&str] = &["dev", "start", "serve", "preview"];
/// Whose lock file lies there runs the scripts.
const RUNNERS: &[(&str, &str)] = &[("pnpm-lock.yaml", "pnpm"), ("yarn.lock", "yarn"), ("bun.lock", "bun"), ("bun.lockb", "bun")];
/// Where the application of a Python project usually stands.
const MODULES: &[&str] = &["main", "app", "server", "api", "wsgi", "asgi", "app.main", "app.app", "src.main", "src.app", "api.main"];

pub fn of(dir: &Path) -> Option<Guess> {
    django(dir).or_else(|| package(dir)).or_else(|| application(dir)).or_else(|| pages(dir))
}

fn package(dir: &Path) -> Option<Guess> {
    let text = fs::read_to_string(dir.join("package.json")).ok()?;
    let package: Value = serde_json::from_str(&text).ok()?;
    let (name, line) = SCRIPTS.iter().find_map(|name| Some((*name, package["scripts"][*name].as_str()?)))?;
    let runner = RUNNERS.iter().find(|(file, _)| dir.join(file).exists()).map_or("npm", |(_, runner)| runner);
    // A tool for pages has one at its root; of another server we know only that it will listen.
    let pages = line.contains("vite") || line.contains("http-server") || line.contains("astro");
    let port = script::port(line);
    Some(Guess {
        command: words(&[runner, "run", name]),
        ready: if pages { format!("http://localhost:{port}/") } else { format!("tcp:localhost:{port}") },
        because: format!("the script `{name}` of package.json: {line}"),
    })
}

fn django(dir: &Path) -> Option<Guess> {
    let text = fs::read_to_string(dir.join("manage.py")).ok()?;
    text.contains("django").then(|| Guess {
        command: words(&[python(dir), "manage.py", "runserver", "--noreload", "8000"]),
        ready: "tcp:localhost:8000".to_owned(),
        because: "the manage.py of Django".to_owned(),
    })
}

fn application(dir: &Path) -> Option<Guess> {
    MODULES.iter().find_map(|module| {
        let file = format!("{}.py", module.replace('.', "/"));
        let text = fs::read_to_string(dir.join(&file)).ok()?;
        let made_by =
            |class: &str| text.lines().find_map(|line| line.split_once('=').filter(|(_, made)| made.trim_start().starts_with(class)));
        if let Some((name, _)) = made_by("FastAPI(").or_else(|| made_by("Starlette(")) {
            let name = name.split(':').next().unwrap_or(name).trim();
            return Some(Guess {
                command: words(&[python(dir), "-m", "uvicorn", &format!("{module}:{name}"), "--port", "8000"]),
                ready: "tcp:localhost:8000".to_owned(),
                because: format!("the application `{name}` in {file}"),
            });
        }
        made_by("Flask(").map(|_| Guess {
            command: words(&[python(dir), "-m", "flask", "--app", module, "run", "--port", "5000"]),
            ready: "tcp:localhost:5000".to_owned(),
            because: format!("the Flask application in {file}"),
        })
    })
}

fn pages(dir: &Path) -> Option<Guess> {
    dir.join("index.html").is_file().then(|| Guess {
        command: words(&["python3", "-m", "http.server", "8000"]),
        ready: "http://localhost:8000/".to_owned(),
        because: "the index.html".to_owned(),
    })
}

/// The interpreter of the project's own environment, where it has one.
fn python(dir: &Path) -> &'static str {
    [".venv/bin/python", "venv/bin/python"].into_iter().find(|python| dir.join(python).exists()).unwrap_or("python3")
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
