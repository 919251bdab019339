//! What a client does where no lock can be had.

use crate::{Client, Scene};

/// The client goes on without a lock, says so, and gets its server.
///
/// # Panics
/// When it does not.
#[track_caller]
pub fn proceeds(scene: &Scene, client: Client) {
    let outcome = client.flag(&["--events"]).run();
    assert_eq!(scene.living(), [outcome.pid()]);
    assert_eq!(scene.starts().len(), 1);
    assert!(outcome.stderr.lines().any(|line| line.starts_with("warning") && line.contains("lock")), "{outcome:#?}");
}

/// Asked to, the client fails in place of going on.
///
/// # Panics
/// When it does not.
#[track_caller]
pub fn fails(scene: &Scene, client: Client) {
    let outcome = client.flag(&["--on-lock-unavailable", "fail"]).run();
    assert_eq!(outcome.code(), "ERR_SPAWNLOCK_LOCK_UNAVAILABLE", "{outcome:#?}");
    assert!(outcome.ms() < 1000.0, "{outcome:#?}");
    assert_eq!(scene.starts().len(), 0);
}
