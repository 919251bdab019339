//! The command, run as a user runs it: real processes, real sockets, real signals.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "the bans keep the core's clocks and processes in one place each; tests look from outside and fail loudly"
)]

mod world;

mod completions;
mod declared;
mod doctor;
mod events;
mod exit_codes;
mod explain;
mod init;
mod json;
mod manual;
mod projects;
mod renewal;
mod restarts;
mod runs;
mod signals;
mod stdout;
mod terminal;
mod usage;
mod variables;
mod waits;
