//! The content of a lock file.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|content: &[u8]| {
    let holder = spawnlock::fuzz::lock_file(content);
    assert!(holder.is_none_or(|holder| holder.pid > 0 && i32::try_from(holder.pid).is_ok()));
});
