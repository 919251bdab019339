#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod catalogue;
pub mod setup;

pub mod files;
pub mod process;
pub mod world;

pub mod step;

pub mod protocol;

pub mod graph;
pub mod progress;
pub mod verdict;
pub mod way;
