//! The mutex by the kernel: a marked file that is never unlinked, and flock on it.

use crate::files::{Content, Name};
use crate::process::At;
use crate::step::Step;

impl Step<'_> {
    /// Opens it; makes it first, finished and at once, where it is missing. One without the mark belongs to somebody who has it by existence.
    pub(crate) fn open_mutex(&mut self) {
        let Some(ino) = self.named(Name::Mutex) else {
            self.world.files.create(Name::Mutex, Content::Mark, self.me);
            return self.go(At::OpenMutex);
        };
        if self.world.files.inode(ino).content == Content::Mark {
            self.process().mutex = Some(ino);
            self.go(At::FlockMutex);
        } else {
            self.go(At::LookAtMutex);
        }
    }

    pub(crate) fn flock_mutex(&mut self) {
        let me = self.me;
        let Some(ino) = self.process().mutex else { return };
        if self.world.files.inode(ino).locked_by.is_none() {
            self.world.files.change(ino, |inode| inode.locked_by = Some(me));
            let touches = self.setup.mark_touched && self.setup.has_existence_mutex();
            self.go(if touches { At::TouchMutex } else { At::CheckMutex });
        }
    }

    /// To those who go by its age it looks as held as it is.
    pub(crate) fn touch_mutex(&mut self) {
        if let Some(ino) = self.process().mutex {
            self.world.touch(ino);
        }
        self.go(At::CheckMutex);
    }

    /// The file that is locked must still be the one of that name.
    pub(crate) fn check_mutex(&mut self) {
        if self.named(Name::Mutex) == self.process().mutex {
            self.enter();
        } else {
            self.world.files.unlock_all(self.me);
            self.process().mutex = None;
            self.go(At::OpenMutex);
        }
    }
}
