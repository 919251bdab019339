//! The JSON: one object, the names of the Node package, for failures as well.

use serde_json::{Value, json};

use crate::world::World;

fn keys(object: &Value) -> Vec<&str> {
    object.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn a_server_has_all_its_fields() {
    let world = World::new();
    let server = world.run_ensure(&["--json"], &[]).expect(0).json();
    let expected = [
        "generation",
        "host",
        "logFile",
        "name",
        "ok",
        "origin",
        "pid",
        "place",
        "port",
        "readyMs",
        "startedAt",
        "state",
        "url",
        "version",
    ];
    assert_eq!(keys(&server), expected);
    assert_eq!((&server["ok"], &server["origin"], &server["generation"]), (&json!(true), &json!("started"), &json!(1)));
    assert_eq!(server["pid"].to_string(), world.starts()[0]);
    let started = server["startedAt"].as_str().expect("a text");
    assert!(started.ends_with('Z') && humantime::parse_rfc3339(started).is_ok(), "{started}");
}

#[test]
fn a_failure_has_its_code_and_its_facts() {
    let world = World::new();
    let failed = world
        .run_ensure(&["--json"], &["--print", "last words", "--delay", "60000", "--exit-after", "50", "--exit-code", "7"])
        .expect(1)
        .json();
    assert_eq!((&failed["ok"], &failed["code"], &failed["exitCode"]), (&json!(false), &json!("ERR_SPAWNLOCK_EXITED"), &json!(7)));
    assert_eq!(failed["logTail"], json!(["last words"]));
    assert!(failed["message"].as_str().is_some_and(|message| message.contains("[ERR_SPAWNLOCK_EXITED]\n  command")), "{failed}");
}

#[test]
fn a_command_line_that_cannot_be_read_is_json_as_well() {
    for args in [&["ensure", "--json", "--port", "many"][..], &["--json", "list", "--what"], &["ensure", "--json", "--timeout", "5"]] {
        let failed = World::new().run(args).expect(2).json();
        assert_eq!((&failed["ok"], &failed["code"]), (&json!(false), &json!("ERR_SPAWNLOCK_CONFIG")), "{args:?}");
    }
}

#[test]
fn the_word_json_behind_the_dashes_is_the_servers() {
    assert_eq!(World::new().run(&["ensure", "--port", "many", "--", "server", "--json"]).expect(2).stdout, "");
}

#[test]
fn a_status_has_all_its_fields_running_or_not() {
    let world = World::new();
    let fields = [
        "ended",
        "generation",
        "health",
        "holder",
        "lastFailure",
        "leases",
        "logFile",
        "name",
        "phase",
        "pid",
        "place",
        "readyMs",
        "restartedBecause",
        "startedAt",
        "state",
        "url",
        "version",
    ];
    let stopped = world.run(&["status", "api", "--json"]).expect(3).json();
    assert_eq!(
        (&stopped["ok"], &stopped["state"], &stopped["code"]),
        (&json!(false), &json!("stopped"), &json!("ERR_SPAWNLOCK_NOT_RUNNING"))
    );
    world.run_ensure(&[], &[]).expect(0);
    let running = world.run(&["status", "api", "--json"]).expect(0).json();
    assert_eq!((&running["ok"], &running["state"], &running["health"]), (&json!(true), &json!("running"), &json!("ready")));
    for field in fields {
        assert!(running.get(field).is_some() && stopped.get(field).is_some(), "{field} is missing");
    }
    let listed = world.run(&["list", "--json"]).expect(0).json();
    let listed = listed["servers"][0].as_object().expect("one server");
    for (field, value) in listed {
        assert_eq!(value, &running[field], "{field}");
    }
}

#[test]
fn stopping_names_what_was_stopped() {
    let world = World::new();
    world.run_ensure(&[], &[]).expect(0);
    assert_eq!(world.run(&["stop", "api", "--json"]).expect(0).json(), json!({ "ok": true, "stopped": ["api"] }));
    assert_eq!(world.run(&["stop", "api", "--json"]).expect(3).json()["code"], "ERR_SPAWNLOCK_NOT_RUNNING");
}
