//! Linux: what a directory lies on, and files without a name.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};

use super::FileSystem;

/// The kinds of file system one meets, by the magic number of each, and whether other machines may have them as well.
const FILE_SYSTEMS: &[(u64, &str, bool)] = &[
    (0xef53, "ext", false),
    (0x5846_5342, "xfs", false),
    (0x9123_683e, "btrfs", false),
    (0x2fc1_2fc1, "zfs", false),
    (0xf2f5_2010, "f2fs", false),
    (0x0102_1994, "tmpfs", false),
    (0x794c_7630, "overlay", false),
    (0x6969, "nfs", true),
    (0xff53_4d42, "cifs", true),
    (0xfe53_4d42, "smb", true),
    (0x517b, "smb", true),
    (0x0102_1997, "9p", true),
    (0x6573_5546, "fuse", true),
    (0x00c3_6400, "ceph", true),
    (0x0bd0_0bd0, "lustre", true),
    (0x7461_636f, "ocfs2", true),
    (0x0116_1970, "gfs2", true),
    (0x5346_414f, "afs", true),
];

/// What a directory lies on.
#[allow(clippy::unnecessary_cast, reason = "the width differs between systems")]
pub(crate) fn file_system(dir: &Path) -> Option<FileSystem> {
    let magic = rustix::fs::statfs(dir).ok()?.f_type as u64 & 0xffff_ffff;
    Some(match FILE_SYSTEMS.iter().find(|(known, ..)| *known == magic) {
        Some((_, name, network)) => FileSystem { name: (*name).to_owned(), network: *network },
        None => FileSystem { name: format!("type {magic:#x}"), network: false },
    })
}

/// Makes a file without a name, in the directory in which `path` is to be one. Not every file system can.
pub(crate) fn create_unnamed(path: &Path) -> io::Result<File> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    super::files::off_stdio(retry_on_intr(|| rustix::fs::open(dir, flags, Mode::RUSR | Mode::WUSR))?.into())
}

/// Gives such a file a name that must be free.
pub(crate) fn give_name(file: &File, name: &Path) -> io::Result<()> {
    let by_descriptor = retry_on_intr(|| rustix::fs::linkat(file, "", CWD, name, AtFlags::EMPTY_PATH));
    match by_descriptor {
        // Before Linux 6.10 only root may.
        Err(Errno::NOENT) => {
            let ours = format!("/proc/self/fd/{}", file.as_raw_fd());
            retry_on_intr(|| rustix::fs::linkat(CWD, &ours, CWD, name, AtFlags::SYMLINK_FOLLOW))?;
        }
        named => named?,
    }
    Ok(())
}
