//! `server-init run`: a command with a server that ends with its last user.

use rustix::process::{Pid, Signal, kill_process};

use crate::world::{World, alive, fixture, until, words};

/// A run of a command with a fixture server on a socket of this test.
fn args(world: &World, command: &[&str]) -> Vec<String> {
    let (socket, starts) = (world.path("socket").display().to_string(), world.path("starts").display().to_string());
    let line = format!("exec {} --unix {socket} --starts {starts}", fixture().display());
    let ready = format!("http+unix:{socket}:/health");
    let before = ["run", "my-api", "--ready", &ready, "--shell", &line, "-q", "--"];
    before.iter().chain(command).map(|word| (*word).to_owned()).collect()
}

fn is_over(world: &World) -> bool {
    world.starts().len() == 1 && !world.starts().iter().any(|pid| alive(pid))
}

#[test]
fn the_command_has_the_server_and_its_exit_code_is_ours() {
    let world = World::new();
    let done = world.run(&words(&args(&world, &["sh", "-c", "echo $SPAWNLOCK_MY_API_URL; exit 7"]))).expect(7);
    assert_eq!(done.stdout, format!("unix:{}\n", world.path("socket").display()));
    assert!(is_over(&world), "the server is gone when we are");
}

/// A project with two servers, each of which counts its starts in a file of its own.
fn two_servers(world: &World) {
    let declared = ["web", "db"].map(|name| {
        let starts = world.path(&format!("{name}.starts")).display().to_string();
        format!(
            "[servers.{name}]\ncommand = [{:?}, \"--unix\", \"{name}.sock\", \"--starts\", {starts:?}]\nready = \"http+unix:{name}.sock:/health\"\n",
            fixture().display().to_string()
        )
    });
    std::fs::write(world.path("spawnlock.toml"), declared.concat()).expect("a file");
}

#[test]
fn a_command_has_several_servers_that_are_declared() {
    let world = World::new();
    two_servers(&world);
    let done = world.run(&["run", "web,db", "-q", "--", "sh", "-c", "echo $SPAWNLOCK_WEB_URL $SPAWNLOCK_DB_URL"]).expect(0);
    let sockets = ["web", "db"].map(|name| format!("unix:{}", world.path(&format!("{name}.sock")).display()));
    assert_eq!(done.stdout, format!("{}\n", sockets.join(" ")));
    for name in ["web", "db"] {
        let starts = std::fs::read_to_string(world.path(&format!("{name}.starts"))).expect("it was started");
        assert!(starts.lines().count() == 1 && !alive(starts.trim()), "{name}: {starts}");
    }
}

#[test]
fn of_several_servers_none_is_left_when_one_does_not_come() {
    let world = World::new();
    two_servers(&world);
    let done = world.run(&["run", "web,cache", "--", "touch", "ran"]).expect(2);
    assert!(done.stderr.contains("cache"), "{}", done.stderr);
    assert!(!world.path("ran").exists());
    let starts = std::fs::read_to_string(world.path("web.starts")).unwrap_or_default();
    assert!(starts.lines().all(|pid| !alive(pid)), "{starts}");
}

#[test]
fn the_address_of_a_server_of_the_project_is_told_and_heard_by_its_short_name() {
    let world = World::new();
    let line = format!("exec {} --port {{port}}", fixture().display());
    let within = format!("{} ensure web --port auto --print origin,port; echo $SPAWNLOCK_WEB_PORT", env!("CARGO_BIN_EXE_server-init"));
    let done = world.run(&["run", "web", "--port", "auto", "--shell", &line, "-q", "--", "sh", "-c", &within]).expect(0);
    let [origin, port, told] = done.stdout.lines().collect::<Vec<_>>()[..] else { panic!("{}", done.stdout) };
    assert_eq!((origin, port), ("foreign", told));
}

#[test]
fn a_command_that_is_ended_by_a_signal_is_told_as_a_shell_does() {
    let world = World::new();
    world.run(&words(&args(&world, &["sh", "-c", "kill -TERM $$"]))).expect(143);
}

#[test]
fn a_command_that_cannot_be_run_leaves_no_server() {
    let world = World::new();
    let done = world.run(&words(&args(&world, &["/no/such/command"]))).expect(127);
    assert!(done.stderr.contains("/no/such/command"), "{}", done.stderr);
    assert!(is_over(&world));
}

#[test]
fn signals_are_the_commands() {
    let world = World::new();
    let line = "trap 'touch told; exit 5' TERM; touch ready; while :; do sleep 0.01; done";
    let running = world.begin(&args(&world, &["sh", "-c", line]), "stderr");
    until("the command runs", || world.path("ready").exists());
    running.signal(Signal::TERM);
    running.finish().expect(5);
    assert!(world.path("told").exists());
    assert!(is_over(&world));
}

#[test]
fn a_killed_run_has_its_server_stopped() {
    let world = World::new();
    let running = world.begin(&args(&world, &["sh", "-c", "echo $$ > pid.new; mv pid.new pid; exec sleep 600 >/dev/null"]), "stderr");
    until("the command runs", || world.path("pid").exists());
    running.signal(Signal::KILL);
    running.finish();
    until("the server is gone", || is_over(&world));
    let command = std::fs::read_to_string(world.path("pid")).expect("the pid of the command");
    let command = Pid::from_raw(command.trim().parse().expect("a number")).expect("a pid");
    kill_process(command, Signal::KILL).expect("the command, which goes on");
}

#[test]
fn what_is_missing_is_named() {
    let world = World::new();
    let done = world.run(&["run", "api", "--port", "1", "--shell", "true"]).expect(2);
    assert!(done.stderr.contains("CMD"), "{}", done.stderr);
    for flag in ["--no-wait", "--dry-run"] {
        world.run(&["run", "api", flag, "--", "touch", "ran"]).expect(2);
    }
    assert!(!world.path("ran").exists());
    let done = world.run(&["run", "api,db", "--port", "1", "--", "true"]).expect(2);
    assert!(done.stderr.contains("--port"), "{}", done.stderr);
}
