//! Ctrl-C, SIGTERM and a closed terminal end a wait instead of the process, so that everything is released first.

use std::fs::File;
use std::io::{self, Read as _};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use rustix::process::{Pid, Signal, getpgrp, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::flag;
use signal_hook::iterator::Signals;
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

/// Stands for a command that has ended: no pid is as large.
const GONE: u32 = u32::MAX;

/// Ends a wait, and once there is a command, hands every signal on to it.
pub struct Forwarder {
    cancel: Cancel,
    command: Arc<AtomicU32>,
}

impl Forwarder {
    pub fn new() -> io::Result<Self> {
        let ignored = ignored();
        let wanted = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2].into_iter().filter(|signal| ignored & (1 << (signal - 1)) == 0);
        let mut signals = Signals::new(wanted)?;
        let forwarder = Forwarder { cancel: Cancel::new(), command: Arc::default() };
        let (cancel, command, number) =
            (forwarder.cancel.clone(), Arc::clone(&forwarder.command), Arc::clone(RECEIVED.get_or_init(Arc::default)));
        let hand_on = move || {
            for signal in signals.forever() {
                match command.load(Ordering::SeqCst) {
                    GONE => {}
                    0 => {
                        number.store(signal as usize, Ordering::SeqCst);
                        cancel.cancel();
                    }
                    // The terminal has told the command already.
                    _ if matches!(signal, SIGINT | SIGQUIT) && is_in_foreground() => {}
                    pid => send(pid, signal),
                }
            }
        };
        std::thread::Builder::new().name("signals".into()).spawn(hand_on)?;
        Ok(forwarder)
    }

    /// Cancelled by a signal that comes before there is a command.
    pub fn cancel(&self) -> Cancel {
        self.cancel.clone()
    }

    /// The command has ended: its pid may be another's by now.
    pub fn is_over(&self) {
        self.command.store(GONE, Ordering::SeqCst);
    }

    /// From now on signals are the command's; one that came a moment too early as well.
    pub fn forward_to(&self, pid: u32) {
        self.command.store(pid, Ordering::SeqCst);
        if let Some(signal) = received() {
            send(pid, signal.into());
        }
    }
}

fn send(pid: u32, signal: i32) {
    let (pid, signal) = (Pid::from_raw(pid.cast_signed()), Signal::from_named_raw(signal));
    if let (Some(pid), Some(signal)) = (pid, signal) {
        let _ = kill_process(pid, signal);
    }
}

/// Whether the terminal's Ctrl-C goes to our process group; stdin may be a file meanwhile.
fn is_in_foreground() -> bool {
    let terminal = File::open("/dev/tty").ok();
    terminal.is_some_and(|terminal| rustix::termios::tcgetpgrp(terminal).is_ok_and(|group| group == getpgrp()))
}

/// The signals we were started to ignore, as `nohup` does: they stay ignored. A system that does not tell ignores none.
fn ignored() -> u64 {
    let mut status = [0; 4096];
    let length = File::open("/proc/self/status").and_then(|mut file| file.read(&mut status)).unwrap_or(0);
    let status = String::from_utf8_lossy(&status[..length]);
    status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok()).unwrap_or(0)
}
