//! What Linux and macOS do alike.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions};

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

/// What a directory on disk is, without following a link.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DirFacts {
    pub(crate) directory: bool,
    pub(crate) symlink: bool,
    pub(crate) owner: u32,
    pub(crate) ours: bool,
    /// Others than we may change what is in it.
    pub(crate) open_to_all: bool,
    /// Only we may look into it.
    pub(crate) private: bool,
}

pub(crate) fn inspect_dir(path: &Path) -> io::Result<DirFacts> {
    let meta = fs::symlink_metadata(path)?;
    Ok(DirFacts {
        directory: meta.is_dir(),
        symlink: meta.is_symlink(),
        owner: meta.uid(),
        ours: meta.uid() == user_id(),
        open_to_all: meta.mode() & 0o1002 == 0o002,
        private: meta.mode() & 0o077 == 0,
    })
}

/// Makes a directory that only we may enter, and its parents; makes an existing one private.
pub(crate) fn make_private_dir(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    if !inspect_dir(path)?.private {
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    }
    Ok(())
}

/// How [`open_private`] opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lookup {
    /// For reading; made when missing. Closing it wakes nobody who watches for writers.
    Read,
    /// For reading and writing; made when missing.
    Write,
    /// For appending; made when missing.
    Append,
    /// For reading, and an error when missing.
    Existing,
}

/// Opens a file of ours: mode 0600, close-on-exec, no link followed, never one of the numbers 0 to 2, which a caller
/// may have closed and which would then be written to as if they were its terminal.
pub(crate) fn open_private(path: &Path, how: Lookup) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.mode(0o600).custom_flags(libc::O_CLOEXEC | libc::O_NOFOLLOW | libc::O_NONBLOCK);
    match how {
        // std refuses `create` without `write`, so the flag is given as a custom one.
        Lookup::Read => options.read(true).custom_flags(libc::O_CLOEXEC | libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CREAT),
        Lookup::Write => options.read(true).write(true).create(true).truncate(false),
        Lookup::Append => options.append(true).create(true).custom_flags(libc::O_CLOEXEC | libc::O_NOFOLLOW),
        Lookup::Existing => options.read(true),
    };
    let file = options.open(path)?;
    if file.as_raw_fd() > 2 {
        return Ok(file);
    }
    Ok(File::from(rustix::io::fcntl_dupfd_cloexec(&file, 3)?))
}

/// Opens a log of the user's for appending. A pipe that nobody reads is an error and no wait.
pub(crate) fn open_log(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().append(true).create(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    rustix::fs::fcntl_setfl(&file, rustix::fs::OFlags::APPEND)?;
    Ok(file)
}

/// Whether `file` is still the file that `path` names.
pub(crate) fn same_file(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(open), Ok(named)) => (open.dev(), open.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

/// What tells a file from the one it replaced: its inode and the time of its last change.
pub(crate) fn stamp(path: &Path) -> Option<(u64, i64, i64)> {
    fs::symlink_metadata(path).ok().map(|meta| (meta.ino(), meta.mtime(), meta.mtime_nsec()))
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

/// The two signals that end a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    Terminate,
    Kill,
}

impl From<Signal> for rustix::process::Signal {
    fn from(signal: Signal) -> Self {
        match signal {
            Signal::Terminate => rustix::process::Signal::TERM,
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
                let status = status?;
                let signal = status.terminating_signal().map(|signal| Ending::Signal(signal_name(signal)));
                return signal.or(status.exit_status().map(Ending::Code));
            }
            Err(Errno::INTR) => {}
            Err(_) => return None,
        }
    }
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

/// Whether a file was opened for writing.
pub(crate) fn is_writable(file: &File) -> bool {
    rustix::fs::fcntl_getfl(file).is_ok_and(|flags| flags.contains(rustix::fs::OFlags::RDWR))
}
