//! What is checked in one run: who takes part, by which rules, and what may go wrong.

/// A participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Our protocol.
    Ours(Mutex),
    /// Another tool: creates the lock with O_EXCL, unlinks it when done, never breaks one. It leaves the file empty.
    Empty,
    /// The same, and it writes its pid a moment after it made the file.
    Pid,
    /// A bad scheme: stale → unlink → create.
    UnlinkAndCreate,
    /// A bad scheme: stale → write the own token over it → read it back.
    WriteAndReadBack,
}

/// How the mutex is had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutex {
    /// flock on a marked file that is never unlinked.
    Kernel,
    /// O_EXCL, stale by mtime.
    Existence,
}

/// How a stale mutex by existence is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reap {
    /// Under a reclaim lock that nobody may break.
    Reclaim,
    /// Under a reclaim lock that is unlinked when it is old.
    ReclaimUnlinked,
    /// Under a reclaim lock that is replaced when it is old, and had after a pause if it is still one's own.
    ReclaimAwaited,
    /// By the name of its token, as a directory with one file in it allows: only the one that was judged can go. No reclaim lock.
    ByToken,
}

/// How a stale lock is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakeOver {
    /// Exchanged, verified, exchanged back if it was another.
    Exchange,
    /// Looked at once more, then renamed over.
    RenameOver,
    /// Looked at once more, unlinked, then taken.
    UnlinkAndCreate,
}

/// One run.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Who takes part, at most four.
    pub who: Vec<Who>,
    /// The host of each. Between hosts nothing tells that a process is dead, only age.
    pub hosts: Vec<u8>,
    /// How often each one wants the lock.
    pub turns: u8,
    /// How many processes may be killed.
    pub crashes: u8,
    /// A living owner may be slower than the threshold of the lock.
    pub slow_holders: bool,
    /// A living process may be frozen longer than the threshold of the mutex while it is in it.
    pub frozen_in_mutex: bool,
    /// A slow tool that was overtaken wakes up and unlinks what it takes for its own.
    pub overtaken_tools_wake: bool,
    /// How a stale mutex goes.
    pub reap: Reap,
    /// Those who use the mutex by existence leave a marked one alone.
    pub mark_respected: bool,
    /// The kernel mutex is touched by whoever gets it.
    pub mark_touched: bool,
    /// How a stale lock goes.
    pub take_over: TakeOver,
    /// A takeover that was cut off between its exchanges is finished by the next in the mutex.
    pub recovery: bool,
    /// What comes out when a lock is put back is looked at too.
    pub put_back_checked: bool,
    /// `L.new` has another name in each process.
    pub own_names: bool,
    /// A lock with the judge's own pid and a token that it does not hold counts as stale.
    pub stray_token_stale: bool,
    /// The token is checked before a release.
    pub token_checked: bool,
}

impl Setup {
    /// The protocol as it is built, for these participants on one host: one crash, two turns, nobody slow.
    pub fn new(who: &[Who]) -> Setup {
        Setup {
            who: who.to_vec(),
            hosts: vec![0; who.len()],
            turns: 2,
            crashes: 1,
            slow_holders: false,
            frozen_in_mutex: false,
            overtaken_tools_wake: false,
            reap: Reap::ByToken,
            mark_respected: true,
            mark_touched: false,
            take_over: TakeOver::Exchange,
            recovery: true,
            put_back_checked: true,
            own_names: false,
            stray_token_stale: false,
            token_checked: true,
        }
    }

    /// That many of ours, and nobody else.
    pub fn ours(processes: usize, mutex: Mutex) -> Setup {
        Setup::new(&vec![Who::Ours(mutex); processes])
    }

    /// Whether the death of one can be proven to the other.
    pub fn same_host(&self, one: u8, other: u8) -> bool {
        self.hosts[usize::from(one)] == self.hosts[usize::from(other)]
    }

    /// Whether a holder touches its file.
    pub fn refreshes(&self, process: u8) -> bool {
        matches!(self.who[usize::from(process)], Who::Ours(_))
    }

    /// Whether somebody uses the mutex by existence.
    pub fn has_existence_mutex(&self) -> bool {
        self.who.contains(&Who::Ours(Mutex::Existence))
    }
}
