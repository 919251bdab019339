//! Ctrl-C, SIGTERM and a closed terminal end a wait instead of the process, so that everything is released first.

use std::fs::File;
use std::io::Read as _;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use spawnlock::Cancel;

/// The number of the signal that came; zero before.
static RECEIVED: OnceLock<Arc<AtomicUsize>> = OnceLock::new();

/// The signal that interrupted us, if one did.
pub fn received() -> Option<u8> {
    let number = RECEIVED.get()?.load(Ordering::SeqCst);
    u8::try_from(number).ok().filter(|number| *number > 0)
}

/// A cancellation by signals. No thread: the handler leaves its number, and the wait it interrupts asks for it.
/// A second signal ends the process at once.
pub fn cancel() -> Cancel {
    let number = Arc::clone(RECEIVED.get_or_init(Arc::default));
    let again = Arc::new(AtomicBool::new(false));
    let ignored = ignored();
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        if ignored & (1 << (signal - 1)) == 0 {
            // A signal that cannot be caught keeps its default, which releases all locks as well.
            let _ = flag::register_conditional_default(signal, Arc::clone(&again));
            let _ = flag::register(signal, Arc::clone(&again));
            let _ = flag::register_usize(signal, Arc::clone(&number), signal as usize);
        }
    }
    Cancel::checked_by(move || number.load(Ordering::SeqCst) != 0)
}

/// The signals we were started to ignore, as `nohup` does: they stay ignored. A system that does not tell ignores none.
fn ignored() -> u64 {
    let mut status = [0; 4096];
    let length = File::open("/proc/self/status").and_then(|mut file| file.read(&mut status)).unwrap_or(0);
    let status = String::from_utf8_lossy(&status[..length]);
    status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok()).unwrap_or(0)
}
