//! The help, and where it is needed.

use crate::args::Command;
use crate::trouble::{Result, Trouble};
use crate::words::{Word, Words};

pub const VERSION: &str = concat!("server-init ", env!("CARGO_PKG_VERSION"));

/// How like a flag a word must be to be taken for a slip.
const ALIKE: f64 = 0.8;

/// What every help ends its options with.
macro_rules! common {
    () => {
        "
Options of all commands:
      --json             Print one JSON object, also for failures
  -q, --quiet            No progress on stderr; failures are still told
  -v, --verbose          Tell everything that happens, with its time
      --events           Tell it as JSON, one object a line, on stderr
      --state-dir DIR    Directory for the state of all names
                         [default: SPAWNLOCK_STATE_DIR, else the platform's own]
  -h, --help             Print help
  -V, --version          Print version
"
    };
}

pub const GENERAL: &str = concat!(
    "\
Start a background server exactly once, however many processes ask for it, and share it with all of them

Usage: server-init COMMAND [OPTIONS]
       server-init [OPTIONS]      the only server that the project declares

Commands:
  ensure   Get the server: start it if nobody has, wait until it is ready, print `ok`
  run      Run a command with a server that is stopped with its last user
  status   Tell what is known about a server; exit 3 when it is not running
  stop     Stop servers and return when they are gone; exit 3 when one is not running
  restart  Stop a server and start it again, once for all who ask at the same moment
  wait     Wait for anything: ports, sockets, pages, files, commands
  logs     What a server wrote: its last lines, and with -f those to come
  list     All names that were ever used here
  prune    Remove what is left of servers of which nothing lives
  explain  Tell what became of the last starts of a server, as a time line
  doctor   Look at everything a start depends on, and say what to do
  init     Declare a first server in the project's spawnlock.toml, by looking at the project
  completions, man, help
           Completions for a shell, manual pages, the help of a command
",
    common!(),
    "
Examples:
  server-init ensure api --ready http://localhost:1987/health -- node server.js
  server-init status api
  server-init stop api

Exit codes: 0 fine, 1 failed, 2 usage, 3 not running, 124 timeout, 126 and 127 the command cannot be run,
129, 130 and 143 interrupted by SIGHUP, SIGINT and SIGTERM, with everything released"
);

pub const ENSURE: &str = concat!(
    "\
Get the server: start it if nobody has, wait until it is ready, print `ok`

Usage: server-init ensure [NAME] --ready CHECK… [OPTIONS] [-- CMD…]
       server-init ensure [NAME] [OPTIONS]      as the project declares it

  NAME    The server's name [default: made from its address, as localhost_1987; else the only one declared]
  CMD…    The program and its arguments; without, nothing is started, only looked for

How to tell that it is ready:
  -r, --ready CHECK              A check, see below; may be repeated, then all must pass
  -p, --port PORT                Its port, or `auto` for one that is chosen at the start; the server gets it as PORT, and {port}
                                 stands for it everywhere. Without --ready: the check http://HOST:PORT/health
      --host HOST                The host of that port, {host} [default: localhost]
      --identity KEY=VALUE       A field of the health answer by which it is known as ours; VALUE is JSON, or else text
      --probe-timeout TIME       How long one health question may take [default: 5s]

How to start it:
      --listen [NAME=]ADDRESS    Listen in its stead, and pass it the socket as descriptor 3, 4, … with LISTEN_FDS:
                                 tcp:PORT, tcp:HOST:PORT or unix:/path; may be repeated
      --scope SCOPE              user or project: whether the project's root is part of the name
                                 [default: user, or project with --port auto]
      --shell LINE               A line for /bin/sh in the place of CMD
      --cwd DIR                  Its working directory [default: this one]
  -e, --env KEY=VALUE            Set a variable for it
      --clean-env                Give it only PATH, HOME and what --env sets
      --umask MODE               Its umask, octal [default: 022]
      --log FILE                 Where its output goes [default: server.log in its place]
      --tail-lines N             How many of its last lines a failure shows [default: 40]

A server that runs already:
      --reuse WHICH              healthy, owned (only one that was started here) or never (replace it) [default: healthy]
      --server-version VERSION   The version that is wanted: a number, or any text [default: any]
      --version-field FIELD      The field of the health answer in which it tells its version
      --on-mismatch DO           restart (the newer one stays), reuse or error, for another version [default: restart]
      --unresponsive DO          error or replace, for one of ours that does not answer [default: error]

When to stop it:
      --stop WHEN                never, or last: when all who asked for it in this way are gone [default: never]
      --linger TIME              How long it goes on without a user, with --stop last [default: not at all]

How long to wait:
  -t, --timeout TIME             The whole call [default: SPAWNLOCK_READY_TIMEOUT, else 60s]
      --no-wait                  Return as soon as it is started, ready or not
      --stop-timeout TIME        How long it may take to end after the stop signal, before SIGKILL [default: 10s]
      --stop-signal SIGNAL       SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 or SIGKILL [default: SIGTERM]
      --lock-patience TIME       Start anyway after having waited this long for the lock [default: never]
      --lock KIND                auto, flock or excl: what the spawn lock is made of [default: auto]
      --lock-file FILE           A lock to hold as well, for old scripts that know only that file
      --on-lock-unavailable DO   proceed or fail, where no lock can be had [default: proceed]
      --config FILE              The file that declares it [default: SPAWNLOCK_CONFIG, else the nearest spawnlock.toml,
                                 package.json or pyproject.toml upward that declares servers]; what is said here wins
      --env-prefix PREFIX        Also take PREFIX_PORT, PREFIX_INIT_TIMEOUT, PREFIX_LOCK_TIMEOUT and
                                 PREFIX_POLL_INTERVAL (milliseconds) from the environment

What to print:
      --print FACT,…             These facts in the place of `ok`, one a line: name, state, health, url, host, port, pid,
                                 origin, generation, version, started-at, ready-ms, log, place
      --dry-run                  Every setting, its value and where it comes from; nothing is started
",
    common!(),
    "
Examples:
  server-init ensure web
  server-init ensure web --dry-run
  server-init ensure api --ready http://localhost:1987/health -- node server.js
  server-init ensure --port 1987 --timeout 30s -- node server.js
  server-init ensure db --ready tcp:localhost:5432 --shell 'exec postgres -D data 2>&1'
  server-init ensure api --ready '{\"http\": \"http://localhost:1987/health\", \"status\": 204}' -- ./api
  url=$(server-init ensure api --port 1987 --print url -- node server.js)
  server-init ensure --env-prefix OCTOCODE -- node server.js

A port of its own for each project: server-init ensure web --port auto -- node server.js --port {port}


Checks: http://host:port/path, tcp:host:port, unix:/path, http+unix:/path:/page, exec:COMMAND LINE (exit code 0),
        log:PATTERN (a line of its log; a group (?<port>…) is its port), file:/path, notify (it sends READY=1 to its
        NOTIFY_SOCKET), or a JSON object
Times have a unit: 30s, 500ms, '1m 30s'"
);

pub const RUN: &str = concat!(
    "\
Run a command with servers that are stopped with their last user, killed ones included; exit with the command's code

Usage: server-init run [NAME,…] [OPTIONS] -- CMD…
       server-init run [NAME] --ready CHECK… --shell LINE [OPTIONS] -- CMD…

  NAME    A server's name; several are declared in a file, and are got one after the other
          [default: the only one declared; with --ready, made from its address, as localhost_1987]
  CMD…    The command that uses them; it gets SPAWNLOCK_<NAME>_URL and SPAWNLOCK_<NAME>_PORT of each

Options:
      --shell LINE       The line for /bin/sh that starts the server
      --linger TIME      How long the server goes on without a user [default: not at all]
      --stop WHEN        last, or never: leave the server running [default: last]
  and those of `ensure`, but for --print and --no-wait
",
    common!(),
    "
Examples:
  server-init run web,db -- npm test
  server-init run api --port 1987 --shell 'exec node server.js' -- npm test
  server-init run api --port 1987 --shell 'exec node server.js' --linger 30s -- pytest"
);

pub const STATUS: &str = concat!(
    "\
Tell what is known about a server; exit 3 when it is not running

Usage: server-init status [NAME] [OPTIONS]

  NAME    The server's name [default: all that run]

Options:
      --print FACT,…     These facts, one a line: name, state, health, url, pid, generation, version,
                         started-at, ready-ms, log, place
",
    common!(),
    "
Examples:
  server-init status
  server-init status api
  server-init status api --json
  server-init status api --print pid,url"
);

pub const STOP: &str = concat!(
    "\
Stop servers and return when they are gone; exit 3 when one is not running

Usage: server-init stop NAME… [OPTIONS]
       server-init stop --all [OPTIONS]

Options:
      --all                Stop all that run
      --stop-timeout TIME  How long a server may take to end after its stop signal, before SIGKILL
                           [default: as it was declared, else 10s]
",
    common!(),
    "
Examples:
  server-init stop api
  server-init stop api worker --stop-timeout 30s
  server-init stop --all"
);

pub const RESTART: &str = concat!(
    "\
Stop a server and start it again, as it was declared when it was last started; one that does not run is started.
Of many who ask at the same moment one does it, and all are told the same new server

Usage: server-init restart NAME [OPTIONS]

Options:
      --if-generation N    Only if start N of the name is the current one; when a later one runs, that is the result
  -t, --timeout TIME       The whole call, the stop included [default: SPAWNLOCK_READY_TIMEOUT, else 60s]
      --stop-timeout TIME  How long it may take to end after SIGTERM, before SIGKILL [default: as it was declared, else 10s]
      --break-after TIME   Go on without the lock after having waited this long for it [default: never]
      --print FACT,…       These facts in the place of `ok`, one a line: name, state, health, url, host, port, pid,
                           origin, generation, version, started-at, ready-ms, log, place
",
    common!(),
    "
Examples:
  server-init restart api
  server-init restart api --if-generation 3 --print generation
  server-init restart api --timeout 2m --stop-timeout 30s"
);

pub const WAIT: &str = concat!(
    "\
Wait for anything, whoever starts it; exit 0 when all of it is there, 124 when the time is over

Usage: server-init wait CHECK… [OPTIONS]

  CHECK…    What to wait for, see below; all must pass at once

Options:
      --gone                 Wait until nothing of it is there any more
  -t, --timeout TIME         The whole call [default: SPAWNLOCK_READY_TIMEOUT, else 60s]
      --probe-timeout TIME   How long one question may take [default: 5s]
",
    common!(),
    "
Examples:
  server-init wait tcp:localhost:5432 http://localhost:1987/health --timeout 30s
  server-init wait 'exec:pg_isready -q' file:dist/index.html
  server-init wait --gone unix:/run/api.sock

Checks: http://host:port/path, tcp:host:port, tcp:port, unix:/path, http+unix:/path:/page, exec:COMMAND LINE, file:path, or a
        JSON object; the resources of wait-on (http-get://…, socket:/path) mean the same"
);

pub const LOGS: &str = concat!(
    "\
What a server wrote: the last lines of its last start

Usage: server-init logs NAME [OPTIONS]

Options:
  -n, --lines N      How many lines [default: 40]
  -f, --follow       Go on with each line as it is written, through restarts, until Ctrl-C
      --all-starts   Earlier starts as well, with the markers between them
",
    common!(),
    "
Examples:
  server-init logs api
  server-init logs api -n 200 --all-starts
  server-init logs api -f"
);

pub const PRUNE: &str = concat!(
    "\
Remove what is left of servers of which nothing lives, their logs included, and print their names

Usage: server-init prune [OPTIONS]

Options:
      --dry-run   Remove nothing, only print the names
",
    common!(),
    "
Examples:
  server-init prune --dry-run
  server-init prune"
);

pub const LIST: &str = concat!(
    "\
All names that were ever used here, and what runs of them

Usage: server-init list [OPTIONS]

Options:
      --names            Only the names, one a line, without a look at what runs
",
    common!(),
    "
Examples:
  server-init list
  server-init list --json
  server-init list --names"
);

pub const INIT: &str = concat!(
    "\
Declare a first server, by looking at the project: scripts of package.json, Django, FastAPI, Flask, a folder of pages.
What is declared already stays as it is

Usage: server-init init [NAME] [OPTIONS]

  NAME    The server's name [default: web]

Options:
      --file FILE        Where: spawnlock.toml, pyproject.toml or package.json [default: the one here that declares
                         servers, else spawnlock.toml]
",
    common!(),
    "
Examples:
  server-init init
  server-init init api --file pyproject.toml"
);

pub const EXPLAIN: &str = concat!(
    "\
Tell what became of the last starts of a server, as a time line: who asked, who started it, how long it took, why it ended

Usage: server-init explain NAME [OPTIONS]

Options:
  -n, --starts N         How many of the last starts [default: 3]
",
    common!(),
    "
Examples:
  server-init explain api
  server-init explain api -n 10
  server-init explain api --json"
);

pub const DOCTOR: &str = concat!(
    "\
Look at everything a start depends on, and say what to do: the state directory and its locks, loopback, limits, the environment,
versions, what was left behind; with a name, also at its server. Exit 1 when something fails

Usage: server-init doctor [NAME] [OPTIONS]
",
    common!(),
    "
Examples:
  server-init doctor
  server-init doctor api
  server-init doctor --json"
);

pub const COMPLETIONS: &str = concat!(
    "\
Print the completions for a shell: commands, options, their values, and the names of servers

Usage: server-init completions SHELL

  SHELL   bash, zsh, fish or powershell
",
    common!(),
    "
Examples:
  eval \"$(server-init completions bash)\"
  server-init completions zsh > ~/.zfunc/_server-init
  server-init completions fish > ~/.config/fish/completions/server-init.fish
  server-init completions powershell | Out-String | Invoke-Expression"
);

pub const MAN: &str = concat!(
    "\
Print a manual page, or write all of them into a directory

Usage: server-init man [COMMAND] [OPTIONS]

  COMMAND The command whose page is printed [default: that of server-init itself]

Options:
      --dir DIR          Write all pages there, as server-init.1, server-init-ensure.1 and so on
",
    common!(),
    "
Examples:
  server-init man ensure | man -l -
  server-init man --dir ~/.local/share/man/man1"
);

/// Every command and its help.
pub const COMMANDS: &[(&str, &str)] = &[
    ("ensure", ENSURE),
    ("run", RUN),
    ("status", STATUS),
    ("stop", STOP),
    ("restart", RESTART),
    ("wait", WAIT),
    ("logs", LOGS),
    ("list", LIST),
    ("prune", PRUNE),
    ("init", INIT),
    ("explain", EXPLAIN),
    ("doctor", DOCTOR),
    ("completions", COMPLETIONS),
    ("man", MAN),
];

/// The help of a command.
pub fn of(command: Option<&Command>) -> &'static str {
    match command {
        None => GENERAL,
        Some(Command::Ensure(_)) => ENSURE,
        Some(Command::Run(_)) => RUN,
        Some(Command::Status(_)) => STATUS,
        Some(Command::Stop(_)) => STOP,
        Some(Command::Restart(_)) => RESTART,
        Some(Command::Wait(_)) => WAIT,
        Some(Command::Logs(_)) => LOGS,
        Some(Command::Prune(_)) => PRUNE,
        Some(Command::List(_)) => LIST,
        Some(Command::Explain(_)) => EXPLAIN,
        Some(Command::Doctor(_)) => DOCTOR,
        Some(Command::Completions(_)) => COMPLETIONS,
        Some(Command::Man(_)) => MAN,
        Some(Command::Init(_)) => INIT,
    }
}

/// `help`, or `help ensure`.
pub fn asked_for(words: &mut Words) -> Result<&'static str> {
    match words.next()? {
        Some(Word::Bare(name)) => named(&name),
        _ => Ok(GENERAL),
    }
}

/// The help of the command of this name.
pub fn named(name: &str) -> Result<&'static str> {
    let known = COMMANDS.iter().find(|(known, _)| *known == name).map(|(_, help)| *help);
    known.ok_or_else(|| unknown(&Word::Bare(name.to_owned()), None))
}

/// A word that means nothing here, with a guess at what was meant.
pub fn unknown(word: &Word, command: Option<&Command>) -> Trouble {
    let help = of(command);
    let (what, guess) = match (word, command) {
        (Word::Flag(flag), _) => {
            (format!("unknown option `{flag}`"), closest(flag, flags(help)).map(|flag| format!("did you mean `{flag}`?")))
        }
        (Word::Bare(name), None) => (
            format!("unknown command `{name}`"),
            closest(name, COMMANDS.iter().map(|(name, _)| *name)).map(|name| format!("did you mean `{name}`?")),
        ),
        (Word::Bare(name), Some(Command::Ensure(_))) => {
            (format!("unexpected word `{name}`"), Some(format!("the server's command stands behind `--`, as in `-- {name} …`")))
        }
        (Word::Bare(name), Some(_)) => (format!("unexpected word `{name}`"), None),
    };
    Trouble::Usage([Some(what), guess].into_iter().flatten().collect::<Vec<_>>().join(": "))
}

pub fn no_command() -> Trouble {
    let names: Vec<String> = COMMANDS.iter().map(|(name, _)| format!("`{name}`")).collect();
    Trouble::Usage(format!("say what to do: {}; `server-init --help` tells more", names.join(", ")))
}

/// The flags a help speaks of.
fn flags(help: &'static str) -> impl Iterator<Item = &'static str> {
    help.lines().filter_map(|line| {
        let line = line.trim_start();
        let line = if line.starts_with("--") { line } else { line.get(4..).filter(|_| line.starts_with('-'))? };
        line.starts_with("--").then(|| line.split(' ').next().unwrap_or(line))
    })
}

fn closest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let alike = known.map(|known| (strsim::jaro(word, known), known)).filter(|(alike, _)| *alike > ALIKE);
    alike.max_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Wish;

    #[test]
    fn every_help_has_examples_and_says_how_it_is_used() {
        for (command, help) in COMMANDS {
            assert!(help.contains(&format!("Usage: server-init {command}")), "{command}");
            assert!(help.contains("\nExamples:\n  "), "{command}");
            assert!(GENERAL.contains(&format!("  {command}")) || GENERAL.contains(&format!(", {command}")), "{command}");
        }
    }

    #[test]
    fn every_flag_of_a_help_is_known_to_its_command() {
        for (command, help) in COMMANDS {
            assert!(flags(help).count() > 4, "{command}");
            for flag in flags(help) {
                let read =
                    |words: &[&str]| Wish::read(words.iter().map(Into::into)).err().map(|trouble| trouble.to_string()).unwrap_or_default();
                let (alone, with_value) = (read(&[command, flag]), read(&[command, flag, "1"]));
                assert!(!alone.contains("unknown") && !with_value.contains("unknown"), "{command} {flag}: {alone}{with_value}");
            }
        }
    }
}
