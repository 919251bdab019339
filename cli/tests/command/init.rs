//! `server-init init`: a first entry by looking at the project.

use std::fs;

use crate::world::{Finished, World};

fn project(files: &[(&str, &str)]) -> World {
    let world = World::new();
    for (name, text) in files {
        let path = world.path(name);
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        fs::write(path, text).expect("a file");
    }
    world
}

fn content(world: &World, file: &str) -> String {
    fs::read_to_string(world.path(file)).expect("a file")
}

/// The command and the check that are declared now, as `init` wrote them.
fn written(files: &[(&str, &str)]) -> String {
    let world = project(files);
    let told = world.run(&["init"]).expect(0).stdout;
    let entry = content(&world, "spawnlock.toml");
    assert!(told.contains(entry.trim()) && told.contains("next: server-init ensure web"), "{told}");
    world.run(&["ensure", "web", "--dry-run"]).expect(0);
    entry
}

#[test]
fn the_scripts_of_a_package_are_understood() {
    for (scripts, command, ready) in [
        (r#"{"dev": "vite"}"#, r#"["npm", "run", "dev"]"#, "http://localhost:5173/"),
        (r#"{"build": "next build", "dev": "next dev -p 3100"}"#, r#"["npm", "run", "dev"]"#, "tcp:localhost:3100"),
        (r#"{"start": "node server.js"}"#, r#"["npm", "run", "start"]"#, "tcp:localhost:3000"),
        (r#"{"preview": "vite preview"}"#, r#"["npm", "run", "preview"]"#, "http://localhost:4173/"),
    ] {
        let entry = written(&[("package.json", &format!("{{\"scripts\": {scripts}}}"))]);
        assert_eq!(entry, format!("[servers.web]\ncommand = {command}\nready = \"{ready}\"\n"));
    }
    assert!(written(&[("package.json", r#"{"scripts": {"dev": "vite"}}"#), ("pnpm-lock.yaml", "")]).contains(r#"["pnpm", "run", "dev"]"#));
}

#[test]
fn the_usual_servers_of_other_languages_are_understood() {
    assert!(written(&[("app/main.py", "from fastapi import FastAPI\napp = FastAPI()\n")]).contains("\"uvicorn\", \"app.main:app\""));
    assert!(written(&[("app.py", "app = Flask(__name__)\n")]).contains("\"flask\", \"--app\", \"app\", \"run\""));
    assert!(
        written(&[("manage.py", "import django\n"), (".venv/bin/python", "")])
            .contains("[\".venv/bin/python\", \"manage.py\", \"runserver\"")
    );
    assert!(written(&[("index.html", "")]).contains("\"http.server\""));
}

#[test]
fn what_is_declared_already_stays_as_it_is() {
    let before = "# ours\n[servers.web]\nready = \"tcp:localhost:1\"\n";
    let world = project(&[("package.json", r#"{"scripts": {"dev": "vite"}}"#), ("spawnlock.toml", before)]);
    let refused = world.run(&["init"]).expect(2);
    assert!(refused.stderr.contains("declares already"), "{}", refused.stderr);
    assert_eq!(content(&world, "spawnlock.toml"), before);
    world.run(&["init", "second one"]).expect(0);
    let after = content(&world, "spawnlock.toml");
    assert!(after.starts_with(before) && after.contains("[servers.\"second one\"]"), "{after}");
    world.run(&["ensure", "second one", "--dry-run"]).expect(0);
}

#[test]
fn a_package_json_keeps_its_form() {
    let before = "{\n\t\"name\": \"an-app\",\n\t\"scripts\": { \"dev\":\"vite\" }\n}\n";
    let world = project(&[("package.json", before)]);
    world.run(&["init", "--file", "package.json"]).expect(0);
    let after = content(&world, "package.json");
    let (kept, added) = after.split_at(before.len() - 3);
    assert_eq!(kept, &before[..before.len() - 3]);
    assert!(added.starts_with(",\n\t\"spawnlock\": {\n\t\t\"servers\": {") && added.ends_with("\n\t}\n}\n"), "{after}");
    world.run(&["ensure", "web", "--dry-run"]).expect(0);
    let refused = world.run(&["init", "api"]).expect(1);
    assert!(refused.stderr.contains("nothing is written") && refused.stderr.contains("\"api\""), "{}", refused.stderr);
    assert_eq!(content(&world, "package.json"), after);
}

#[test]
fn a_pyproject_gets_a_table_at_its_end() {
    let before = "[project]\nname = \"x\"";
    let world = project(&[("pyproject.toml", before), ("main.py", "app = FastAPI()\n")]);
    world.run(&["init", "api", "--file", "pyproject.toml"]).expect(0);
    assert!(content(&world, "pyproject.toml").starts_with(&format!("{before}\n\n[tool.spawnlock.servers.api]\n")));
    let told: Finished = world.run(&["init", "db", "--json"]).expect(0);
    assert!(
        told.json()["file"].as_str().is_some_and(|file| file.ends_with("pyproject.toml")),
        "the file that declares servers gets the next one"
    );
    let refused = world.run(&["init", "--file", "spawnlock.toml"]).expect(2);
    assert!(refused.stderr.contains("only one of both is read"), "{}", refused.stderr);
}

#[test]
fn where_nothing_looks_like_a_server_nothing_is_written() {
    let world = World::new();
    let refused = world.run(&["init"]).expect(1);
    assert!(refused.stderr.contains("[servers.web]"), "{}", refused.stderr);
    assert!(!world.path("spawnlock.toml").exists());
}
