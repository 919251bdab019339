//! The help of every command, and the manual pages made from it.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::world::World;

#[test]
fn help_of_a_command_is_to_be_had_in_either_way() {
    let world = World::new();
    for command in
        ["ensure", "run", "status", "stop", "restart", "wait", "logs", "list", "prune", "init", "explain", "doctor", "completions", "man"]
    {
        let help = world.run(&["help", command]).expect(0).stdout;
        assert_eq!(help, world.run(&[command, "--help"]).expect(0).stdout);
        assert!(help.contains("\nExamples:\n"), "{help}");
    }
    assert_eq!(world.run(&["help"]).expect(0).stdout, world.run(&["--help"]).expect(0).stdout);
    assert!(world.run(&["help", "stats"]).expect(2).stderr.contains("did you mean `status`?"));
}

#[test]
fn every_page_is_written_and_names_its_flags() {
    let world = World::new();
    let dir = world.path("man1");
    world.run(&["man", "--dir", dir.to_str().expect("a text")]).expect(0);
    let ensure = fs::read_to_string(dir.join("server-init-ensure.1")).expect("a page");
    assert_eq!(ensure, world.run(&["man", "ensure"]).expect(0).stdout);
    assert!(ensure.contains("\\fB\\-t\\fR, \\fB\\-\\-timeout\\fR \\fITIME\\fR\n"), "{ensure}");
    let general = fs::read_to_string(dir.join("server-init.1")).expect("a page");
    for command in ["ensure", "doctor", "man"] {
        assert!(
            general.contains(&format!("server\\-init\\-{command} (1)")) && dir.join(format!("server-init-{command}.1")).exists(),
            "{command}"
        );
    }
    world.run(&["man", "nothing"]).expect(2);
}

#[test]
fn a_formatter_that_is_at_hand_has_nothing_to_complain_of() {
    let world = World::new();
    for page in [&["man"][..], &["man", "ensure"], &["man", "run"], &["man", "completions"]] {
        let Ok(mut groff) = Command::new("groff")
            .args(["-man", "-Tascii", "-ww"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
        else {
            return eprintln!("skipped: there is no groff here");
        };
        let text = world.run(page).expect(0).stdout;
        groff.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("a page");
        let output = groff.wait_with_output().expect("groff");
        assert!(output.status.success() && output.stderr.is_empty() && !output.stdout.is_empty(), "{page:?}: {output:?}");
    }
}
