//! Completions, asked of the shells themselves where they are at hand.

use std::path::Path;
use std::process::Command;

use crate::world::World;

/// What bash offers for the last of these words; `None` where there is no bash.
fn offered_by_bash(world: &World, line: &[&str]) -> Option<Vec<String>> {
    if !has("bash") {
        eprintln!("skipped: there is no bash here");
        return None;
    }
    let program = r#"PATH="$(dirname "$INIT"):$PATH"; eval "$("$INIT" completions bash)" || exit
compopt() { :; }
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _server_init; printf '%s\n' "${COMPREPLY[@]}""#;
    let mut command = world.command(&[]);
    let state = world.state_dir();
    command = {
        let mut bash = Command::new("bash");
        bash.args(["-c", program, "bash"]).args(line).env("INIT", command.get_program()).env("SPAWNLOCK_STATE_DIR", state);
        bash.current_dir(world.path(""));
        bash
    };
    let output = command.output().expect("bash");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    Some(String::from_utf8(output.stdout).expect("a text").lines().filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

fn has(shell: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(shell).exists()))
}

#[test]
fn bash_offers_commands_flags_and_their_values() {
    let world = World::new();
    let cases: &[(&[&str], &[&str])] = &[
        (&["server-init", "re"], &["restart"]),
        (&["server-init", "ensure", "--lock-"], &["--lock-patience", "--lock-file"]),
        (&["server-init", "ensure", "--lock", ""], &["auto", "flock", "excl"]),
        (&["server-init", "run", "--ling"], &["--linger"]),
        (&["server-init", "run", "--no-w"], &[]),
        (&["server-init", "completions", ""], &["bash", "zsh", "fish", "powershell"]),
        (&["server-init", "help", "ens"], &["ensure"]),
    ];
    for (line, expected) in cases {
        let Some(offered) = offered_by_bash(&world, line) else { return };
        assert_eq!(offered, *expected, "{line:?}");
    }
}

#[test]
fn bash_offers_the_names_of_servers_and_directories() {
    let world = World::new();
    world.run_ensure(&[], &[]).expect(0);
    for command in ["stop", "status", "restart", "explain", "doctor"] {
        let Some(offered) = offered_by_bash(&world, &["server-init", command, "a"]) else { return };
        assert_eq!(offered, ["api"], "{command}");
    }
    let offered = offered_by_bash(&world, &["server-init", "list", "--state-dir", "st"]).expect("bash");
    assert_eq!(offered, ["state"]);
}

#[test]
fn names_are_listed_one_a_line_and_nothing_where_there_are_none() {
    let world = World::new();
    assert_eq!(world.run(&["list", "--names"]).expect(0).stdout, "");
    world.run_ensure(&[], &[]).expect(0);
    assert_eq!(world.run(&["list", "--names"]).expect(0).stdout, "api\n");
}

#[test]
fn every_shell_that_is_at_hand_accepts_its_script() {
    let world = World::new();
    for (shell, check) in [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")] {
        let script = world.run(&["completions", shell]).expect(0).stdout;
        assert!(script.contains("list --names"), "{shell}");
        if !has(shell) {
            eprintln!("skipped: there is no {shell} here");
            continue;
        }
        let file = world.path(shell);
        std::fs::write(&file, script).expect("a script");
        let output = Command::new(shell).arg(check).arg(Path::new(&file)).output().expect("the shell");
        assert!(output.status.success(), "{shell}: {output:?}");
    }
    assert!(world.run(&["completions", "powershell"]).expect(0).stdout.contains("Register-ArgumentCompleter"));
    let refused = world.run(&["completions", "csh"]).expect(2);
    assert!(refused.stderr.contains("option `SHELL` is `csh`"), "{}", refused.stderr);
    world.run(&["completions"]).expect(2);
}
