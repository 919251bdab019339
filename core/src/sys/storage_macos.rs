//! macOS: what a directory lies on; no files without a name.

use std::fs::File;
use std::io;
use std::path::Path;

use super::FileSystem;

/// What a directory lies on.
pub(crate) fn file_system(dir: &Path) -> Option<FileSystem> {
    /// From `sys/mount.h`.
    const LOCAL: u32 = 0x1000;
    let facts = rustix::fs::statfs(dir).ok()?;
    let name: Vec<u8> = facts.f_fstypename.iter().map(|byte| byte.cast_unsigned()).take_while(|byte| *byte != 0).collect();
    Some(FileSystem { name: String::from_utf8_lossy(&name).into_owned(), network: facts.f_flags & LOCAL == 0 })
}

pub(crate) fn create_unnamed(_path: &Path) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(crate) fn give_name(_file: &File, _name: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
