//! What the system allows us.

use std::path::Path;

use rustix::fs::Access;
use rustix::process::Resource;

/// How many descriptors this process may have; `None` for as many as it likes.
pub(crate) fn descriptor_limit() -> Option<u64> {
    rustix::process::getrlimit(Resource::Nofile).current
}

/// Whether we may make files in a directory.
pub(crate) fn may_write(dir: &Path) -> bool {
    rustix::fs::access(dir, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}
