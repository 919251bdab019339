//! macOS: pipes for bells, libproc for processes, no kernel watch of a directory.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::io::{Errno, FdFlags};
use rustix::net::{AddressFamily, SocketType};
use rustix::process::Pid;

use super::{PortOwner, Process, Signal};

/// Something to wait for that another thread rings, once and for good.
#[derive(Debug)]
pub(crate) struct Bell {
    hear: OwnedFd,
    pull: OwnedFd,
}

impl Bell {
    pub(crate) fn new() -> io::Result<Self> {
        let (hear, pull) = pipe()?;
        for end in [&hear, &pull] {
            rustix::io::ioctl_fionbio(end, true)?;
        }
        Ok(Bell { hear, pull })
    }

    pub(crate) fn ring(&self) {
        // The only way to fail is a pipe that is full, and then it rings already.
        let _ = rustix::io::write(&self.pull, &[1]);
    }

    pub(crate) fn rang(&self) -> bool {
        matches!(super::poll(&[], [Some(self), None], Duration::ZERO), Ok(super::Polled::Bell(_)))
    }

    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.hear.as_fd()
    }
}

/// A text that differs after every boot.
pub(crate) fn boot_id() -> Option<String> {
    let mut buffer = [0u8; 64];
    let mut length = buffer.len();
    // SAFETY: the name is a C string, and the buffer is as long as `length` says.
    let code =
        unsafe { libc::sysctlbyname(c"kern.bootsessionuuid".as_ptr(), buffer.as_mut_ptr().cast(), &mut length, std::ptr::null_mut(), 0) };
    if code != 0 {
        return None;
    }
    let text = std::ffi::CStr::from_bytes_until_nul(&buffer).ok()?;
    text.to_str().ok().map(str::to_owned)
}

/// The platform's own folder for state, under the home directory.
pub(crate) fn data_dir() -> Option<PathBuf> {
    dirs::data_local_dir()
}

/// The processes that have `path` open: not told here, so the group and the main process must do.
pub(crate) fn holders_of(_path: &Path) -> Vec<u32> {
    Vec::new()
}

/// The processes of a group.
pub(crate) fn group_members(group: u32) -> Vec<u32> {
    /// From `sys/proc_info.h`; the libc crate leaves it out.
    const PROC_PGRP_ONLY: u32 = 2;
    let mut pids = vec![0i32; 1024];
    let bytes = i32::try_from(pids.len() * size_of::<i32>()).unwrap_or(i32::MAX);
    // SAFETY: the buffer is as long as the last argument says.
    let found = unsafe { libc::proc_listpids(PROC_PGRP_ONLY, group, pids.as_mut_ptr().cast(), bytes) };
    pids.truncate(usize::try_from(found).unwrap_or(0) / size_of::<i32>());
    pids.into_iter().filter_map(|pid| u32::try_from(pid).ok()).filter(|pid| *pid > 0).collect()
}

/// Who listens on a TCP port: not told here.
pub(crate) fn listener_on(_port: u16) -> Option<PortOwner> {
    None
}

/// The user who listens on a TCP port: not told here.
pub(crate) fn listener_uid(_port: u16) -> Option<u32> {
    None
}

/// Whether one of these processes listens on a TCP port: not told here.
pub(crate) fn listens(_pids: &[u32], _port: u16) -> Option<bool> {
    None
}

/// There are no pid namespaces here.
pub(crate) fn pid_namespace() -> Option<String> {
    None
}

/// Whether the system speaks of the pids by which we know processes: it has no others.
pub(crate) fn sees_own_pids() -> bool {
    true
}

/// What the system knows about `pid`; `None` when there is no such process.
pub(crate) fn process(pid: u32) -> Option<Process> {
    // SAFETY: an all-zero value is a valid one, and the call is told its size.
    let info = unsafe {
        let mut info: libc::proc_bsdinfo = std::mem::zeroed();
        let size = i32::try_from(size_of::<libc::proc_bsdinfo>()).ok()?;
        let read = libc::proc_pidinfo(i32::try_from(pid).ok()?, libc::PROC_PIDTBSDINFO, 0, (&raw mut info).cast(), size);
        if read != size {
            return None;
        }
        info
    };
    Some(Process {
        zombie: info.pbi_status == libc::SZOMB,
        group: info.pbi_pgid,
        start_time: info.pbi_start_tvsec * 1_000_000 + info.pbi_start_tvusec,
    })
}

/// What a process was run as, short: the name of its program.
pub(crate) fn program_of(pid: u32) -> Option<String> {
    let mut buffer = [0u8; 256];
    // SAFETY: the buffer is as long as the last argument says.
    let length = unsafe { libc::proc_name(i32::try_from(pid).ok()?, buffer.as_mut_ptr().cast(), buffer.len() as u32) };
    let name = buffer.get(..usize::try_from(length).ok()?)?;
    (!name.is_empty()).then(|| String::from_utf8_lossy(name).into_owned())
}

/// Signals the process that had `start_time`, and no later one of the same pid.
pub(crate) fn send_signal(pid: u32, start_time: u64, signal: Signal) -> io::Result<()> {
    let Some(raw) = i32::try_from(pid).ok().filter(|pid| *pid > 1).and_then(Pid::from_raw) else {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    };
    if process(pid).is_none_or(|process| process.start_time != start_time) {
        return Ok(());
    }
    match rustix::process::kill_process(raw, signal.into()) {
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// A pipe that exec closes at both ends.
pub(super) fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = rustix::pipe::pipe()?;
    for end in [&read, &write] {
        rustix::io::fcntl_setfd(end, FdFlags::CLOEXEC)?;
    }
    Ok((read, write))
}

pub(super) fn socket(family: AddressFamily, kind: SocketType) -> io::Result<OwnedFd> {
    let socket = rustix::net::socket(family, kind, None)?;
    rustix::io::fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&socket, true)?;
    rustix::net::sockopt::set_socket_nosigpipe(&socket, true)?;
    Ok(socket)
}

pub(super) fn exit_descriptor(_pid: Pid) -> Option<OwnedFd> {
    None
}

/// Marks every descriptor from `first` on as closing with the next exec. Async-signal-safe.
pub(super) fn close_on_exec_from(first: libc::c_uint) {
    super::child::mark_each_close_on_exec(first);
}
