//! The mutex by existence: O_EXCL, stale when its mtime is old.

use crate::files::{Content, Name};
use crate::process::{At, Purpose};
use crate::setup::{Mutex, Reap, Who};
use crate::step::Step;

impl Step<'_> {
    pub(crate) fn make_mutex(&mut self) {
        let content = Content::By(self.me, self.process().turn);
        match self.world.files.create(Name::Mutex, content, self.me) {
            Some(ino) => {
                self.process().mutex = Some(ino);
                self.enter();
            }
            None => self.go(At::LookAtMutex),
        }
    }

    /// Somebody has it, or has left it behind.
    pub(crate) fn look_at_mutex(&mut self) {
        let Some(ino) = self.named(Name::Mutex) else { return self.try_mutex_again() };
        if self.world.files.inode(ino).content == Content::Mark && (self.setup.mark_respected || self.may_flock()) {
            return self.give_way_to_mark();
        }
        if !self.is_old(ino) {
            return self.try_mutex_again();
        }
        self.process().see(Some(ino));
        self.go(if self.setup.reap == Reap::ByToken { At::ReapMutex } else { At::MakeReclaim });
    }

    /// Whoever can flock opens the marked file. Who cannot is told that the lock is unavailable; a release needs no mutex then, since nobody
    /// takes over from a living owner.
    fn give_way_to_mark(&mut self) {
        if self.may_flock() {
            self.go(At::OpenMutex);
        } else if self.process().purpose == Purpose::Release {
            self.go(At::ReadToken);
        } else {
            self.go(At::Done);
        }
    }

    /// The stale mutex goes. By its token nothing but the very file that was judged can go; by its name whatever is there goes.
    pub(crate) fn reap_mutex(&mut self) {
        let by_token = self.setup.reap == Reap::ByToken;
        if !by_token || self.named(Name::Mutex) == self.process().seen {
            self.world.files.unlink(Name::Mutex);
        }
        if by_token { self.try_mutex_again() } else { self.go(At::DropReclaim) }
    }

    pub(crate) fn try_mutex_again(&mut self) {
        self.process().see(None);
        self.go(if self.may_flock() { At::OpenMutex } else { At::MakeMutex });
    }

    /// Leaves either kind. One's own mutex by existence may have been reaped, and be another's now.
    pub(crate) fn leave_mutex(&mut self) {
        let mine = self.process().mutex;
        if self.may_flock() {
            self.world.files.unlock_all(self.me);
            self.outside();
        } else if self.named(Name::Mutex) != mine || mine.is_none() {
            self.outside();
        } else if self.setup.reap == Reap::ByToken {
            self.world.files.unlink(Name::Mutex);
            self.outside();
        } else {
            self.go(At::UnlinkMutex);
        }
    }

    pub(crate) fn unlink_mutex(&mut self) {
        self.world.files.unlink(Name::Mutex);
        self.outside();
    }

    fn may_flock(&self) -> bool {
        self.who() == Who::Ours(Mutex::Kernel)
    }
}
