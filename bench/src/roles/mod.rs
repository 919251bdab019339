//! What this program is when it is not the bench: a slow server, a client, a loop for a profiler.

mod client;
mod profile;
mod serve;

use crate::trouble::Result;

pub fn is_one(word: &str) -> bool {
    matches!(word, "serve" | "client" | "profile" | "worker")
}

pub fn play(role: &str, words: &[String]) -> Result<()> {
    match role {
        "serve" => serve::play(words),
        "client" => client::play(words),
        "worker" => crate::locks::play(words),
        _ => profile::play(words),
    }
}
