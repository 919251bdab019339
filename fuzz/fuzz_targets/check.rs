//! A check, as a line or as JSON, and a time.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    spawnlock::fuzz::check(text);
    let _ = spawnlock::duration("timeout", text);
});
