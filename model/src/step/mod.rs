//! What a process does next: one system call, and what it makes of the answer.

mod existence_mutex;
mod kernel_mutex;
mod reclaim;
mod release;
mod take;
mod take_over;
mod tools;

use crate::files::{Ino, Name};
use crate::process::{At, Process, Purpose};
use crate::setup::{Mutex, Setup, TakeOver, Who};
use crate::world::World;

/// One process at its next step.
pub struct Step<'a> {
    pub(crate) setup: &'a Setup,
    pub(crate) world: &'a mut World,
    pub(crate) me: u8,
}

impl Step<'_> {
    /// Makes it. Where the process has to wait, nothing changes.
    pub fn make(&mut self) {
        match self.at() {
            At::Idle => self.begin(),
            At::Holding => self.let_go(),
            At::Done | At::Dead => {}

            At::OpenMutex => self.open_mutex(),
            At::FlockMutex => self.flock_mutex(),
            At::TouchMutex => self.touch_mutex(),
            At::CheckMutex => self.check_mutex(),

            At::MakeMutex => self.make_mutex(),
            At::LookAtMutex => self.look_at_mutex(),
            At::ReapMutex => self.reap_mutex(),
            At::MakeReclaim => self.make_reclaim(),
            At::LookAtReclaim => self.look_at_reclaim(),
            At::UnlinkReclaim => self.unlink_reclaim(),
            At::ReplaceReclaim => self.replace_reclaim(),
            At::WaitForReclaim => self.wait_for_reclaim(),
            At::CheckReclaim => self.check_reclaim(),
            At::LookAgainAtMutex => self.look_again_at_mutex(),
            At::DropReclaim => self.drop_reclaim(),

            At::Recover => self.recover(),
            At::Look => self.look(),
            At::ClearNew => self.clear_new(),
            At::MakeNew => self.make_new(),
            At::WriteNew => self.write_new(),
            At::Take => self.take(),

            At::LinkSwap => self.link_swap(),
            At::LookAgain => self.look_again(),
            At::Exchange => self.exchange(),
            At::Verify => self.verify(),
            At::PutBack => self.put_back(),
            At::RenameOver => self.rename_over(),
            At::UnlinkStale => self.unlink_stale(),
            At::DropSwap => self.drop_swap(),
            At::DropNew => self.drop_new(),

            At::ReadToken => self.read_token(),
            At::UnlinkLock => self.unlink_lock(),

            At::LeaveMutex => self.leave_mutex(),
            At::UnlinkMutex => self.unlink_mutex(),

            At::Make => self.tool_makes(),
            At::Write => self.tool_writes(),
            At::Judge => self.tool_judges(),
            At::Break => self.tool_breaks(),
            At::Overwrite => self.tool_overwrites(),
            At::ReadBack => self.tool_reads_back(),
            At::ReadOwn => self.tool_reads_own(),
            At::UnlinkOwn => self.tool_unlinks(),
        }
    }

    /// A turn begins.
    fn begin(&mut self) {
        self.process().purpose = Purpose::Acquire;
        match self.who() {
            Who::Ours(_) => self.want_mutex(),
            Who::Empty | Who::Pid => self.tool_makes(),
            Who::UnlinkAndCreate | Who::WriteAndReadBack => self.tool_judges(),
        }
    }

    /// The user is done: from here on this process no longer believes that it has the lock.
    fn let_go(&mut self) {
        if self.process().overtaken && !self.is_ours() && !self.setup.overtaken_tools_wake {
            return;
        }
        self.process().holds = false;
        self.process().purpose = Purpose::Release;
        match self.who() {
            Who::Ours(_) => self.want_mutex(),
            Who::Empty | Who::Pid => self.tool_unlinks(),
            Who::UnlinkAndCreate | Who::WriteAndReadBack => self.tool_reads_own(),
        }
    }

    /// The first call of a turn or of a release, on the way to the mutex.
    pub(crate) fn want_mutex(&mut self) {
        match self.who() {
            Who::Ours(Mutex::Kernel) => self.open_mutex(),
            _ => self.make_mutex(),
        }
    }

    /// The mutex is had.
    pub(crate) fn enter(&mut self) {
        let first = if self.exchanges_aside() { At::Recover } else { self.first_inside() };
        self.go(first);
    }

    /// What the mutex is wanted for.
    pub(crate) fn first_inside(&mut self) -> At {
        match self.process().purpose {
            Purpose::Acquire => At::Look,
            Purpose::Release => At::ReadToken,
        }
    }

    /// After the mutex: the user's work, the next turn, or one more try.
    pub(crate) fn outside(&mut self) {
        let process = self.process();
        let after_release = process.purpose == Purpose::Release;
        let next = if process.holds { At::Holding } else { At::Idle };
        process.mutex = None;
        process.see(None);
        if !process.holds {
            process.own = None;
        }
        if after_release {
            self.turn_is_over();
        } else {
            self.go(next);
        }
    }

    /// One turn more is had.
    pub(crate) fn turn_is_over(&mut self) {
        let turn = self.process().turn + 1;
        let at = if turn < self.setup.turns { At::Idle } else { At::Done };
        *self.process() = Process { at, turn, ..Process::NEW };
    }

    /// Whether takeovers go through `L.swap`.
    pub(crate) fn exchanges_aside(&self) -> bool {
        self.setup.recovery && self.setup.take_over == TakeOver::Exchange
    }

    /// The name that is exchanged with the lock.
    pub(crate) fn aside(&self) -> Name {
        if self.exchanges_aside() { Name::Swap } else { self.new_name() }
    }

    /// The name its new file has.
    pub(crate) fn new_name(&self) -> Name {
        if self.setup.own_names { Name::NewOf(self.me) } else { Name::New }
    }

    pub(crate) fn at(&self) -> At {
        self.world.process(self.me).at
    }

    pub(crate) fn go(&mut self, at: At) {
        self.process().at = at;
    }

    pub(crate) fn process(&mut self) -> &mut Process {
        &mut self.world.processes[usize::from(self.me)]
    }

    pub(crate) fn who(&self) -> Who {
        self.setup.who[usize::from(self.me)]
    }

    pub(crate) fn is_ours(&self) -> bool {
        matches!(self.who(), Who::Ours(_))
    }

    pub(crate) fn named(&self, name: Name) -> Option<Ino> {
        self.world.files.at(name)
    }

    /// Whether a file is stale in this process's eyes.
    pub(crate) fn is_stale(&self, ino: Ino) -> bool {
        self.world.is_stale(self.setup, self.me, ino)
    }

    pub(crate) fn is_old(&self, ino: Ino) -> bool {
        self.world.files.inode(ino).old
    }

    /// The lock is had: from here on this process believes so.
    pub(crate) fn win(&mut self) {
        self.process().holds = true;
        self.process().overtaken = false;
    }

    /// The file of that name is about to be removed from where its owner put it.
    pub(crate) fn displace(&mut self, name: Name) {
        if let Some(ino) = self.named(name) {
            self.world.displaced(self.setup, self.me, ino);
        }
    }
}
