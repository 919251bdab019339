//! Other tools: those that only create and unlink, and the bad schemes that break a lock without a mutex.

use crate::files::{Content, Name};
use crate::process::At;
use crate::setup::Who;
use crate::step::Step;

impl Step<'_> {
    /// `O_EXCL`. Whoever made the file has the lock, written or not.
    pub(crate) fn tool_makes(&mut self) {
        let Some(own) = self.world.files.create(Name::Lock, Content::Empty, self.me) else {
            return self.go(At::Idle);
        };
        self.process().own = Some(own);
        self.process().see(None);
        self.win();
        self.go(if self.who() == Who::Empty { At::Holding } else { At::Write });
    }

    pub(crate) fn tool_writes(&mut self) {
        let content = Content::By(self.me, self.process().turn);
        if let Some(own) = self.process().own {
            self.world.files.change(own, |inode| inode.content = content);
            self.world.touch(own);
        }
        self.go(At::Holding);
    }

    /// The bad schemes: free, stale or busy.
    pub(crate) fn tool_judges(&mut self) {
        let lock = self.named(Name::Lock);
        let stale = lock.is_some_and(|lock| self.is_stale(lock));
        self.go(match lock {
            None => At::Make,
            Some(_) if !stale => At::Idle,
            Some(_) if self.who() == Who::WriteAndReadBack => At::Overwrite,
            Some(_) => At::Break,
        });
    }

    /// Whatever is there by now.
    pub(crate) fn tool_breaks(&mut self) {
        self.displace(Name::Lock);
        self.world.files.unlink(Name::Lock);
        self.go(At::Make);
    }

    pub(crate) fn tool_overwrites(&mut self) {
        let content = Content::By(self.me, self.process().turn);
        let Some(lock) = self.named(Name::Lock) else { return self.go(At::Idle) };
        self.displace(Name::Lock);
        self.world.files.change(lock, |inode| inode.content = content);
        self.world.touch(lock);
        self.go(At::ReadBack);
    }

    pub(crate) fn tool_reads_back(&mut self) {
        if !self.lock_is_mine() {
            return self.go(At::Idle);
        }
        self.process().own = self.named(Name::Lock);
        self.win();
        self.go(At::Holding);
    }

    /// The bad schemes release with care; it does not help them.
    pub(crate) fn tool_reads_own(&mut self) {
        if self.lock_is_mine() { self.go(At::UnlinkOwn) } else { self.turn_is_over() }
    }

    pub(crate) fn tool_unlinks(&mut self) {
        self.world.files.unlink(Name::Lock);
        self.turn_is_over();
    }

    fn lock_is_mine(&mut self) -> bool {
        let token = Content::By(self.me, self.process().turn);
        self.named(Name::Lock).is_some_and(|lock| self.world.files.inode(lock).content == token)
    }
}
