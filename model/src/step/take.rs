//! Under the mutex: look at the lock, write `L.new`, take what is free.

use crate::files::{Content, Name};
use crate::process::At;
use crate::setup::TakeOver;
use crate::step::Step;

impl Step<'_> {
    /// Free, stale or busy.
    pub(crate) fn look(&mut self) {
        let lock = self.named(Name::Lock);
        if lock.is_some_and(|lock| !self.is_stale(lock)) {
            return self.go(At::LeaveMutex);
        }
        self.process().see(lock);
        self.go(At::ClearNew);
    }

    /// What a killed process left goes first.
    pub(crate) fn clear_new(&mut self) {
        if self.world.files.unlink(self.new_name()) {
            self.go(At::MakeNew);
        } else {
            self.make_new();
        }
    }

    /// Only a frozen holder of the mutex can find that somebody else made one: to it this is busy.
    pub(crate) fn make_new(&mut self) {
        match self.world.files.create(self.new_name(), Content::Empty, self.me) {
            Some(ino) => {
                self.process().own = Some(ino);
                self.go(At::WriteNew);
            }
            None => self.go(At::LeaveMutex),
        }
    }

    pub(crate) fn write_new(&mut self) {
        let content = Content::By(self.me, self.process().turn);
        if let Some(own) = self.process().own {
            self.world.files.change(own, |inode| inode.content = content);
        }
        let stale = self.process().seen.is_some();
        self.go(match (stale, self.exchanges_aside()) {
            (false, _) => At::Take,
            (true, true) => At::LinkSwap,
            (true, false) => At::LookAgain,
        });
    }

    /// `L.new` becomes the lock, unless somebody was quicker.
    pub(crate) fn take(&mut self) {
        if self.world.files.rename_new(self.new_name(), Name::Lock) {
            self.win();
            self.go(At::LeaveMutex);
        } else {
            self.go(At::DropNew);
        }
    }

    /// What was judged must still be there, untouched.
    pub(crate) fn look_again(&mut self) {
        if !self.is_as_judged(Name::Lock) {
            return self.go(if self.exchanges_aside() { At::DropSwap } else { At::DropNew });
        }
        self.go(match self.setup.take_over {
            TakeOver::Exchange => At::Exchange,
            TakeOver::RenameOver => At::RenameOver,
            TakeOver::UnlinkAndCreate => At::UnlinkStale,
        });
    }

    pub(crate) fn rename_over(&mut self) {
        self.displace(Name::Lock);
        if self.world.files.rename_over(self.new_name(), Name::Lock) {
            self.win();
        }
        self.go(At::LeaveMutex);
    }

    pub(crate) fn unlink_stale(&mut self) {
        self.displace(Name::Lock);
        self.world.files.unlink(Name::Lock);
        self.go(At::Take);
    }
}
