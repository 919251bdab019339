//! `profile ensure|scope|get ROUNDS URL STATE-DIR`: the fast path, a scope, or the bare request beside them, in a loop for a profiler.

use spawnlock::ServerSpec;

use crate::fast::Bare;
use crate::scene::NAME;
use crate::trouble::Result;

pub fn play(words: &[String]) -> Result<()> {
    let [what, rounds, url, state_dir] = words else {
        return Err("usage: profile ensure|scope|get ROUNDS URL STATE-DIR".into());
    };
    let mut bare = Bare::new(url)?;
    for _ in 0..rounds.parse::<usize>()? {
        match what.as_str() {
            "get" => bare.get()?,
            "scope" => drop(ServerSpec::new(NAME).ready(url.as_str()).state_dir(state_dir).scoped()?),
            _ => drop(ServerSpec::new(NAME).ready(url.as_str()).state_dir(state_dir).ensure()?),
        }
    }
    Ok(())
}
