//! The reclaim lock: only its holder may reap the mutex. It can be left behind too.

use crate::files::{Content, Name};
use crate::process::{At, Process};
use crate::setup::Reap;
use crate::step::Step;

impl Step<'_> {
    pub(crate) fn make_reclaim(&mut self) {
        let content = Content::By(self.me, self.process().turn);
        match self.world.files.create(Name::Reclaim, content, self.me) {
            Some(ino) => {
                self.process().reclaim = Some(ino);
                self.go(At::LookAgainAtMutex);
            }
            None if self.setup.reap == Reap::Reclaim => self.try_mutex_again(),
            None => self.go(At::LookAtReclaim),
        }
    }

    /// It is another's, or left behind.
    pub(crate) fn look_at_reclaim(&mut self) {
        let old = self.named(Name::Reclaim).is_some_and(|ino| self.is_old(ino));
        match self.setup.reap {
            Reap::ReclaimUnlinked if old => self.go(At::UnlinkReclaim),
            Reap::ReclaimAwaited if old => self.go(At::ReplaceReclaim),
            _ => self.try_mutex_again(),
        }
    }

    pub(crate) fn unlink_reclaim(&mut self) {
        self.world.files.unlink(Name::Reclaim);
        self.go(At::MakeReclaim);
    }

    pub(crate) fn replace_reclaim(&mut self) {
        let content = Content::By(self.me, self.process().turn);
        self.process().reclaim = self.world.files.replace(Name::Reclaim, content, Some(self.me));
        self.go(At::WaitForReclaim);
    }

    /// A pause as long as the threshold: whoever judged the old one before it was replaced has replaced it too by then, or is frozen.
    pub(crate) fn wait_for_reclaim(&mut self) {
        let judges = |process: &Process| process.at == At::ReplaceReclaim;
        if self.setup.frozen_in_mutex || !self.world.processes.iter().any(judges) {
            self.go(At::CheckReclaim);
        }
    }

    /// The last one who replaced it has it.
    pub(crate) fn check_reclaim(&mut self) {
        if self.named(Name::Reclaim) == self.process().reclaim {
            self.go(At::LookAgainAtMutex);
        } else {
            self.process().reclaim = None;
            self.try_mutex_again();
        }
    }

    /// What was judged may be gone, and another be there.
    pub(crate) fn look_again_at_mutex(&mut self) {
        let judged = self.process().seen;
        let same = judged.is_some() && self.named(Name::Mutex) == judged;
        let still = same && judged.is_some_and(|ino| self.is_old(ino));
        self.go(if still { At::ReapMutex } else { At::DropReclaim });
    }

    pub(crate) fn drop_reclaim(&mut self) {
        self.world.files.unlink(Name::Reclaim);
        self.process().reclaim = None;
        self.try_mutex_again();
    }
}
