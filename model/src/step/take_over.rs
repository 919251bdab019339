//! Under the mutex: exchange the stale lock for one's own, and make good what came out wrong.

use crate::files::Name;
use crate::process::{At, Purpose};
use crate::step::Step;

impl Step<'_> {
    /// A leftover `L.swap` is a takeover that was cut off: whoever made it no longer has the mutex. If `L.new` and the lock are one file it was
    /// exchanged, and what came out, which may be a lock that is still good, goes back to be judged like any other. Else nothing has happened.
    pub(crate) fn recover(&mut self) {
        if self.named(Name::Swap).is_none() {
            let first = self.first_inside();
            return self.go(first);
        }
        let lock = self.named(Name::Lock);
        let exchanged = lock.is_some() && lock == self.named(self.new_name());
        if exchanged {
            self.process().see(lock);
        }
        self.go(if exchanged { At::PutBack } else { At::DropSwap });
    }

    /// The finished file gets a second name, so that a successor can tell whether it was exchanged.
    pub(crate) fn link_swap(&mut self) {
        self.world.files.link(self.new_name(), Name::Swap);
        self.go(At::LookAgain);
    }

    pub(crate) fn exchange(&mut self) {
        if self.is_as_judged(Name::Lock) {
            self.displace(Name::Lock);
        }
        let done = self.world.files.exchange(self.aside(), Name::Lock);
        self.go(match (done, self.exchanges_aside()) {
            (true, _) => At::Verify,
            (false, true) => At::DropSwap,
            (false, false) => At::DropNew,
        });
    }

    /// What came out must be what was judged, untouched.
    pub(crate) fn verify(&mut self) {
        if self.is_as_judged(self.aside()) {
            self.win();
            self.go(if self.exchanges_aside() { At::DropSwap } else { At::DropNew });
        } else {
            let own = self.process().own;
            self.process().see(own);
            self.go(At::PutBack);
        }
    }

    /// Exchanged back. Should something else come out than what was put in last, the lock has changed hands meanwhile: once more. If there
    /// is no lock, then the owner of what came out has let go of it.
    pub(crate) fn put_back(&mut self) {
        let aside = self.aside();
        let put = self.named(aside);
        let done = self.world.files.exchange(aside, Name::Lock);
        if let Some(lock) = self.named(Name::Lock).filter(|_| done) {
            self.world.restored(lock);
        }
        if done && self.setup.put_back_checked && self.named(aside) != self.process().seen {
            return self.process().see(put);
        }
        self.go(if self.exchanges_aside() { At::DropSwap } else { At::DropNew });
    }

    pub(crate) fn drop_swap(&mut self) {
        self.world.files.unlink(Name::Swap);
        self.go(At::DropNew);
    }

    /// `L.new` goes last: with it the lock could be told from what came out. After a recovery, now to what the mutex was wanted for.
    pub(crate) fn drop_new(&mut self) {
        self.world.files.unlink(self.new_name());
        let process = self.process();
        let recovered = process.purpose == Purpose::Release || (process.own.is_none() && !process.holds);
        self.process().see(None);
        let first = self.first_inside();
        self.go(if recovered { first } else { At::LeaveMutex });
    }

    /// The same file, and its mtime has not changed.
    pub(crate) fn is_as_judged(&self, name: Name) -> bool {
        let me = self.world.process(self.me);
        self.named(name) == me.seen && !me.touched
    }
}
