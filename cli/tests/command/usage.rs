//! A wrong command line is 2, and the flag is named as it was typed.

use crate::world::World;

fn refused(args: &[&str], part: &str) {
    let refused = World::new().run(args).expect(2);
    assert!(refused.stderr.contains(part), "{part:?} is missing in {}", refused.stderr);
    assert_eq!(refused.stdout, "");
}

#[test]
fn a_time_wants_a_unit() {
    for flag in ["--timeout", "--probe-timeout", "--lock-patience", "--stop-timeout"] {
        refused(&["ensure", "--port", "1", flag, "30"], &format!("option `{flag}` is `30` without a unit: write `30s` or `30ms`"));
    }
    refused(&["stop", "api", "--stop-timeout", "5"], "`--stop-timeout`");
    refused(&["ensure", "--port", "1", "--timeout", "soon"], "`--timeout`");
    refused(&["ensure", "--port", "1", "--timeout", "0s", "--", "true"], "`--timeout`");
}

#[test]
fn a_wrong_value_names_its_flag() {
    refused(&["ensure", "--ready", "localhost"], "option `--ready` is `localhost`");
    refused(&["ensure", "--ready", "{\"http\": 5}"], "`--ready`");
    refused(&["ensure", "--ready", "{nonsense"], "`--ready` is no JSON object");
    refused(&["ensure", "--port", "1", "--on-lock-unavailable", "maybe"], "`--on-lock-unavailable`");
    refused(&["ensure", "--port", "1", "--identity", "app"], "`--identity` is `app`: write KEY=VALUE");
    refused(&["ensure", "--port", "1", "--env", "=x"], "`--env`");
    refused(&["ensure", "--port", "1", "--umask", "9"], "`--umask`");
    refused(&["ensure", "--port", "1", "--umask", "7777", "--", "true"], "`--umask`");
    refused(&["ensure", "--port", "1", "--cwd", "/nowhere", "--", "true"], "`--cwd`");
    refused(&["ensure", "--host", "::1"], "`--host` needs");
    refused(&["ensure", "", "--port", "1"], "`NAME`");
    refused(&["ensure", "--port", "0"], "--port");
    refused(&["ensure", "--port", "1", "--print", "colour"], "--print");
}

#[test]
fn what_is_missing_or_contradictory_is_said() {
    refused(&["ensure", "api", "--", "server"], "`--ready` is missing");
    refused(&["ensure", "api", "--ready", "tcp:localhost:1", "--listen", "tcp:1"], "`--ready` is `tcp:localhost:1`");
    refused(&["ensure", "--port", "auto", "--", "server"], "`NAME` is missing");
    refused(&["ensure", "--port", "1", "--scope", "team"], "`--scope` is `team`");
    refused(&["ensure", "--port", "1", "--shell", "x", "--", "y"], "--shell");
    refused(&["ensure", "--port", "1", "--quiet", "--verbose"], "--quiet");
    World::new().run(&["ensure", "--port", "1", "--json", "--print", "pid"]).expect(2);
    refused(&["stop"], "NAME");
    refused(&["stop", "--all", "api"], "--all");
    refused(&[], "say what to do");
}

#[test]
fn a_command_without_its_dashes_gets_a_tip() {
    refused(&["ensure", "api", "node", "server.js"], "the server's command stands behind `--`, as in `-- node …`");
}

#[test]
fn a_word_close_to_a_flag_is_recognized() {
    refused(&["ensure", "--tiemout", "5s"], "unknown option `--tiemout`: did you mean `--timeout`?");
    refused(&["stats"], "unknown command `stats`: did you mean `status`?");
    refused(&["list", "--timeout", "5s"], "unknown option `--timeout`");
    refused(&["ensure", "-x"], "unknown option `-x`");
    refused(&["ensure", "--timeout"], "`--timeout` needs a value");
    refused(&["ensure", "--json=yes"], "--json");
}

#[test]
fn flags_stand_anywhere_and_short_ones_for_long_ones() {
    let world = World::new();
    let port = crate::world::free_port();
    for args in [vec![format!("-p{port}")], vec!["-p".to_owned(), port.to_string()], vec![format!("--port={port}"), "-qt5s".to_owned()]] {
        let args: Vec<&str> = ["--json", "ensure"].into_iter().chain(args.iter().map(String::as_str)).collect();
        assert_eq!(world.run(&args).expect(3).json()["name"], format!("localhost_{port}"));
    }
}

#[test]
fn a_port_alone_means_the_health_page_of_localhost() {
    let port = crate::world::free_port();
    let failed = World::new().run(&["ensure", "--port", &port.to_string(), "-q"]).expect(3);
    assert!(
        failed.stderr.contains(&format!("GET http://localhost:{port}/health")) && failed.stderr.contains(&format!("\"localhost_{port}\"")),
        "{}",
        failed.stderr
    );
    let failed = World::new().run(&["ensure", "--host", "::1", "--port", &port.to_string()]).expect(3);
    assert!(failed.stderr.contains(&format!("GET http://[::1]:{port}/health")), "{}", failed.stderr);
}

#[test]
fn the_server_gets_what_was_declared_for_it() {
    let world = World::new();
    let socket = world.path("socket").display().to_string();
    let line = "umask > facts; pwd >> facts; echo \"$GREETING, ${FOREIGN-nobody}\" >> facts; exec \"$SERVER\" --unix \"$SOCKET\" --identity app=shop";
    let ready = format!("http+unix:{socket}:/health");
    let server = format!("SERVER={}", crate::world::fixture().display());
    let socket = format!("SOCKET={socket}");
    let dir = world.path("");
    let flags = ["--ready", &ready, "--env", &server, "--env", &socket, "--env", "GREETING=hello = you", "--clean-env", "--umask", "027"];
    let more = ["--cwd", dir.to_str().expect("a text"), "--identity", "app=shop", "--log", "own.log", "--shell", line];
    let mut command = world.command(&[&["ensure", "shop"][..], &flags, &more].concat());
    let done = command.env("FOREIGN", "somebody").output().expect("the command");
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    let facts = std::fs::read_to_string(world.path("facts")).expect("what the server saw");
    let mut facts = facts.lines();
    assert!(facts.next().is_some_and(|umask| umask.ends_with("027")));
    assert!(facts.next().is_some());
    assert_eq!(facts.next(), Some("hello = you, nobody"));
    assert!(world.path("own.log").exists());
    let other = world.run(&["ensure", "shop", "--ready", &ready, "--identity", "app=bakery"]).expect(1);
    assert!(other.stderr.contains("ERR_SPAWNLOCK_FOREIGN"), "{}", other.stderr);
}
