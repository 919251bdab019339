//! Under the mutex: release what is still one's own.

use crate::files::{Content, Name};
use crate::process::At;
use crate::step::Step;

impl Step<'_> {
    /// Only one's own token allows an unlink: the lock may have been taken over meanwhile.
    pub(crate) fn read_token(&mut self) {
        let token = Content::By(self.me, self.process().turn);
        let mine = self.named(Name::Lock).is_some_and(|lock| self.world.files.inode(lock).content == token);
        self.go(if mine || !self.setup.token_checked { At::UnlinkLock } else { At::LeaveMutex });
    }

    pub(crate) fn unlink_lock(&mut self) {
        self.world.files.unlink(Name::Lock);
        self.go(At::LeaveMutex);
    }
}
