//! One process: where it stands in its program, and what it holds in its hands.

use crate::files::Ino;

/// The next system call of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum At {
    /// Before a turn.
    Idle,
    /// It has the lock, and its user works.
    Holding,
    /// All turns are had.
    Done,
    /// Killed.
    Dead,

    // The mutex, by the kernel.
    /// Opens `L.mutex`, or makes the marked file where there is none.
    OpenMutex,
    /// `flock`, which waits.
    FlockMutex,
    /// Sets its mtime.
    TouchMutex,
    /// Is what is locked still the file of that name?
    CheckMutex,

    // The mutex, by existence.
    /// Creates `L.mutex` with O_EXCL.
    MakeMutex,
    /// It is there: how old is it?
    LookAtMutex,
    /// Creates `L.mutex.reclaim` with O_EXCL.
    MakeReclaim,
    /// It is there: how old is it?
    LookAtReclaim,
    /// Unlinks an old one.
    UnlinkReclaim,
    /// Renames one's own over an old one.
    ReplaceReclaim,
    /// Pauses.
    WaitForReclaim,
    /// Is it still one's own?
    CheckReclaim,
    /// Is the mutex still the one that was judged, and old?
    LookAgainAtMutex,
    /// Removes the mutex of somebody else.
    ReapMutex,
    /// Unlinks one's reclaim lock.
    DropReclaim,

    // Under the mutex: take and take over.
    /// Has a takeover been cut off?
    Recover,
    /// Free, stale or busy?
    Look,
    /// Unlinks a leftover `L.new`.
    ClearNew,
    /// Creates `L.new`, empty.
    MakeNew,
    /// Writes it.
    WriteNew,
    /// Renames `L.new` to `L` unless that exists.
    Take,
    /// Links `L.new` to `L.swap`.
    LinkSwap,
    /// Is the lock still the one that was judged?
    LookAgain,
    /// Exchanges it for one's own.
    Exchange,
    /// Is what came out the one that was judged?
    Verify,
    /// Exchanges back.
    PutBack,
    /// Instead of an exchange: renames `L.new` over the lock.
    RenameOver,
    /// Instead of an exchange: unlinks the lock.
    UnlinkStale,
    /// Unlinks `L.swap`.
    DropSwap,
    /// Unlinks `L.new`.
    DropNew,

    // Under the mutex: release.
    /// Is it still one's own?
    ReadToken,
    /// Unlinks the lock.
    UnlinkLock,

    // Leaving the mutex.
    /// Unlocks; by existence: is it still one's own?
    LeaveMutex,
    /// Unlinks one's mutex.
    UnlinkMutex,

    // Other tools.
    /// Creates the lock with O_EXCL, empty.
    Make,
    /// Writes into it.
    Write,
    /// Free, stale or busy?
    Judge,
    /// Unlinks whatever is there.
    Break,
    /// Writes one's token over what is there.
    Overwrite,
    /// Is it one's token?
    ReadBack,
    /// Is it still one's own?
    ReadOwn,
    /// Unlinks whatever is there.
    UnlinkOwn,
}

/// Why it wants the mutex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// To take the lock, or take it over.
    Acquire,
    /// To give it back.
    Release,
}

/// One process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Process {
    /// Its next step.
    pub at: At,
    /// How many turns it has had.
    pub turn: u8,
    /// What it is about.
    pub purpose: Purpose,
    /// It believes that it has the lock: from the call that made it so, to the moment its user lets go.
    pub holds: bool,
    /// Not known to the process: its file was older than the threshold when somebody moved it away, which time-based rules allow.
    pub overtaken: bool,
    /// The mutex it has open or made.
    pub mutex: Option<Ino>,
    /// The reclaim lock it made.
    pub reclaim: Option<Ino>,
    /// Its own lock file, held open.
    pub own: Option<Ino>,
    /// The file it judged, held open, so that its number is not used again.
    pub seen: Option<Ino>,
    /// The mtime of that file has changed since.
    pub touched: bool,
}

impl Process {
    /// Before everything.
    pub const NEW: Process = Process {
        at: At::Idle,
        turn: 0,
        purpose: Purpose::Acquire,
        holds: false,
        overtaken: false,
        mutex: None,
        reclaim: None,
        own: None,
        seen: None,
        touched: false,
    };

    /// Neither dead nor done.
    pub fn goes_on(&self) -> bool {
        !matches!(self.at, At::Dead | At::Done)
    }

    /// Nobody has to wait for it: it neither has the lock nor stands in a mutex.
    pub fn is_harmless(&self) -> bool {
        let rests = matches!(self.at, At::Idle | At::Dead | At::Done | At::OpenMutex | At::FlockMutex | At::MakeMutex | At::LookAtMutex);
        rests && self.purpose == Purpose::Acquire
    }

    /// It remembers a file that it judged.
    pub fn see(&mut self, file: Option<Ino>) {
        self.seen = file;
        self.touched = false;
    }

    /// Its descriptors, each of which keeps a file.
    pub fn descriptors(&mut self) -> impl Iterator<Item = &mut Ino> {
        [&mut self.mutex, &mut self.reclaim, &mut self.own, &mut self.seen].into_iter().flatten()
    }
}
