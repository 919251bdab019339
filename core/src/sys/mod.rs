//! What the operating system gives: the only home of `unsafe` and `cfg`.
//!
//! `unix` holds what every supported system does alike; `linux` and `macos` are twins that export the same
//! functions, in the same order, with the same names, even where one system finds the word odd.

mod argv;
mod child;
mod files;
mod journal;
mod limits;
mod local;
mod net;
mod on_fork;
mod ourselves;
mod per_process;
mod terminal;
mod unix;

#[cfg(target_os = "linux")]
mod listeners_linux;
#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod platform;
#[cfg(target_os = "macos")]
#[path = "macos.rs"]
mod platform;

#[cfg(target_os = "linux")]
#[path = "latch_linux.rs"]
mod latch_platform;
#[cfg(target_os = "macos")]
#[path = "latch_macos.rs"]
mod latch_platform;
#[cfg(target_os = "linux")]
#[path = "local_linux.rs"]
mod local_platform;
#[cfg(target_os = "macos")]
#[path = "local_macos.rs"]
mod local_platform;
#[cfg(target_os = "linux")]
#[path = "storage_linux.rs"]
mod storage_platform;
#[cfg(target_os = "macos")]
#[path = "storage_macos.rs"]
mod storage_platform;
#[cfg(target_os = "linux")]
#[path = "watch_linux.rs"]
mod watch_platform;
#[cfg(target_os = "macos")]
#[path = "watch_macos.rs"]
mod watch_platform;
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
compile_error!("spawnlock supports Linux and macOS; see GOTCHAS.md for what a port needs");

pub(crate) use child::{Detached, NotStarted, start_detached};
pub(crate) use files::{
    FileFacts, FileId, Lookup, again, create_new, exchange, facts_at, facts_of, inspect_dir, is_at, is_named, is_writable, link,
    make_private_dir, open_log, open_private, read_start, remove, remove_file, remove_if_there, rename_new, rename_over, same_file, stamp,
    touch, with_parent, write_start,
};
pub(crate) use journal::journal;
pub(crate) use latch_platform::Latch;
pub(crate) use limits::{descriptor_limit, may_write};
pub(crate) use local::{connect_datagram, listen_unix};
pub(crate) use local_platform::{peer_pid, pin};
pub(crate) use net::{connect_tcp, connect_unix, connected, is_no_such_family, listen_tcp, receive, reserve_tcp, send, unix_path_fits};
pub(crate) use on_fork::{CloseOnFork, close_on_fork};
pub(crate) use ourselves::{detach, ignore_signals, own_file, shed_code, take_passed, take_stdin, take_stdout};
pub(crate) use per_process::{PerProcess, own_pid};
pub(crate) use platform::{
    Bell, boot_id, data_dir, group_members, holders_of, listener_on, listener_uid, listens, pid_namespace, process, program_of,
    sees_own_pids, send_signal,
};
pub(crate) use storage_platform::{create_unnamed, file_system, give_name};
pub(crate) use terminal::columns;
pub(crate) use unix::{
    Ending, Interest, NO_SUCH_FILE, Polled, Signal, await_end, ended, exists, exit_watch, host_name, is_no_flock, is_no_program,
    is_our_shortage, is_unavailable, needs_writer, never_block, owner, poll, runnable, signal_group, user_id, user_name,
};
pub(crate) use watch_platform::Watch;

/// What the system knows about a process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Process {
    /// When it began, in the system's own unit: equal for the same process, different for a later one of the same pid.
    pub(crate) start_time: u64,
    /// Dead, but not yet collected by its parent.
    pub(crate) zombie: bool,
    pub(crate) group: u32,
}

/// What ended one wait for a [`Latch`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(target_os = "macos", expect(dead_code, reason = "no signal ends a wait there"))]
pub(crate) enum Latched {
    Set,
    Elapsed,
    Interrupted,
}

/// Who listens on a port.
#[derive(Clone, Debug)]
pub(crate) struct PortOwner {
    pub(crate) uid: u32,
    pub(crate) pid: Option<u32>,
}

/// What a directory lies on.
#[derive(Clone, Debug)]
pub(crate) struct FileSystem {
    pub(crate) name: String,
    /// Other machines may have it as well.
    pub(crate) network: bool,
}

/// What a [`Watch`] tells of.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(target_os = "macos", expect(dead_code, reason = "a watch that tells nothing reads no paths"))]
pub(crate) enum Wanted<'a> {
    /// A file was closed by one who could write to it.
    Closed(&'a std::path::Path),
    /// A file was renamed into this directory.
    Published(&'a std::path::Path),
    /// This name is gone from its directory.
    Removed(&'a std::path::Path),
    /// A file in this directory is gone, or was closed by one who could write to it.
    Left(&'a std::path::Path),
    /// A file was written to.
    Written(&'a std::path::Path),
}
