//! What the fixture server, the contender and the black-box tests share.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "the bans keep core's clocks, waits and processes in one place each; tests look from outside and fail loudly"
)]

pub mod gate;
pub mod sys;
