//! What Linux and macOS do alike.

use std::fs;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions, WaitIdStatus};

use super::Bell;

/// What a wait on a descriptor waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interest {
    Read,
    Write,
}

/// What ended one `poll`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Polled {
    Input,
    /// The bell with this index rang.
    Bell(usize),
    Interrupted,
    Elapsed,
}

/// Waits for descriptors and bells, once; a bell wins over an input.
pub(crate) fn poll(inputs: &[(BorrowedFd<'_>, Interest)], bells: [Option<&Bell>; 2], time: Duration) -> io::Result<Polled> {
    let mut fds = Vec::with_capacity(inputs.len() + bells.len());
    let mut index_of = [usize::MAX; 2];
    for (index, bell) in bells.iter().enumerate() {
        if let Some(bell) = bell {
            index_of[index] = fds.len();
            fds.push(PollFd::from_borrowed_fd(bell.as_fd(), PollFlags::IN));
        }
    }
    for (fd, interest) in inputs {
        let flags = match interest {
            Interest::Read => PollFlags::IN,
            Interest::Write => PollFlags::OUT,
        };
        fds.push(PollFd::from_borrowed_fd(*fd, flags));
    }
    let timeout = Timespec { tv_sec: time.as_secs() as _, tv_nsec: time.subsec_nanos() as _ };
    match rustix::event::poll(&mut fds, Some(&timeout)) {
        Ok(0) => return Ok(Polled::Elapsed),
        Ok(_) => {}
        Err(Errno::INTR) => return Ok(Polled::Interrupted),
        Err(error) => return Err(error.into()),
    }
    let rang = |index: usize| fds.get(index_of[index]).is_some_and(|fd| !fd.revents().is_empty());
    Ok(if rang(0) {
        Polled::Bell(0)
    } else if rang(1) {
        Polled::Bell(1)
    } else {
        Polled::Input
    })
}

/// Whose file or directory it is.
pub(crate) fn owner(path: &std::path::Path) -> io::Result<u32> {
    Ok(std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(path)?))
}

pub(crate) fn user_id() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// The name of a user, from the password database.
pub(crate) fn user_name(uid: u32) -> Option<String> {
    let mut buffer = vec![0u8; 4096];
    // SAFETY: an all-zero `passwd` is a valid value; `getpwuid_r` writes into it and the buffer whose length it is told.
    unsafe {
        let mut entry: libc::passwd = std::mem::zeroed();
        let mut found = std::ptr::null_mut();
        let code = libc::getpwuid_r(uid, &mut entry, buffer.as_mut_ptr().cast(), buffer.len(), &mut found);
        if code != 0 || found.is_null() {
            return None;
        }
        std::ffi::CStr::from_ptr(entry.pw_name).to_str().ok().map(str::to_owned)
    }
}

pub(crate) fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// The signals that end a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    Terminate,
    Interrupt,
    HangUp,
    Quit,
    User1,
    User2,
    Kill,
}

impl From<Signal> for rustix::process::Signal {
    fn from(signal: Signal) -> Self {
        match signal {
            Signal::Terminate => rustix::process::Signal::TERM,
            Signal::Interrupt => rustix::process::Signal::INT,
            Signal::HangUp => rustix::process::Signal::HUP,
            Signal::Quit => rustix::process::Signal::QUIT,
            Signal::User1 => rustix::process::Signal::USR1,
            Signal::User2 => rustix::process::Signal::USR2,
            Signal::Kill => rustix::process::Signal::KILL,
        }
    }
}

/// Signals every process of a group; one that is already gone is no error.
pub(crate) fn signal_group(group: u32, signal: Signal) -> io::Result<()> {
    let Some(group) = i32::try_from(group).ok().filter(|group| *group > 1).and_then(Pid::from_raw) else {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    };
    match rustix::process::kill_process_group(group, signal.into()) {
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Code(i32),
    Signal(String),
}

/// Waits until a child of ours ends, and leaves it uncollected. `None` when somebody else collected it.
pub(crate) fn await_end(pid: u32) -> Option<Ending> {
    let pid = Pid::from_raw(i32::try_from(pid).ok()?)?;
    loop {
        match rustix::process::waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
            Ok(status) => {
                return ending(&status?);
            }
            Err(Errno::INTR) => {}
            Err(_) => return None,
        }
    }
}

/// `None` while a child of ours lives; how it ended, as far as that is known, once it is dead. It is left uncollected.
pub(crate) fn ended(pid: u32) -> Option<Option<Ending>> {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return Some(None) };
    match rustix::process::waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG) {
        Ok(status) => status.as_ref().map(ending),
        Err(Errno::INTR) => None,
        Err(_) => Some(None),
    }
}

fn ending(status: &WaitIdStatus) -> Option<Ending> {
    let signal = status.terminating_signal().map(|signal| Ending::Signal(signal_name(signal)));
    signal.or(status.exit_status().map(Ending::Code))
}

/// Makes reads and writes of a descriptor answer at once.
pub(crate) fn never_block(fd: &OwnedFd) -> io::Result<()> {
    Ok(rustix::io::ioctl_fionbio(fd, true)?)
}

fn signal_name(number: i32) -> String {
    let name = match number {
        libc::SIGHUP => "SIGHUP",
        libc::SIGINT => "SIGINT",
        libc::SIGQUIT => "SIGQUIT",
        libc::SIGILL => "SIGILL",
        libc::SIGTRAP => "SIGTRAP",
        libc::SIGABRT => "SIGABRT",
        libc::SIGBUS => "SIGBUS",
        libc::SIGFPE => "SIGFPE",
        libc::SIGKILL => "SIGKILL",
        libc::SIGUSR1 => "SIGUSR1",
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGUSR2 => "SIGUSR2",
        libc::SIGPIPE => "SIGPIPE",
        libc::SIGALRM => "SIGALRM",
        libc::SIGTERM => "SIGTERM",
        libc::SIGXCPU => "SIGXCPU",
        libc::SIGXFSZ => "SIGXFSZ",
        libc::SIGSYS => "SIGSYS",
        other => return format!("signal {other}"),
    };
    name.to_owned()
}

/// What `execve` says when there is no such file.
pub(crate) const NO_SUCH_FILE: i32 = libc::ENOENT;

/// Whether `execve` refused a file because it is neither a program nor a script.
pub(crate) fn is_no_program(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ENOEXEC)
}

/// Whether `path` is a file that may be run; the error is the one `execve` would give.
pub(crate) fn runnable(path: &Path) -> io::Result<()> {
    let meta = fs::metadata(path)?;
    if meta.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok() {
        return Ok(());
    }
    Err(io::Error::from_raw_os_error(libc::EACCES))
}

/// A descriptor that becomes readable when the process ends, where the system has such a thing.
pub(crate) fn exit_watch(pid: u32) -> Option<OwnedFd> {
    super::platform::exit_descriptor(Pid::from_raw(i32::try_from(pid).ok()?)?)
}

/// Whether there is a process of this pid, dead and uncollected ones included; asked without /proc, which may hide the others.
pub(crate) fn exists(pid: u32) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return false };
    !matches!(rustix::process::test_kill_process(pid), Err(Errno::SRCH))
}

/// Whether an error says that the file system knows no `flock`.
pub(crate) fn is_no_flock(error: &io::Error) -> bool {
    let none = [libc::ENOLCK, libc::EOPNOTSUPP, libc::ENOTSUP, libc::ENOSYS];
    error.raw_os_error().is_some_and(|errno| none.contains(&errno))
}

/// Whether an error says that a lock or its file cannot be had here at all; what may pass, such as a want of descriptors, is none of these.
pub(crate) fn is_unavailable(error: &io::Error) -> bool {
    let lasting = [
        libc::ENOLCK,
        libc::EOPNOTSUPP,
        libc::ENOTSUP,
        libc::ENOSYS,
        libc::EROFS,
        libc::EACCES,
        libc::EPERM,
        libc::ENOSPC,
        libc::EDQUOT,
        libc::EIO,
        libc::EINVAL,
        libc::ENAMETOOLONG,
        libc::ENOTDIR,
    ];
    error.raw_os_error().is_some_and(|errno| lasting.contains(&errno))
}

/// Whether an error says that this process, and not the server, has too little of something.
pub(crate) fn is_our_shortage(error: &io::Error) -> bool {
    let shortages = [libc::EMFILE, libc::ENFILE, libc::ENOMEM, libc::ENOBUFS];
    error.raw_os_error().is_some_and(|errno| shortages.contains(&errno))
}

/// Whether an exclusive lock was refused only because the file is open for reading, as NFS does.
pub(crate) fn needs_writer(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EBADF)
}
