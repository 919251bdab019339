//! Waiting for anything, whoever starts it.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::fs;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::thread;
use std::time::{Duration, Instant};

use spawnlock::{Cancel, Check, ErrorCode, EventKind, Verdict, WaitOptions, wait_for};
use spawnlock_tests::{Events, Port, Scene};

const SOON: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_millis(300);

#[test]
fn a_wait_ends_when_all_checks_pass() {
    let scene = Scene::new();
    let (file, socket) = (scene.path("file"), scene.path("socket"));
    let checks = [format!("file:{}", file.display()), format!("socket:{}", socket.display()), scene.url()];
    let waiting = thread::spawn(move || wait_for(checks, &WaitOptions::new().timeout(SOON * 2)));
    fs::write(&file, "").unwrap();
    let _listener = UnixListener::bind(&socket).unwrap();
    thread::sleep(SHORT);
    assert!(!waiting.is_finished(), "the server is not there");
    scene.spec(&["--initializing", "300"]).ensure().unwrap();
    waiting.join().unwrap().unwrap();
}

#[test]
fn an_error_names_each_check_that_failed_with_its_last_answer() {
    let scene = Scene::new();
    let port = Port::pick();
    let file = scene.path("missing");
    let checks = [format!("tcp:127.0.0.1:{}", port.number()), "exec:echo not yet; exit 3".to_owned(), format!("file:{}", file.display())];
    let checks = checks.iter().map(String::as_str).chain(["exec:true"]);
    let start = Instant::now();
    let error = wait_for(checks, &WaitOptions::new().timeout(SHORT)).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Timeout);
    let text = error.to_string();
    assert!(text.starts_with("3 of 4 checks were not ready after "), "{text}");
    for part in
        [": connection refused", "exec echo not yet; exit 3: exit code 3: not yet", &format!("file:{}: no such file", file.display())]
    {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(!text.contains("exec true"), "{text}");
    assert!(start.elapsed() < SOON);
}

#[test]
fn a_wait_for_the_end_of_something_ends_when_it_is_gone() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let check = format!("tcp:{}", listener.local_addr().unwrap());
    let gone = WaitOptions::new().gone(true);
    let error = wait_for([check.as_str()], &gone.clone().timeout(SHORT)).unwrap_err();
    assert!(error.to_string().contains("was still there after"), "{error}");
    let waiting = thread::spawn(move || wait_for([check], &gone.timeout(SOON)));
    thread::sleep(SHORT);
    assert!(!waiting.is_finished());
    drop(listener);
    waiting.join().unwrap().unwrap();
}

#[test]
fn a_wait_can_be_cancelled_and_says_after_a_second_what_it_waits_for() {
    let events = Events::default();
    let cancel = Cancel::new();
    let options = WaitOptions::new().timeout(SOON * 6).cancel(cancel.clone()).on_event(events.listener());
    let waiting = thread::spawn(move || wait_for(["file:/no/such/file"], &options));
    spawnlock_tests::wait_until("it says so", SOON, || !events.kinds().is_empty());
    cancel.cancel();
    assert_eq!(waiting.join().unwrap().unwrap_err().code(), ErrorCode::Cancelled);
    assert_eq!(events.kinds(), [EventKind::Waiting]);
    assert!(events.messages(EventKind::Waiting)[0].contains("file:/no/such/file: no such file"));
}

#[test]
fn what_makes_no_sense_is_refused_at_once() {
    let wrong = ["localhost", "log:ready", "notify", "https-get://localhost/"];
    for check in wrong {
        let error = wait_for([check], &WaitOptions::new()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Config, "{error}");
        assert!(error.to_string().starts_with("option `checks` "), "{error}");
    }
    assert_eq!(wait_for([""; 0], &WaitOptions::new()).unwrap_err().code(), ErrorCode::Config);
    let error = wait_for(["file:/"], &WaitOptions::new().timeout(Duration::ZERO)).unwrap_err();
    assert!(error.to_string().contains("option `timeout`"), "{error}");
    let error = wait_for(["exec:no-such-program-here"], &WaitOptions::new()).unwrap_err();
    assert!(error.to_string().contains("no-such-program-here"), "{error}");
}

#[test]
fn a_function_may_answer_later_and_on_another_thread() {
    let late = Check::asked(|reply| {
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            reply.give(Verdict::Ready, "yes");
        });
    });
    wait_for([late], &WaitOptions::new().timeout(SOON)).unwrap();
    let forgotten = wait_for([Check::asked(drop)], &WaitOptions::new().timeout(SHORT)).unwrap_err();
    assert!(forgotten.to_string().contains("gave no answer"), "{forgotten}");
    let kept = std::sync::Mutex::new(Vec::new());
    let never = Check::asked(move |reply| kept.lock().unwrap().push(reply));
    let options = WaitOptions::new().timeout(SHORT * 2).probe_timeout(SHORT / 3);
    let error = wait_for([never], &options).unwrap_err();
    assert!(error.to_string().contains("no answer in time"), "{error}");
}
