//! Ctrl-C, SIGTERM and a closed terminal.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::world::World;

/// From the signal to the end of the command.
const AT_ONCE: Duration = Duration::from_secs(1);

#[test]
fn a_signal_ends_the_wait_with_its_code_and_releases_the_lock() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let world = World::new();
        let starter = world.begin(&world.ensure(&[], &["--initializing", "1500"]), "starter");
        starter.wait_until_told("started");
        let begun = Instant::now();
        starter.signal(signal);
        let ended = starter.finish().expect(code);
        assert!(begun.elapsed() < AT_ONCE, "it took {:?}", begun.elapsed());
        assert_eq!(ended.stdout, "");
        assert!(ended.stderr.contains("ERR_SPAWNLOCK_CANCELLED"), "{}", ended.stderr);
        // The lock is free and the server is everybody's: the next call gets it.
        world.run_ensure(&["--timeout", "10s"], &[]).expect(0);
        assert_eq!(world.starts().len(), 1);
    }
}

#[test]
fn the_others_who_wait_are_not_touched() {
    let world = World::new();
    let starter = world.begin(&world.ensure(&[], &["--initializing", "2500"]), "starter");
    starter.wait_until_told("started");
    let others: Vec<_> = (0..3).map(|number| world.begin(&world.ensure(&[], &[]), &format!("other{number}"))).collect();
    others.iter().for_each(|other| other.wait_until_told("waiting for the spawn lock"));
    starter.signal(Signal::INT);
    starter.finish().expect(130);
    for other in others {
        assert_eq!(other.finish().expect(0).stdout, "ok\n");
    }
    assert_eq!(world.starts().len(), 1);
}

#[test]
fn a_waiter_that_is_interrupted_leaves_the_starter_alone() {
    let world = World::new();
    let starter = world.begin(&world.ensure(&[], &["--initializing", "2500"]), "starter");
    starter.wait_until_told("started");
    let waiter = world.begin(&world.ensure(&[], &[]), "waiter");
    waiter.wait_until_told("waiting for the spawn lock");
    waiter.signal(Signal::TERM);
    waiter.finish().expect(143);
    assert_eq!(starter.finish().expect(0).stdout, "ok\n");
}

#[test]
fn the_server_outlives_a_ctrl_c_to_the_whole_group() {
    let world = World::new();
    world.run_ensure(&[], &[]).expect(0);
    let server = &world.starts()[0];
    let stat = std::fs::read_to_string(format!("/proc/{server}/stat")).expect("the server");
    let session = stat.rsplit(") ").next().and_then(|fields| fields.split(' ').nth(3)).expect("a session");
    assert_eq!(session, server, "the server leads a session of its own");
}

#[test]
fn a_signal_that_was_ignored_from_the_start_stays_ignored() {
    let world = World::new();
    let args = world.ensure(&[], &["--initializing", "1500"]).join("' '");
    let line =
        format!("trap '' HUP; \"$INIT\" '{args}' 2>told & pid=$!; until grep -q started told; do :; done; kill -HUP $pid; wait $pid");
    assert_eq!(world.shell(&line).expect(0).stdout, "ok\n");
}
