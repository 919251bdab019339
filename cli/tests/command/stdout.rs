//! stdout carries the result, and is given back when the command ends.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::world::{World, alive, words};

#[test]
fn a_command_substitution_returns_while_the_server_lives() {
    let world = World::new();
    let args = world.ensure(&["--print", "pid"], &[]).join("' '");
    let begun = Instant::now();
    let said = world.shell(&format!("x=$(\"$INIT\" '{args}' 2>&1 >/dev/null; \"$INIT\" '{args}') && echo \"$x\"")).expect(0);
    assert!(begun.elapsed() < Duration::from_secs(20), "it waited for the server");
    assert!(said.stdout.trim_end().ends_with(&world.starts()[0]), "{}", said.stdout);
    assert!(alive(&world.starts()[0]));
}

#[test]
fn a_pipe_ends_with_the_command_and_not_with_the_server() {
    let world = World::new();
    let args = world.ensure(&[], &["--print", "noise of the server"]).join("' '");
    assert_eq!(world.shell(&format!("exec 9>lock; \"$INIT\" '{args}' 2>/dev/null | cat")).expect(0).stdout, "ok\n");
    let open = std::fs::read_dir(format!("/proc/{}/fd", world.starts()[0]))
        .expect("the server")
        .filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok());
    let open: Vec<_> = open.map(|target| target.display().to_string()).collect();
    assert!(!open.iter().any(|target| target.starts_with("pipe:") || target.ends_with("/lock")), "{open:?}");
}

#[test]
fn the_facts_asked_for_come_one_a_line() {
    let world = World::new();
    let said = world.run_ensure(&["--print", "name,origin", "--print", "url"], &[]).expect(0);
    assert_eq!(said.stdout, format!("api\nstarted\nunix:{}\n", world.path("socket").display()));
    let place = world.run(&["status", "api", "--print", "place"]).expect(0);
    assert_eq!(place.stdout, format!("{}\n", world.state_dir().join("api").display()));
}

#[test]
fn a_fact_that_is_not_known_is_a_failure_and_no_empty_word() {
    let world = World::new();
    let failed = world.run_ensure(&["--print", "name,port"], &[]).expect(1);
    assert_eq!(failed.stdout, "");
    assert!(failed.stderr.contains("has no port to print"), "{}", failed.stderr);
}

#[test]
fn a_reader_that_is_gone_is_no_panic() {
    let world = World::new();
    let mut command = world.command(&words(&world.ensure(&["-q"], &[])));
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let done = command.stdout(Stdio::from(writer)).stderr(Stdio::piped()).output().expect("the command");
    assert_eq!((done.status.code(), String::from_utf8_lossy(&done.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn a_result_that_cannot_be_written_is_a_failure() {
    let world = World::new();
    world.run_ensure(&[], &[]).expect(0);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a full device");
    let done = world.command(&words(&world.ensure(&[], &[]))).stdout(full).output().expect("the command");
    assert_eq!(done.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&done.stderr).contains("cannot write the result"));
}

#[test]
fn closed_descriptors_do_no_harm() {
    let world = World::new();
    let args = world.ensure(&[], &[]).join("' '");
    world.shell(&format!("\"$INIT\" '{args}' <&- >&- 2>&-")).expect(0);
    world.run(&["status", "api"]).expect(0);
}

#[test]
fn help_and_version_are_results() {
    let world = World::new();
    for sub in [&["--help"][..], &["ensure", "--help"], &["status", "--help"], &["stop", "--help"], &["list", "--help"]] {
        let help = world.run(sub).expect(0);
        assert!(help.stdout.contains("Examples:\n  server-init ") && help.stderr.is_empty(), "{}", help.stdout);
    }
    assert_eq!(world.run(&["--version"]).expect(0).stdout, concat!("server-init ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn a_list_lines_up() {
    let world = World::new();
    world.run_ensure(&[], &[]).expect(0);
    let list = world.run(&["list"]).expect(0).stdout;
    let mut lines = list.lines();
    assert_eq!(lines.next().map(|head| head.split_whitespace().collect::<Vec<_>>()), Some(vec!["NAME", "STATE", "PID", "URL", "SINCE"]));
    assert!(lines.next().is_some_and(|row| row.starts_with("api   running  ")), "{list}");
}

#[test]
fn quiet_tells_failures_only_and_verbose_tells_everything() {
    let world = World::new();
    let failed = world.run_ensure(&["-q"], &["--exit-after", "20", "--delay", "60000"]).expect(1);
    assert!(!failed.stderr.contains("started") && failed.stderr.contains("ERR_SPAWNLOCK_EXITED"), "{}", failed.stderr);
    assert_eq!(world.run_ensure(&["-q"], &[]).expect(0).stderr, "");
    world.run(&["stop", "api"]).expect(0);
    let told = world.run_ensure(&["-v"], &[]).expect(0).stderr;
    assert!(
        told.contains(" s  starting: ") && told.contains(" s  ready: ") && told.contains(&format!("(pid {})", world.starts()[2])),
        "{told}"
    );
}
