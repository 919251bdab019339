//! A file in which a project declares its servers: the first byte says which.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let file = match text.bytes().next() {
        Some(b'{') => "package.json",
        Some(b'#') => "pyproject.toml",
        _ => "spawnlock.toml",
    };
    spawnlock::fuzz::config(file, text);
});
