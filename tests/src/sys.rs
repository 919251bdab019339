//! The few system calls that no safe crate offers.

use std::io;
use std::mem::MaybeUninit;

/// The number of a signal by its name, `TERM` or `SIGTERM`, or by its number.
pub fn signal_number(name: &str) -> Option<i32> {
    let number = match name.strip_prefix("SIG").unwrap_or(name) {
        "HUP" => libc::SIGHUP,
        "INT" => libc::SIGINT,
        "QUIT" => libc::SIGQUIT,
        "ILL" => libc::SIGILL,
        "ABRT" => libc::SIGABRT,
        "KILL" => libc::SIGKILL,
        "USR1" => libc::SIGUSR1,
        "SEGV" => libc::SIGSEGV,
        "USR2" => libc::SIGUSR2,
        "PIPE" => libc::SIGPIPE,
        "ALRM" => libc::SIGALRM,
        "TERM" => libc::SIGTERM,
        "STOP" => libc::SIGSTOP,
        other => return other.parse().ok().filter(|number| (1..65).contains(number)),
    };
    Some(number)
}

/// Blocks SIGTERM in this thread and those it starts from now on, so that [`wait_for_term`] gets it.
pub fn block_term() {
    mask(libc::SIG_BLOCK, libc::SIGTERM);
}

/// Undoes [`block_term`], which a child inherits.
pub fn allow_term() {
    mask(libc::SIG_UNBLOCK, libc::SIGTERM);
}

/// Returns when SIGTERM came.
pub fn wait_for_term() {
    let set = set_of(libc::SIGTERM);
    let mut came = 0;
    // SAFETY: both pointers lead to values that live through the call.
    while unsafe { libc::sigwait(&set, &mut came) } != 0 {}
}

/// Sends a signal to this very thread, unblocked, so that its default action ends the process.
pub fn raise(signal: i32) {
    mask(libc::SIG_UNBLOCK, signal);
    // SAFETY: a number that is no signal is refused; the run-time's own handler for SIGSEGV would let us live.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
}

/// The sockets that were passed to this process by the custom of `LISTEN_FDS`.
///
/// # Errors
/// When they were meant for another process, or none were passed.
pub fn passed() -> io::Result<Vec<std::os::fd::OwnedFd>> {
    let number = |name: &str| std::env::var(name).map_err(|_| io::Error::other(format!("no {name}")));
    if number("LISTEN_PID")? != std::process::id().to_string() {
        return Err(io::Error::other("LISTEN_PID is another process"));
    }
    let count: i32 = number("LISTEN_FDS")?.parse().map_err(|_| io::Error::other("LISTEN_FDS is no number"))?;
    // SAFETY: they are passed to us and nobody else in this program knows of them.
    Ok((3..3 + count).map(|fd| unsafe { std::os::fd::FromRawFd::from_raw_fd(fd) }).collect())
}

/// Closes every descriptor from 3 on, as many daemons do when they begin.
///
/// # Errors
/// The system's own.
pub fn close_inherited() -> io::Result<()> {
    // SAFETY: called before this program has opened anything, so nobody in it owns one of these numbers.
    match unsafe { libc::close_range(3, libc::c_uint::MAX, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Whether all of these descriptors are open in a child that is forked now, as a host forks that runs no other program.
///
/// # Errors
/// The system's own.
pub fn open_in_a_fork(fds: &[std::os::fd::RawFd]) -> io::Result<bool> {
    // SAFETY: the child makes nothing but system calls, and ends by one.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: as above; a number that is no descriptor is refused.
        unsafe { libc::_exit(i32::from(!fds.iter().all(|fd| libc::fcntl(*fd, libc::F_GETFD) >= 0))) };
    }
    let mut status = 0;
    // SAFETY: the pointer leads to a value that lives through the call.
    while child > 0 && unsafe { libc::waitpid(child, &mut status, 0) } < 0 {}
    if child < 0 { Err(io::Error::last_os_error()) } else { Ok(status == 0) }
}

fn set_of(signal: i32) -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: `sigemptyset` makes the value whole before `sigaddset` reads it.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), signal);
        set.assume_init()
    }
}

fn mask(how: i32, signal: i32) {
    let set = set_of(signal);
    // SAFETY: the set lives through the call, and the old mask is not asked for.
    unsafe { libc::pthread_sigmask(how, &set, std::ptr::null_mut()) };
}
