//! Linux: eventfd, pidfd and /proc.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::EventfdFlags;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags};

use super::listeners_linux::listeners;
use super::{PortOwner, Process, Signal};

/// Something to wait for that another thread rings, once and for good.
#[derive(Debug)]
pub(crate) struct Bell(OwnedFd);

impl Bell {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Bell(rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?))
    }

    pub(crate) fn ring(&self) {
        // The only way to fail is a counter that is full, and then it rings already.
        let _ = rustix::io::write(&self.0, &1u64.to_ne_bytes());
    }

    pub(crate) fn rang(&self) -> bool {
        matches!(super::poll(&[], [Some(self), None], Duration::ZERO), Ok(super::Polled::Bell(_)))
    }

    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A text that differs after every boot.
pub(crate) fn boot_id() -> Option<String> {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").ok().map(|id| id.trim().to_owned())
}

/// The platform's own folder for state, under the home directory.
pub(crate) fn data_dir() -> Option<PathBuf> {
    dirs::state_dir()
}

/// The processes that hold the exclusive lock on `path`, by descent from the one that took it. Who merely has the file open,
/// a backup or another call of ours, is none of them. Only our own user's processes can be looked into.
pub(crate) fn holders_of(path: &Path) -> Vec<u32> {
    let Ok(wanted) = fs::metadata(path).map(|meta| (meta.dev(), meta.ino())) else {
        return Vec::new();
    };
    let is_wanted = |fd: &fs::DirEntry| fs::metadata(fd.path()).is_ok_and(|meta| (meta.dev(), meta.ino()) == wanted);
    let holds = |pid: &u32| {
        let fds = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        fds.filter(is_wanted).any(|fd| holds_lock(*pid, &fd.file_name()))
    };
    let own = std::process::id();
    numeric_entries("/proc").filter(|pid| *pid != own).filter(holds).collect()
}

/// Whether the lock belongs to this very descriptor: `lock: 1: FLOCK  ADVISORY  WRITE …` in its fdinfo.
fn holds_lock(pid: u32, fd: &OsStr) -> bool {
    let info = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("fdinfo").join(fd)).unwrap_or_default();
    info.lines().any(|line| line.starts_with("lock:") && line.contains("FLOCK") && line.contains("WRITE"))
}

fn numeric_entries(dir: &str) -> impl Iterator<Item = u32> {
    fs::read_dir(dir).into_iter().flatten().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The processes of a group.
pub(crate) fn group_members(group: u32) -> Vec<u32> {
    numeric_entries("/proc").filter(|pid| process(*pid).is_some_and(|process| process.group == group)).collect()
}

/// Who listens on a TCP port of this machine, from the kernel's tables.
pub(crate) fn listener_on(port: u16) -> Option<PortOwner> {
    let (uid, inode) = listener(port)?;
    Some(PortOwner { uid, pid: socket_owner(&inode) })
}

/// The user who listens on a TCP port of this machine.
pub(crate) fn listener_uid(port: u16) -> Option<u32> {
    listener(port).map(|(uid, _)| uid)
}

/// Whether one of these processes listens on a TCP port; `None` where the system does not tell.
pub(crate) fn listens(pids: &[u32], port: u16) -> Option<bool> {
    let links: Vec<String> = listeners(port).iter().map(|(_, inode)| socket_link(inode)).collect();
    if links.is_empty() {
        return None;
    }
    for pid in pids {
        let fds = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
        let is_one =
            |fd: fs::DirEntry| fs::read_link(fd.path()).is_ok_and(|target| links.iter().any(|link| target.as_os_str() == OsStr::new(link)));
        if fds.flatten().any(is_one) {
            return Some(true);
        }
    }
    Some(false)
}

fn listener(port: u16) -> Option<(u32, String)> {
    listeners(port).into_iter().next()
}

fn socket_link(inode: &str) -> String {
    format!("socket:[{inode}]")
}

fn socket_owner(inode: &str) -> Option<u32> {
    let link = socket_link(inode);
    let is_socket = |fd: fs::DirEntry| fs::read_link(fd.path()).is_ok_and(|target| target.as_os_str() == OsStr::new(&link));
    numeric_entries("/proc").find(|pid| fs::read_dir(format!("/proc/{pid}/fd")).is_ok_and(|fds| fds.flatten().any(is_socket)))
}

/// A text that names the pid namespace we live in: a pid means nothing in another.
pub(crate) fn pid_namespace() -> Option<String> {
    fs::read_link("/proc/self/ns/pid").ok().map(|link| link.to_string_lossy().into_owned())
}

/// Whether /proc speaks of the pids by which we know processes: in a pid namespace without a /proc of its own it speaks of others.
pub(crate) fn sees_own_pids() -> bool {
    fs::read_link("/proc/self").is_ok_and(|link| link.as_os_str() == OsStr::new(&std::process::id().to_string()))
}

/// What the system knows about `pid`; `None` when there is no such process.
pub(crate) fn process(pid: u32) -> Option<Process> {
    // The program's name, which need not be a text, is in parentheses and may itself contain some: fields are counted from the last one.
    let (mut file, mut line) = (fs::File::open(format!("/proc/{pid}/stat")).ok()?, [0; 1024]);
    let length = super::again(|| file.read(&mut line)).ok()?;
    let stat = String::from_utf8_lossy(&line[..length]);
    let fields: Vec<&str> = stat[stat.rfind(')')? + 1..].split_ascii_whitespace().collect();
    Some(Process {
        zombie: matches!(*fields.first()?, "Z" | "X"),
        group: fields.get(2)?.parse().ok()?,
        start_time: fields.get(19)?.parse().ok()?,
    })
}

/// What a process was run as, short: `node server.js`.
pub(crate) fn program_of(pid: u32) -> Option<String> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let mut words = line.split(|byte| *byte == 0).filter(|word| !word.is_empty()).map(base_name);
    let program = words.next()?;
    match words.next().filter(|word| !word.starts_with('-')) {
        Some(argument) => Some(format!("{program} {argument}")),
        None => Some(program),
    }
}

fn base_name(word: &[u8]) -> String {
    Path::new(OsStr::from_bytes(word)).file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Signals the process that had `start_time`, and no later one of the same pid: the pidfd pins it while we look.
pub(crate) fn send_signal(pid: u32, start_time: u64, signal: Signal) -> io::Result<()> {
    let Some(raw) = i32::try_from(pid).ok().filter(|pid| *pid > 1).and_then(Pid::from_raw) else {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    };
    let pinned = match rustix::process::pidfd_open(raw, PidfdFlags::empty()) {
        Ok(pinned) => Some(pinned),
        Err(Errno::SRCH) => return Ok(()),
        Err(_) => None,
    };
    if process(pid).is_none_or(|process| process.start_time != start_time) {
        return Ok(());
    }
    let sent = match pinned {
        Some(pinned) => rustix::process::pidfd_send_signal(pinned, signal.into()),
        None => rustix::process::kill_process(raw, signal.into()),
    };
    match sent {
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// A pipe that exec closes at both ends.
pub(super) fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?)
}

pub(super) fn exit_descriptor(pid: Pid) -> Option<OwnedFd> {
    rustix::process::pidfd_open(pid, PidfdFlags::empty()).ok()
}

/// Marks every descriptor from `first` on as closing with the next exec. Async-signal-safe.
pub(super) fn close_on_exec_from(first: libc::c_uint) {
    const CLOSE_RANGE_CLOEXEC: libc::c_uint = 4;
    // SAFETY: a system call on numbers of this process only; it touches no memory.
    if unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, CLOSE_RANGE_CLOEXEC) } != 0 {
        super::child::mark_each_close_on_exec(first);
    }
}
