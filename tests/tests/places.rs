//! State directories and locks that cannot be had as they should.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::unwrap_used, reason = "the bans are for core; tests fail loudly")]

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::PathBuf;

use spawnlock::{ErrorCode, EventKind, OnLockUnavailable, ServerSpec};
use spawnlock_tests::{Client, Events, Scene, set_mode};

/// The user `nobody`, who exists everywhere, and whose home nowhere.
const NOBODY: u32 = 65534;
const AS_NOBODY: &[&str] = &["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];

fn am_root() -> bool {
    let root = rustix::process::getuid().is_root();
    if !root {
        eprintln!("skipped: only root may be somebody else, and mount");
    }
    root
}

/// A directory of user nobody's, in a scene that others may pass through.
fn theirs(scene: &Scene, mode: u32) -> PathBuf {
    scene.open_to_others();
    let dir = scene.path("theirs");
    fs::create_dir(&dir).unwrap();
    chown(&dir, Some(NOBODY), Some(NOBODY)).unwrap();
    set_mode(&dir, mode);
    dir
}

/// The client goes on without a lock, says so, and gets its server.
#[track_caller]
fn proceeds(scene: &Scene, client: Client) {
    let outcome = client.flag(&["--events"]).run();
    assert_eq!(scene.living(), [outcome.pid()]);
    assert_eq!(scene.starts().len(), 1);
    assert!(outcome.stderr.lines().any(|line| line.starts_with("warning") && line.contains("lock")), "{outcome:#?}");
}

/// Asked to, the client fails in place of going on.
#[track_caller]
fn fails(scene: &Scene, client: Client) {
    let outcome = client.flag(&["--on-lock-unavailable", "fail"]).run();
    assert_eq!(outcome.code(), "ERR_SPAWNLOCK_LOCK_UNAVAILABLE", "{outcome:#?}");
    assert!(outcome.ms() < 1000.0, "{outcome:#?}");
    assert_eq!(scene.starts().len(), 0);
}

#[test]
fn a_state_directory_that_cannot_be_written_is_no_obstacle() {
    if am_root() {
        let scene = Scene::new();
        let dir = theirs(&scene, 0o500);
        proceeds(&scene, scene.client(&[]).under(AS_NOBODY).state_dir(Some(dir)));
    }
}

#[test]
fn a_state_directory_that_cannot_be_written_is_an_error_when_asked_to() {
    if am_root() {
        let scene = Scene::new();
        let dir = theirs(&scene, 0o500);
        fails(&scene, scene.client(&[]).under(AS_NOBODY).state_dir(Some(dir)));
    }
}

#[test]
fn a_read_only_file_system_is_no_obstacle() {
    if am_root() {
        let scene = Scene::new();
        let dir = scene.state_dir();
        fs::create_dir(&dir).unwrap();
        let mount = format!(r#"mount --bind "{0}" "{0}" && mount -o remount,bind,ro "{0}" && exec "$@""#, dir.display());
        proceeds(&scene, scene.client(&[]).under(&["unshare", "-m", "sh", "-c", &mount, "sh"]));
    }
}

#[test]
fn a_file_system_that_becomes_read_only_leaves_the_running_server_to_everybody() {
    if am_root() {
        let scene = Scene::new();
        let pid = scene.spec(&[]).ensure().unwrap().pid().unwrap();
        let mount = format!(r#"mount --bind "{0}" "{0}" && mount -o remount,bind,ro "{0}" && exec "$@""#, scene.state_dir().display());
        let outcome = scene.client(&[]).under(&["unshare", "-m", "sh", "-c", &mount, "sh"]).run();
        assert_eq!((outcome.pid(), outcome.text("origin").as_str()), (pid, "reused"), "{outcome:#?}");
    }
}

#[test]
fn a_full_file_system_is_no_obstacle() {
    if am_root() {
        let scene = Scene::new();
        let dir = scene.state_dir();
        fs::create_dir(&dir).unwrap();
        let mount = format!(
            r#"mount -t tmpfs -o size=4k,mode=700 none "{0}" && dd if=/dev/zero of="{0}/full" bs=4k count=1 2>/dev/null; exec "$@""#,
            dir.display()
        );
        let outcome = scene.client(&[]).under(&["unshare", "-m", "sh", "-c", &mount, "sh"]).run();
        assert!(outcome.is_ok(), "{outcome:#?}");
        assert_eq!(scene.living().len(), 1);
    }
}

#[test]
fn a_home_that_does_not_exist_is_no_obstacle() {
    if am_root() {
        let scene = Scene::new();
        scene.open_to_others();
        let outcome = scene.client(&[]).under(AS_NOBODY).bare_env().state_dir(None).run();
        match outcome.is_ok() {
            true => assert_eq!(scene.living().len(), 1),
            false => assert_eq!(outcome.code(), "ERR_SPAWNLOCK_PLACE", "{outcome:#?}"),
        }
    }
}

#[test]
fn the_state_directory_follows_xdg_without_a_home() {
    let scene = Scene::new();
    let xdg = scene.path("xdg");
    let outcome = scene.client(&[]).bare_env().env("XDG_STATE_HOME", xdg.display().to_string()).state_dir(None).run();
    assert_eq!(scene.living(), [outcome.pid()]);
    assert!(xdg.join("spawnlock/fixture/server.json").is_file());
}

#[test]
fn the_state_directory_follows_its_variable() {
    let scene = Scene::new();
    let outcome = scene.client(&[]).env("SPAWNLOCK_STATE_DIR", scene.state_dir().display().to_string()).state_dir(None).run();
    assert_eq!(scene.living(), [outcome.pid()]);
    assert_eq!(scene.status().pid, Some(outcome.pid()));
}

#[test]
fn a_state_directory_is_private_whatever_the_umask() {
    use std::os::unix::fs::MetadataExt;
    let scene = Scene::new();
    assert!(scene.client(&[]).after_shell("umask 000").run().is_ok());
    let mode = |path: PathBuf| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(scene.place()), 0o700);
    for entry in fs::read_dir(scene.place()).unwrap().flatten() {
        assert_eq!(mode(entry.path()), 0o600, "{:?}", entry.path());
    }
}

/// A state directory that is not to be trusted: an error that says why, and no start.
#[track_caller]
fn refused(scene: &Scene, spec: ServerSpec, why: &str) {
    let error = spec.ensure().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Place, "{error}");
    assert!(error.to_string().contains(why), "no `{why}` in: {error}");
    assert_eq!(scene.starts().len(), 0);
}

#[test]
fn a_symlinked_state_directory_is_refused() {
    let scene = Scene::new();
    fs::create_dir(scene.path("real")).unwrap();
    symlink(scene.path("real"), scene.state_dir()).unwrap();
    refused(&scene, scene.spec(&[]), "symbolic link");
}

#[test]
fn a_symlinked_place_is_refused() {
    let scene = Scene::new();
    fs::create_dir(scene.path("real")).unwrap();
    fs::create_dir(scene.state_dir()).unwrap();
    symlink(scene.path("real"), scene.place()).unwrap();
    refused(&scene, scene.spec(&[]), "symbolic link");
}

#[test]
fn a_state_directory_of_another_user_is_refused() {
    if am_root() {
        let scene = Scene::new();
        let dir = theirs(&scene, 0o755);
        refused(&scene, scene.spec(&[]).state_dir(dir), "belongs to user nobody");
    }
}

#[test]
fn a_state_directory_that_everybody_may_write_is_refused() {
    let scene = Scene::new();
    fs::create_dir(scene.state_dir()).unwrap();
    set_mode(&scene.state_dir(), 0o777);
    refused(&scene, scene.spec(&[]), "written by everybody");
}

#[test]
fn a_file_in_place_of_the_state_directory_is_refused() {
    let scene = Scene::new();
    fs::write(scene.state_dir(), "").unwrap();
    refused(&scene, scene.spec(&[]), "no directory");
}

#[test]
fn a_symlink_in_place_of_the_lock_is_not_followed() {
    let scene = Scene::new();
    let target = scene.path("target");
    fs::write(&target, "precious").unwrap();
    fs::create_dir(scene.state_dir()).unwrap();
    fs::create_dir(scene.place()).unwrap();
    set_mode(&scene.place(), 0o700);
    for file in ["start.lock", "alive.lock", "server.json", "failure.json", "server.log"] {
        symlink(&target, scene.place().join(file)).unwrap();
    }
    let events = Events::default();
    let outcome = events.of(scene.spec(&[])).on_lock_unavailable(OnLockUnavailable::Proceed).ensure();
    assert_eq!(fs::read_to_string(&target).unwrap(), "precious", "{outcome:?}");
    assert!(outcome.is_err() || !events.messages(EventKind::Warning).is_empty(), "{outcome:?}");
}

#[test]
fn a_path_of_more_than_a_socket_can_have_is_fine_for_the_state_directory() {
    let scene = Scene::new();
    let deep: PathBuf = (0..6).fold(scene.path("deep"), |path, _| path.join("a".repeat(60)));
    let server = scene.spec(&[]).state_dir(&deep).ensure().unwrap();
    assert!(server.place().as_os_str().len() > 300);
    assert_eq!(scene.living().len(), 1);
}

#[test]
fn a_socket_path_that_no_socket_can_have_is_told_at_once() {
    let scene = Scene::new();
    let long = format!("unix:/tmp/{}", "s".repeat(110));
    let error = ServerSpec::new("long").state_dir(scene.state_dir()).command(["true"]).ready(long).ensure().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Config);
    assert!(error.to_string().contains("103 bytes"), "{error}");
}

#[test]
fn a_state_directory_that_is_removed_meanwhile_is_made_again() {
    let scene = Scene::new();
    let first = scene.spec(&[]).ensure().unwrap();
    fs::remove_dir_all(scene.state_dir()).unwrap();
    let again = scene.spec(&[]).ensure().unwrap();
    assert_eq!(again.origin(), spawnlock::Origin::Foreign, "without its records the server is a stranger's");
    assert_eq!(scene.living(), [first.pid().unwrap()]);
}
