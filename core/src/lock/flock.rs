//! The kernel lock: `flock` on a file that is never unlinked. Only the kernel's lock decides; what is written in it is for people.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::holder::Holder;
use crate::lock::content::{self, Owner};
use crate::lock::options::Signature;
use crate::lock::seat::Granted;
use crate::lock::{alive, kernel};
use crate::sys::{self, FileFacts, Lookup};

/// A holder's words are at most this long; what is longer was written by somebody else.
const LONGEST: u64 = 4096;
/// How often the file may lose its name under our eyes. On a file system that never tells the same of a file twice that is always.
const CHANGES_MOST: u32 = 100;

/// A kernel lock that is held. Released by an explicit unlock, by the process that took it, or by its death.
#[derive(Debug)]
pub(crate) struct KernelLock {
    /// First, since dropped first: a number must not be closed on a fork when it may be another's.
    on_fork: [Option<sys::CloseOnFork>; 2],
    /// Carries the lock. Waiters open for reading only, so that their closing wakes no other waiter.
    file: File,
    /// Opened for writing: its close is what wakes those who watch the file.
    scribe: Option<File>,
    holder: Option<Holder>,
    /// Whether somebody else had it when we wanted it.
    waited: bool,
}

/// What came of one try.
#[derive(Debug)]
pub(crate) enum Tried {
    Held(KernelLock, FileFacts),
    Busy(File),
    Unavailable(io::Error),
}

/// Opens the file of a lock; makes it, and its directory, where they are missing.
pub(crate) fn open(path: &Path, signature: Signature) -> io::Result<File> {
    let (existing, made) = match signature {
        Signature::Own => (Lookup::ExistingWrite, Lookup::Write),
        Signature::None | Signature::Apart => (Lookup::Existing, Lookup::Read),
    };
    match sys::open_private(path, existing) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => sys::with_parent(path, || sys::open_private(path, made)),
        // One that may only be read can be locked all the same.
        Err(error) if existing == Lookup::ExistingWrite && sys::is_unavailable(&error) => {
            sys::open_private(path, Lookup::Existing).map_err(|_| error)
        }
        opened => opened,
    }
}

/// Tries for the lock now. One that is held is still to be [signed](KernelLock::signed).
pub(crate) fn try_lock(file: File, path: &Path, signature: Signature) -> Tried {
    take(file, None, path, signature).unwrap_or_else(Tried::Unavailable)
}

/// The kernel gave us the lock of this file. One that is held is still to be signed.
pub(crate) fn granted(Granted { on_fork, file, waited }: Granted, path: &Path, signature: Signature) -> Tried {
    let tried = take(file, Some(on_fork), path, signature).unwrap_or_else(Tried::Unavailable);
    if let Tried::Held(lock, facts) = tried { Tried::Held(KernelLock { waited, ..lock }, facts) } else { tried }
}

/// Somebody may have removed the whole directory: a lock on a file without a name excludes nobody. One that is granted comes with its
/// registration, which goes before that file is closed, and after the lock has its own.
fn take(mut file: File, mut granted: Option<sys::CloseOnFork>, path: &Path, signature: Signature) -> io::Result<Tried> {
    for _ in 0..CHANGES_MOST {
        if granted.is_none() && !lock_now(&mut file, path)? {
            return Ok(Tried::Busy(file));
        }
        let facts = sys::facts_of(&file)?;
        if facts.names > 0 && (signature == Signature::None || sys::is_named(&facts, path)?) {
            return Ok(Tried::Held(KernelLock::new(file), facts));
        }
        granted = None;
        file = open(path, signature)?;
    }
    Err(io::ErrorKind::StaleNetworkFileHandle.into())
}

/// `false` while somebody else has it. NFS wants a writer for an exclusive lock.
fn lock_now(file: &mut File, path: &Path) -> io::Result<bool> {
    match kernel::try_lock(file) {
        Err(error) if sys::needs_writer(&error) && !sys::is_writable(file) => {
            *file = sys::open_private(path, Lookup::Write)?;
            kernel::try_lock(file)
        }
        answer => answer,
    }
}

impl KernelLock {
    fn new(file: File) -> Self {
        let on_fork = [Some(sys::close_on_fork(&file)), None];
        KernelLock { file, scribe: None, holder: None, on_fork, waited: false }
    }

    /// Writes down who holds it. A full disk makes the holder unknown, not the lock void.
    pub(crate) fn signed(mut self, path: &Path, signature: Signature, facts: &FileFacts) -> Self {
        if signature == Signature::None {
            return self;
        }
        let holder = Holder::ourselves();
        if signature == Signature::Own {
            let _ = write_holder(&self.file, &holder, facts.size);
        } else if let Ok(scribe) = sys::open_private(path, Lookup::ExistingWrite) {
            let _ = write_holder(&scribe, &holder, facts.size);
            self.on_fork[1] = Some(sys::close_on_fork(&scribe));
            self.scribe = Some(scribe);
        }
        self.holder = Some(holder);
        self
    }

    pub(crate) fn holder(&self) -> Holder {
        self.holder.clone().unwrap_or_else(Holder::this_process)
    }

    /// The locked file, which is no longer closed on a fork: it is to be handed to a child.
    pub(crate) fn into_file(self) -> File {
        self.file
    }

    pub(crate) fn waited(&self) -> bool {
        self.waited
    }

    /// Lets go: first of the lock, then of the descriptor whose close wakes the waiters. A forked child's copy lets go of
    /// nothing but its descriptors, and those the fork has closed already.
    pub(crate) fn release(self, in_child: bool) -> bool {
        let KernelLock { file, scribe, on_fork: [of_file, of_scribe], .. } = self;
        if !in_child {
            let _ = kernel::unlock(&file);
        }
        close(Some(file), of_file, in_child);
        close(scribe, of_scribe, in_child);
        !in_child
    }
}

/// Deregistered before it is closed: its number may be another's a moment later.
fn close(file: Option<File>, on_fork: Option<sys::CloseOnFork>, in_child: bool) {
    match (file, on_fork) {
        (Some(file), Some(on_fork)) if in_child => on_fork.forget(file),
        (file, on_fork) => {
            drop(on_fork);
            drop(file);
        }
    }
}

/// Whether somebody who lives holds the lock of this file: one that was killed a moment ago may have threads that hold it still.
pub(crate) fn is_held_by_living(path: &Path) -> bool {
    match sys::open_private(path, Lookup::Existing) {
        Ok(file) => alive::is_locked(&file) && holder_in(&file).is_none_or(|holder| content::owner(&holder) != Owner::Dead),
        Err(_) => alive::is_held(path),
    }
}

/// Who holds the lock of this file, as far as it was written down.
pub(crate) fn written_holder(path: &Path) -> Option<Holder> {
    holder_in(&sys::open_private(path, Lookup::Existing).ok()?)
}

fn holder_in(file: &File) -> Option<Holder> {
    let mut text = [0; content::LONGEST];
    let length = sys::read_start(file, &mut text).ok()?;
    serde_json::from_slice(&text[..length]).ok()
}

/// One write, whatever stood there: shorter words are filled up with blanks, which JSON does not mind, and spare the file system
/// a new length on every change of hands.
fn write_holder(file: &File, holder: &Holder, size: u64) -> io::Result<()> {
    let mut text = serde_json::to_vec(holder)?;
    if size > LONGEST {
        file.set_len(0)?;
    } else if (text.len() as u64) < size {
        text.resize(size as usize - 1, b' ');
    }
    text.push(b'\n');
    sys::write_start(file, &text)
}
