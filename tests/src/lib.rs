//! What the fixture server, the contender and the black-box tests share.
//!
//! A test makes a [`Scene`]: a state directory, a port and an oracle of its own. When the scene ends, it kills what the
//! test started, by pid, and fails if anything of it is left.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "the bans keep core's clocks, waits and processes in one place each; tests look from outside and fail loudly"
)]

pub mod breakers;
mod client;
pub mod daemons;
pub mod gate;
pub mod halt;
pub mod lock_desk;
mod native;
mod outcome;
mod pause;
pub mod phase;
mod port;
pub mod process;
pub mod root;
mod scene;
pub mod strace;
pub mod sys;
pub mod without_lock;
pub mod witness;

pub use client::{Client, Language, Running};
pub use outcome::Outcome;
pub use pause::Pause;
pub use port::Port;
pub use process::{process_alive, wait_until};
pub use scene::{Events, Scene, program, set_mode};
