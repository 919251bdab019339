//! This process: where its code came from, and what a minder does to itself before anything else.

use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::path::PathBuf;

use rustix::io::fcntl_dupfd_cloexec;
use rustix::stdio::{dup2_stdin, dup2_stdout, stdin, stdout};

use super::local_platform::close_all_from;

/// The file that this code was loaded from: a program, or a library in a host.
pub(crate) fn own_file() -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    let here = own_file as fn() -> Option<PathBuf>;
    // SAFETY: `dladdr` fills the structure it is given; the name in it belongs to the loader and outlives the copy made here.
    let name = unsafe {
        let mut info: libc::Dl_info = std::mem::zeroed();
        if libc::dladdr(here as *const libc::c_void, &mut info) == 0 || info.dli_fname.is_null() {
            return None;
        }
        CStr::from_ptr(info.dli_fname).to_owned()
    };
    // A program is known by the word it was started with; the system knows better.
    let path = PathBuf::from(std::ffi::OsStr::from_bytes(name.as_bytes()));
    if path.is_absolute() { Some(path) } else { std::env::current_exe().ok() }
}

/// Leaves the session, the directory and the descriptors of whoever ran us. Only for a process that has opened nothing yet.
pub(crate) fn detach() {
    close_all_from(3);
    let _ = rustix::process::setsid();
    let _ = rustix::process::chdir("/");
}

/// Ignores what terminals and shells send to those they think they own. A child gets the defaults back.
pub(crate) fn ignore_signals() {
    for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM, libc::SIGPIPE, libc::SIGUSR1, libc::SIGUSR2] {
        // SAFETY: ignoring a signal runs no code of ours.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
    // SAFETY: the default, which whoever ran us may have changed, runs no code of ours either. Without it no child of ours tells its code.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
}

/// Gives the memory of our code back while there is nothing to do: it stands in files, and comes back from there when it runs.
pub(crate) fn shed_code() {
    for (from, to) in code_of_files(&std::fs::read_to_string("/proc/self/maps").unwrap_or_default()) {
        // SAFETY: the range is code mapped from a file, which nobody writes to, so nothing is lost with its pages.
        unsafe { libc::madvise(from as *mut libc::c_void, to - from, libc::MADV_DONTNEED) };
    }
}

/// The ranges of the lines `from-to r-xp offset device inode path` that have an inode.
fn code_of_files(maps: &str) -> Vec<(usize, usize)> {
    let range = |line: &str| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let [range, "r-xp", _, _, inode, ..] = words[..] else { return None };
        let (from, to) = range.split_once('-').filter(|_| inode != "0")?;
        Some((usize::from_str_radix(from, 16).ok()?, usize::from_str_radix(to, 16).ok()?))
    };
    maps.lines().filter_map(range).collect()
}

/// What was handed over as stdin, in a descriptor of its own; stdin is nothing from now on.
pub(crate) fn take_stdin() -> io::Result<OwnedFd> {
    let taken = fcntl_dupfd_cloexec(stdin(), 3)?;
    dup2_stdin(File::open("/dev/null")?)?;
    Ok(taken)
}

/// What our parent passed as 3, 4, …, for us to pass on. Only once, and before anything else has such a number.
pub(crate) fn take_passed(count: usize) -> Vec<OwnedFd> {
    let numbers = (3..).take(count);
    // SAFETY: the parent that says so left these open for us, and nobody in this process has them.
    let passed: Vec<OwnedFd> = numbers.map(|number| unsafe { OwnedFd::from_raw_fd(number) }).collect();
    for fd in &passed {
        let _ = rustix::io::fcntl_setfd(fd, rustix::io::FdFlags::CLOEXEC);
    }
    passed
}

/// The same of stdout.
pub(crate) fn take_stdout() -> io::Result<OwnedFd> {
    let taken = fcntl_dupfd_cloexec(stdout(), 3)?;
    dup2_stdout(File::options().write(true).open("/dev/null")?)?;
    Ok(taken)
}
