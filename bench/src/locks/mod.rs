//! The locks alone: by themselves, between many, and when their holder dies.

mod contended;
mod dead;
mod hosts;
mod kinds;
mod uncontended;
mod worker;

pub use contended::measure as contended;
pub use dead::measure as dead;
pub use hosts::measure as hosts;
pub use uncontended::measure as uncontended;
pub use worker::play;
