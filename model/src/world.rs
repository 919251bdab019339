//! The whole of one moment: the directory, the processes, and how many may still be killed.

use crate::files::{Content, Files, Ino, Name};
use crate::process::{At, Process};
use crate::setup::Setup;

/// At most so many processes.
pub const MOST: usize = 4;

/// One moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    /// The directory.
    pub files: Files,
    /// The processes; beyond those of the setup they are done.
    pub processes: [Process; MOST],
    /// How many may still be killed.
    pub crashes: u8,
}

/// What may happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// A process makes its next system call.
    Step(u8),
    /// A holder touches its lock file.
    Refresh(u8),
    /// SIGKILL.
    Crash(u8),
    /// The file of that name has not been touched for the threshold.
    Age(Name),
}

impl World {
    /// The beginning: the lock is free, or left behind by a dead process.
    pub fn start(setup: &Setup, stale: bool) -> World {
        let mut processes = [Process { at: At::Done, ..Process::NEW }; MOST];
        processes[..setup.who.len()].fill(Process::NEW);
        let mut files = Files::default();
        if stale {
            files.replace(Name::Lock, Content::Dead, None);
        }
        World { files, processes, crashes: setup.crashes }
    }

    /// One process.
    pub fn process(&self, number: u8) -> &Process {
        &self.processes[usize::from(number)]
    }

    /// How many processes hold the lock by right.
    pub fn holders(&self) -> usize {
        self.processes.iter().filter(|process| process.holds && !process.overtaken).count()
    }

    /// Everybody is done or dead.
    pub fn is_over(&self) -> bool {
        self.processes.iter().all(|process| !process.goes_on())
    }

    /// A file's mtime changes: whoever judged it can see that.
    pub fn touch(&mut self, ino: Ino) {
        self.files.change(ino, |inode| inode.old = false);
        for process in self.processes.iter_mut().filter(|process| process.seen == Some(ino)) {
            process.touched = true;
        }
    }

    /// A process is killed: its descriptors are closed and its locks freed. Its files stay.
    pub fn crash(&mut self, number: u8) {
        self.files.unlock_all(number);
        let turn = self.process(number).turn;
        self.processes[usize::from(number)] = Process { at: At::Dead, turn, ..Process::NEW };
        self.crashes -= 1;
    }

    /// Whether the file of that name can grow older than the threshold.
    pub fn can_age(&self, setup: &Setup, name: Name) -> bool {
        let Some(ino) = self.files.at(name) else { return false };
        let inode = self.files.inode(ino);
        let maker = inode.maker.map(|maker| self.process(maker));
        let allowed = match name {
            Name::Lock | Name::Swap => {
                let dead = maker.is_none_or(|maker| maker.at == At::Dead);
                self.is_judged_by_age(setup, inode.content) && (setup.slow_holders || dead)
            }
            Name::Mutex if inode.content == Content::Mark => {
                let looks_held = setup.mark_touched && inode.locked_by.is_some();
                setup.has_existence_mutex() && !looks_held
            }
            Name::Mutex => setup.frozen_in_mutex || maker.is_none_or(|maker| maker.mutex != Some(ino)),
            Name::Reclaim => setup.frozen_in_mutex || maker.is_none_or(|maker| maker.reclaim != Some(ino)),
            Name::New | Name::NewOf(_) => false,
        };
        allowed && !inode.old
    }

    /// Age counts only where somebody cannot look at the owner itself.
    fn is_judged_by_age(&self, setup: &Setup, content: Content) -> bool {
        match content {
            Content::Empty | Content::Mark => true,
            Content::By(owner, _) => setup.hosts.iter().any(|host| *host != setup.hosts[usize::from(owner)]),
            Content::Dead => false,
        }
    }

    /// What `judge` says of a lock file: stale, or busy.
    pub fn is_stale(&self, setup: &Setup, judge: u8, ino: Ino) -> bool {
        let inode = self.files.inode(ino);
        match inode.content {
            Content::Dead => true,
            Content::Empty | Content::Mark => inode.old,
            Content::By(owner, _) if owner == judge && setup.stray_token_stale => !self.process(owner).holds,
            Content::By(owner, _) if setup.same_host(owner, judge) => self.process(owner).at == At::Dead,
            Content::By(..) => inode.old,
        }
    }

    /// `by` moves or removes a lock file. If it is stale in the eyes of `by`, its owner was too slow, and has been overtaken by right.
    pub fn displaced(&mut self, setup: &Setup, by: u8, ino: Ino) {
        if self.is_stale(setup, by, ino) {
            self.owners_of(ino).for_each(|owner| owner.overtaken = true);
        }
    }

    /// The file of a holder is the lock again.
    pub fn restored(&mut self, ino: Ino) {
        self.owners_of(ino).for_each(|owner| owner.overtaken = false);
    }

    fn owners_of(&mut self, ino: Ino) -> impl Iterator<Item = &mut Process> {
        self.processes.iter_mut().filter(move |process| process.holds && process.own == Some(ino))
    }

    /// Equal moments look equal.
    pub fn settle(&mut self) {
        let World { files, processes, .. } = self;
        files.settle(processes.iter_mut().flat_map(Process::descriptors));
    }
}
