//! What this program is when it is not the bench: a slow server, a client or a user, one that notifies, a loop for a profiler.

mod client;
mod notifier;
mod profile;
mod serve;

use crate::trouble::Result;

pub fn is_one(word: &str) -> bool {
    matches!(word, "serve" | "client" | "user" | "notifier" | "profile" | "worker")
}

pub fn play(role: &str, words: &[String]) -> Result<()> {
    match role {
        "serve" => serve::play(words),
        "client" => client::play(words, false),
        "user" => client::play(words, true),
        "notifier" => notifier::play(words),
        "worker" => crate::locks::play(words),
        _ => profile::play(words),
    }
}
