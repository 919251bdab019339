//! Linux: what a directory lies on.

use std::path::Path;

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
