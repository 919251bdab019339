//! The content of `server.json` and `failure.json`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|content: &[u8]| {
    spawnlock::fuzz::record(content);
});
