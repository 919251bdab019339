//! Files and directories: how ours are opened, what they are, and the steps that happen whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, RenameFlags, Stat, Timestamps};
use rustix::io::{Errno, retry_on_intr};

use super::unix::user_id;

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

/// Makes a file, and the directories above it that are missing, for us alone; those that are there stay as they are.
pub(crate) fn with_parent<T>(path: &Path, make: impl Fn() -> io::Result<T>) -> io::Result<T> {
    match (make(), path.parent()) {
        (Err(error), Some(dir)) if error.kind() == io::ErrorKind::NotFound => {
            again(|| fs::DirBuilder::new().recursive(true).mode(0o700).create(dir))?;
            make()
        }
        (made, _) => made,
    }
}

/// A signal is no answer. The system's own file systems wait for the disk without one; those on a network or in another process do not.
pub(crate) fn again<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            answer => return answer,
        }
    }
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
    /// For reading and writing, and an error when missing.
    ExistingWrite,
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
        Lookup::ExistingWrite => options.read(true).write(true),
    };
    off_stdio(options.open(path)?)
}

pub(super) fn off_stdio(file: File) -> io::Result<File> {
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
    facts_of(file).is_ok_and(|facts| is_at(&facts, path))
}

/// Whether the file of these facts is the one that `path` names, as far as one can see.
pub(crate) fn is_at(facts: &FileFacts, path: &Path) -> bool {
    is_named(facts, path).is_ok_and(|named| named)
}

/// The same, for those who must not take "I cannot see" for "no".
pub(crate) fn is_named(facts: &FileFacts, path: &Path) -> io::Result<bool> {
    match facts_at(path) {
        Ok(named) => Ok(named.id == facts.id),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// What tells a file from the one it replaced: its inode and the time of its last change.
pub(crate) fn stamp(path: &Path) -> Option<(u64, i64, i64)> {
    fs::symlink_metadata(path).ok().map(|meta| (meta.ino(), meta.mtime(), meta.mtime_nsec()))
}

/// Whether a file was opened for writing.
pub(crate) fn is_writable(file: &File) -> bool {
    rustix::fs::fcntl_getfl(file).is_ok_and(|flags| flags.contains(rustix::fs::OFlags::RDWR))
}

/// Which file it is, by whatever name: its device and its number there.
pub(crate) type FileId = (u64, u64);

/// What a name in a directory, or an open file, is; no link is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileFacts {
    /// Device and inode: the same for the same file, whatever its name.
    pub(crate) id: FileId,
    pub(crate) directory: bool,
    pub(crate) socket: bool,
    pub(crate) size: u64,
    /// The time of its last change, in nanoseconds since 1970.
    pub(crate) changed_ns: i128,
    /// How many names it has.
    pub(crate) names: u64,
}

impl From<Stat> for FileFacts {
    #[allow(clippy::unnecessary_cast, reason = "the widths differ between systems")]
    fn from(stat: Stat) -> Self {
        FileFacts {
            id: (stat.st_dev as u64, stat.st_ino as u64),
            directory: FileType::from_raw_mode(stat.st_mode) == FileType::Directory,
            socket: FileType::from_raw_mode(stat.st_mode) == FileType::Socket,
            size: stat.st_size as u64,
            changed_ns: stat.st_mtime as i128 * 1_000_000_000 + stat.st_mtime_nsec as i128,
            names: stat.st_nlink as u64,
        }
    }
}

pub(crate) fn facts_of(file: &File) -> io::Result<FileFacts> {
    Ok(retry_on_intr(|| rustix::fs::fstat(file))?.into())
}

pub(crate) fn facts_at(path: &Path) -> io::Result<FileFacts> {
    Ok(retry_on_intr(|| rustix::fs::lstat(path))?.into())
}

/// Makes a file that was not there: an error, and nothing made, when it was.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create_new(true).mode(0o600).custom_flags(libc::O_CLOEXEC | libc::O_NOFOLLOW).open(path)?;
    off_stdio(file)
}

/// Gives a file a name that must be free, in one step.
pub(crate) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match retry_on_intr(|| rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            retry_on_intr(|| rustix::fs::linkat(CWD, from, CWD, to, AtFlags::empty()))?;
            // It has its new name: an old one that stays changes nothing.
            let _ = remove_file(from);
            Ok(())
        }
        renamed => Ok(renamed?),
    }
}

/// Gives a file a name that may be another's, which then has it no more.
pub(crate) fn rename_over(from: &Path, to: &Path) -> io::Result<()> {
    again(|| fs::rename(from, to))
}

pub(crate) fn remove_file(path: &Path) -> io::Result<()> {
    again(|| fs::remove_file(path))
}

/// Removes a file; `false` when there was none.
pub(crate) fn remove_if_there(path: &Path) -> io::Result<bool> {
    match remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        removed => removed.map(|()| true),
    }
}

/// Removes a file, or a directory that is empty.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    if facts_at(path)?.directory { again(|| fs::remove_dir(path)) } else { remove_file(path) }
}

/// Gives a file a second name.
pub(crate) fn link(file: &Path, name: &Path) -> io::Result<()> {
    Ok(retry_on_intr(|| rustix::fs::linkat(CWD, file, CWD, name, AtFlags::empty()))?)
}

/// Gives each of two files the other's name, in one step. `Unsupported` where the file system cannot.
pub(crate) fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    match retry_on_intr(|| rustix::fs::renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Err(io::ErrorKind::Unsupported.into()),
        exchanged => Ok(exchanged?),
    }
}

/// Sets the time of a file's last change to now.
pub(crate) fn touch(file: &File) -> io::Result<()> {
    let now = rustix::fs::Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_NOW };
    let times = Timestamps { last_access: now, last_modification: now };
    Ok(retry_on_intr(|| rustix::fs::futimens(file, &times))?)
}

/// Reads from the beginning of a file, wherever its descriptor stands.
pub(crate) fn read_start(file: &File, buffer: &mut [u8]) -> io::Result<usize> {
    Ok(retry_on_intr(|| rustix::io::pread(file, &mut *buffer, 0))?)
}

/// Writes at the beginning of a file, wherever its descriptor stands.
pub(crate) fn write_start(file: &File, text: &[u8]) -> io::Result<()> {
    retry_on_intr(|| rustix::io::pwrite(file, text, 0)).map(drop).map_err(io::Error::from)
}
