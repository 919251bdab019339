//! Health answers that a probe must survive, and proxies it must not use.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::time::{Duration, Instant};

use serde_json::json;
use spawnlock::{Check, ErrorCode, Verdict};
use spawnlock_tests::Scene;

const SOON: Duration = Duration::from_secs(10);

/// As much memory as a client may have, in kilobytes: less than any of the bodies it is sent.
const MEMORY: &str = "ulimit -v 400000";

/// A stranger with such answers: no start, an error in time, and little memory.
#[track_caller]
fn survives(answer: &str, codes: &[&str]) {
    let scene = Scene::new();
    let mut child = scene.stranger(&scene.command(&["--answer", answer]));
    let client = scene.client(&[]).after_shell(MEMORY).flag(&["--probe-timeout-ms", "500"]).timeout(Duration::from_secs(2));
    let outcome = client.run();
    assert!(codes.contains(&outcome.code().as_str()), "{outcome:#?}");
    assert!(outcome.ms() < 3500.0, "{outcome:#?}");
    assert_eq!(scene.starts(), [child.id()], "nothing was started");
    child.kill().unwrap();
    child.wait().unwrap();
}

const UNHEALTHY: &[&str] = &["ERR_SPAWNLOCK_FOREIGN", "ERR_SPAWNLOCK_UNHEALTHY"];
const BUSY: &[&str] = &["ERR_SPAWNLOCK_UNRESPONSIVE"];

#[test]
fn a_byte_a_second_is_busy() {
    survives("slow", BUSY);
}

#[test]
fn an_endless_body_is_unhealthy() {
    survives("endless", UNHEALTHY);
}

#[test]
fn garbage_is_unhealthy() {
    survives("garbage", UNHEALTHY);
}

#[test]
fn a_redirect_to_itself_is_unhealthy() {
    survives("redirect", UNHEALTHY);
}

#[test]
fn ten_megabytes_of_headers_start_nothing() {
    survives("headers", &[UNHEALTHY, BUSY].concat());
}

#[test]
fn a_gzip_bomb_is_unhealthy() {
    survives("gzip", UNHEALTHY);
}

#[test]
fn a_reset_is_busy() {
    survives("reset", BUSY);
}

#[test]
fn silence_is_busy() {
    survives("silent", BUSY);
}

#[test]
fn a_connection_that_closes_without_an_answer_starts_nothing() {
    survives("close", &[UNHEALTHY, BUSY].concat());
}

#[test]
fn a_server_of_ours_with_such_answers_fails_within_its_timeout() {
    for answer in ["slow", "endless", "garbage", "redirect", "headers", "gzip", "reset", "silent", "close"] {
        let scene = Scene::new();
        let client = scene
            .client(&["--answer", answer])
            .after_shell(MEMORY)
            .flag(&["--probe-timeout-ms", "300"])
            .timeout(Duration::from_millis(900));
        let outcome = client.run();
        assert_eq!(outcome.code(), "ERR_SPAWNLOCK_TIMEOUT", "{answer}: {outcome:#?}");
        assert!(outcome.ms() < 2500.0, "{answer}: {outcome:#?}");
        assert_eq!(scene.starts().len(), 1, "{answer}");
        scene.assert_nobody_is_left();
    }
}

#[test]
fn the_proxies_of_the_environment_are_not_used_for_loopback() {
    let scene = Scene::new();
    let mut client = scene.client(&[]);
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"] {
        client = client.env(variable, "http://127.0.0.1:1");
    }
    let outcome = client.env("NO_PROXY", "").run();
    assert_eq!(scene.living(), [outcome.pid()]);
    assert_eq!(scene.page("/env")["HTTP_PROXY"], "http://127.0.0.1:1", "the server gets them as they are");
}

/// Whether a stranger with these flags counts as a healthy server.
#[track_caller]
fn is_healthy(flags: &[&str]) -> bool {
    let scene = Scene::new();
    let mut child = scene.stranger(&scene.command(flags));
    let outcome = scene.looking().command(["false"]).timeout(Duration::from_secs(1)).ensure();
    child.kill().unwrap();
    child.wait().unwrap();
    outcome.is_ok()
}

#[test]
fn the_code_and_the_status_in_the_body_decide() {
    assert!(is_healthy(&["--word", "UP"]));
    assert!(is_healthy(&["--status", "204"]));
    assert!(!is_healthy(&["--word", "down"]));
    assert!(!is_healthy(&["--status", "500"]));
    assert!(!is_healthy(&["--status", "404"]));
}

#[test]
fn thirty_kilobytes_of_headers_are_no_sign_of_illness() {
    assert!(is_healthy(&["--answer", "long-headers"]));
}

#[test]
fn several_checks_must_all_pass() {
    let scene = Scene::new();
    let socket = scene.path("s");
    let path = socket.to_str().unwrap();
    let spec = scene.spec(&["--unix", path]).ready(format!("unix:{path}")).ready(format!("tcp:127.0.0.1:{}", scene.port()));
    let asked = spec.ready(format!("http+unix:{path}:/health")).ensure().unwrap();
    assert_eq!(scene.living(), [asked.pid().unwrap()]);
    let error = scene.looking().ready("tcp:127.0.0.1:9").timeout(Duration::from_secs(1)).ensure().unwrap_err();
    assert_ne!(error.code(), ErrorCode::Native);
}

#[test]
fn a_function_may_be_the_check() {
    let scene = Scene::new();
    let port = scene.port();
    let check = Check::function(move || match std::net::TcpStream::connect(("127.0.0.1", port)) {
        Ok(_) => (Verdict::Ready, "connected".into()),
        Err(error) => (Verdict::Dead, error.to_string()),
    });
    let server =
        spawnlock::ServerSpec::new(scene.name()).state_dir(scene.state_dir()).command(scene.command(&[])).ready(check).ensure().unwrap();
    assert_eq!(scene.living(), [server.pid().unwrap()]);
    assert_eq!(server.url(), None);
}

#[test]
fn status_and_json_expectations_decide_when_given() {
    let scene = Scene::new();
    let start = Instant::now();
    let ready = json!({"http": scene.url(), "status": [418, "500-599"], "json": {"app": "ours", "status": "down"}});
    let flags = ["--status", "503", "--word", "down", "--identity", "app=ours"];
    let spec = spawnlock::ServerSpec::new(scene.name()).state_dir(scene.state_dir()).command(scene.command(&flags)).ready(&ready);
    let server = spec.ensure().unwrap();
    assert_eq!(scene.living(), [server.pid().unwrap()]);
    assert!(start.elapsed() < SOON);
}
