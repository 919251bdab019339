//! Servers that a project declares: the table of keys, what is read from a file, and what a wrong one says.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use spawnlock::{ErrorCode, Origin, Project, ServerSpec, SettingSource};
use spawnlock_tests::Scene;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap()
}

/// A file in the scene.
fn written(scene: &Scene, name: &str, text: &str) -> PathBuf {
    let path = scene.path(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    path
}

/// What a call says to a file that is wrong.
#[track_caller]
fn refused(name: &str, text: &str) -> String {
    let scene = Scene::new();
    let file = written(&scene, name, text);
    let error = ServerSpec::new("web").state_dir(scene.state_dir()).config(&file).ensure().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Config, "{error}");
    error.to_string().replace(file.to_str().unwrap(), name)
}

#[test]
fn every_option_of_a_server_has_a_key() {
    let contract: Value = serde_json::from_str(&read("tests/surface/contract.json")).unwrap();
    let of_a_call = ["signal", "onEvent", "progress", "cancel", "config"];
    let schema = Project::schema();
    for option in contract["options"].as_array().unwrap().iter().filter_map(|option| option["node"].as_str()) {
        let known = schema["$defs"]["server"]["properties"].get(option).is_some();
        assert!(known || of_a_call.contains(&option), "`{option}` has no line in core/src/config/keys.rs");
    }
}

#[test]
fn the_published_schema_and_the_page_are_made_from_the_table() {
    let published: Value = serde_json::from_str(&read("spawnlock.schema.json")).unwrap();
    assert_eq!(published, Project::schema(), "run `make stubs`");
    assert!(
        read("docs/configuration.md").contains(&Project::reference()),
        "the table of docs/configuration.md is not the one of the code: run `make stubs`"
    );
}

#[test]
fn the_examples_are_declared_as_we_read_them() {
    for (file, names) in [("spawnlock.toml", vec!["api", "db", "search"]), ("package.json", vec!["web"]), ("pyproject.toml", vec!["api"])] {
        let path = root().join("examples/declared").join(file).canonicalize().unwrap();
        let project = Project::find(Some(&path)).unwrap().unwrap();
        assert_eq!(project.names().collect::<Vec<_>>(), names);
        for name in names {
            let settings = ServerSpec::new(name).config(&path).settings().unwrap();
            assert!(settings.iter().any(|setting| matches!(setting.source, SettingSource::File(_))), "{file}: {name}");
        }
    }
}

#[test]
fn a_declared_server_is_started_in_the_directory_of_its_file() {
    let scene = Scene::new();
    let command = serde_json::to_string(&scene.command(&[])).unwrap();
    let text = format!("[servers.web]\ncommand = {command}\nready = \"{}\"\nlog = \"web.log\"\nstate-dir = \"state\"\n", scene.url());
    let file = written(&scene, "project/spawnlock.toml", &text);
    let project = file.parent().unwrap().canonicalize().unwrap();
    let spec = || ServerSpec::new("web").config(&file);
    let server = spec().ensure().unwrap();
    assert_eq!((server.origin(), server.name()), (Origin::Started, "web"));
    assert_eq!(server.log_file().unwrap().canonicalize().unwrap(), project.join("web.log"));
    assert!(server.place().canonicalize().unwrap().starts_with(project.join("state")));
    let ran_in = fs::read_link(format!("/proc/{}/cwd", server.pid().unwrap())).unwrap_or_else(|_| project.clone());
    assert_eq!(ran_in, project);
    assert_eq!(spec().ensure().unwrap().origin(), Origin::Reused);
    server.stop().unwrap();
}

#[test]
fn what_the_caller_says_wins_over_the_file() {
    let scene = Scene::new();
    let text = "[servers.web]\nshell = \"exec false\"\nready = \"tcp:localhost:1\"\ntimeout = \"9s\"\ntail-lines = 3\nenv = { A = \"file\", B = \"file\" }\n";
    let file = written(&scene, "spawnlock.toml", text);
    let spec = ServerSpec::new("web")
        .config(&file)
        .state_dir(scene.state_dir())
        .command(["true"])
        .timeout(std::time::Duration::from_secs(2))
        .env("A", "mine");
    let settings = spec.settings().unwrap();
    let of = |name: &str| {
        settings.iter().find(|setting| setting.name == name).map(|setting| (setting.value.clone(), setting.source.clone())).unwrap()
    };
    assert_eq!(of("timeout"), ("2s".into(), SettingSource::Caller));
    assert_eq!(of("command").1, SettingSource::Caller);
    assert_eq!(of("shell").0, Value::Null);
    assert_eq!(of("env").0, serde_json::json!({ "A": "mine", "B": "file" }));
    assert_eq!(of("tailLines"), (3.into(), SettingSource::File(format!("{}:5", file.display()))));
    assert_eq!(of("stopTimeout"), ("10s".into(), SettingSource::Default));
    assert!(scene.starts().is_empty());
}

#[test]
fn a_wrong_key_names_file_line_and_the_nearest_right_one() {
    let text = "[servers.web]\ncommand = [\"x\"]\nready = \"tcp:localhost:1\"\nstop-timeot = \"5s\"\n";
    assert!(refused("spawnlock.toml", text).contains("spawnlock.toml:4: server \"web\" has the unknown key `stop-timeot`"));
    assert!(refused("spawnlock.toml", text).contains("did you mean `stop-timeout`?"));
    let text =
        "{\n \"spawnlock\": {\n  \"servers\": {\n   \"web\": {\n    \"ready\": \"tcp:localhost:1\",\n    \"stopTimeot\": \"5s\"\n   }}}}";
    let said = refused("package.json", text);
    assert!(
        said.contains("package.json:6: server \"web\" has the unknown key `stopTimeot`") && said.contains("did you mean `stopTimeout`?"),
        "{said}"
    );
    assert!(refused("spawnlock.toml", "[server.web]\nready = \"tcp:localhost:1\"\n").contains("spawnlock.toml:1: unknown key `server`"));
    assert!(refused("pyproject.toml", "[tool.spawnlock.server.web]\n").contains("did you mean `servers`?"));
}

#[test]
fn a_wrong_value_says_where_it_stands_and_what_it_must_be() {
    let web = |line: &str| refused("spawnlock.toml", &format!("[servers.web]\nready = \"tcp:localhost:1\"\n\n{line}\n"));
    for (line, problem) in [
        ("timeout = 30", "must be a time with its unit"),
        ("timeout = \"30\"", "is `30` without a unit"),
        ("command = \"node server.js\"", "must be a list of texts"),
        ("env = { A = 1 }", "must be a table of texts"),
        ("tail-lines = -1", "must be a whole number"),
        ("tail-lines = \"40\"", "must be a whole number"),
        ("umask = 22", "must be octal digits"),
        ("lock = \"file\"", "option `lock` is `file`"),
        ("on-lock-unavailable = true", "must be `proceed` or `fail`"),
        ("inherit-env = \"no\"", "must be true or false"),
    ] {
        let said = web(line);
        assert!(said.contains("spawnlock.toml:4: ") && said.contains(problem), "{line}: {said}");
    }
    assert!(web("stop-timeout = \"1s\"\nstopTimeout = \"2s\"").contains("spawnlock.toml:5: server \"web\" has `stopTimeout` twice"));
    assert!(
        web("command = [\"true\"]\numask = \"7777\"").contains("spawnlock.toml:1"),
        "a check of the whole still tells where the server is declared"
    );
    assert!(refused("spawnlock.toml", "[servers]\nweb = 5\n").contains("spawnlock.toml:2: server \"web\" must be a table"));
    assert!(refused("spawnlock.toml", "[servers.web\n").contains("spawnlock.toml:1: this cannot be read"));
    assert!(refused("package.json", "{\n\"spawnlock\": {,}}").contains("package.json:2: this cannot be read"));
}

#[test]
fn a_name_that_is_not_declared_is_told_with_those_that_are() {
    let said = refused("spawnlock.toml", "[servers.wbe]\nready = \"tcp:localhost:1\"\n[servers.db]\nready = \"tcp:localhost:2\"\n");
    assert!(said.contains("server \"web\" is not declared in spawnlock.toml, which has \"wbe\", \"db\""), "{said}");
    assert!(said.contains("did you mean \"wbe\"?"), "{said}");
    assert!(refused("pyproject.toml", "[project]\nname = \"x\"\n").contains("declares no servers"));
}

#[test]
fn a_relative_socket_counts_from_the_file() {
    let scene = Scene::new();
    let text = "[servers.web]\nready = [\"unix:run/a.sock\", { http = \"http+unix:run/b.sock:/health\" }, { unix = \"/run/c.sock\" }]\n";
    let file = written(&scene, "spawnlock.toml", text);
    let settings = ServerSpec::new("web").config(&file).state_dir(scene.state_dir()).settings().unwrap();
    let ready = settings.iter().find(|setting| setting.name == "ready").unwrap().value.to_string();
    let dir = file.parent().unwrap().display();
    for check in [format!("unix:{dir}/run/a.sock"), format!("http+unix:{dir}/run/b.sock:/health"), "\"unix\":\"/run/c.sock\"".to_owned()] {
        assert!(ready.contains(&check), "{check} is not in {ready}");
    }
}

#[test]
fn a_declared_server_can_be_changed_further() {
    let scene = Scene::new();
    let text = format!("[servers.web]\nshell = \"exec false\"\nready = \"{}\"\ntail-lines = 3\n", scene.url());
    written(&scene, "spawnlock.toml", &text);
    std::env::set_current_dir(scene.path("")).unwrap();
    let spec = ServerSpec::declared("web").unwrap().state_dir(scene.state_dir()).command(scene.command(&[]));
    assert!(spec.settings().unwrap().iter().any(|one| one.name == "tailLines" && matches!(one.source, SettingSource::File(_))));
    let server = spec.ensure().unwrap();
    assert_eq!((server.origin(), scene.starts().len()), (Origin::Started, 1));
    server.stop().unwrap();
    assert!(ServerSpec::declared("wbe").unwrap_err().to_string().contains("did you mean \"web\"?"));
}

#[test]
fn a_spec_that_is_complete_reads_no_file() {
    let scene = Scene::new();
    written(&scene, "spawnlock.toml", "this is no TOML");
    std::env::set_current_dir(scene.path("")).unwrap();
    assert!(ServerSpec::new("fixture").ensure().unwrap_err().to_string().contains("spawnlock.toml:1"));
    let server = scene.spec(&[]).ensure().unwrap();
    server.stop().unwrap();
}
