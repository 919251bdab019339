//! A directory: names, the files behind them, and the calls that change them. Each method is one system call, and atomic as the kernel
//! makes it.

use std::num::NonZeroU8;

/// The names in the lock's directory. What has a unique name and is seen by nobody else (a file being written before its rename) is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Name {
    /// `L`: held while it exists.
    Lock,
    /// `L.mutex`.
    Mutex,
    /// `L.mutex.reclaim`.
    Reclaim,
    /// `L.new`.
    New,
    /// The same, under a name that only this process uses.
    NewOf(u8),
    /// `L.swap`: a second name of a finished `L.new`, and of what came out of `L` for it.
    Swap,
}

/// How many names there are.
pub const NAMES: usize = 9;

/// What is written in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Content {
    /// Nothing, yet or for good.
    Empty,
    /// `spawnlock flock`: a mutex that only the kernel's lock decides on.
    Mark,
    /// A process and its token. The token is new in each turn.
    By(u8, u8),
    /// A process of this host that was dead before the story begins.
    Dead,
}

/// A file's number. It is used again only when neither a name nor a descriptor holds the file.
pub type Ino = NonZeroU8;

/// One file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Inode {
    /// What is written in it.
    pub content: Content,
    /// Who made it: nobody in the protocol may look at this.
    pub maker: Option<u8>,
    /// Its mtime is beyond the threshold.
    pub old: bool,
    /// Who has the kernel's lock on it.
    pub locked_by: Option<u8>,
}

/// How many files can be there at once, by a name or by a descriptor.
const INODES: usize = 10;

/// The directory.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Files {
    names: [Option<Ino>; NAMES],
    inodes: [Option<Inode>; INODES],
}

impl Files {
    /// The file of that name.
    pub fn at(&self, name: Name) -> Option<Ino> {
        self.names[place(name)]
    }

    /// How many names a file has.
    pub fn links(&self, ino: Ino) -> usize {
        self.names.iter().filter(|name| **name == Some(ino)).count()
    }

    /// What is known of a file.
    pub fn inode(&self, ino: Ino) -> Inode {
        self.inodes[slot(ino)].unwrap_or(GONE)
    }

    /// Writing to a file, touching it, locking it.
    pub fn change(&mut self, ino: Ino, change: impl FnOnce(&mut Inode)) {
        if let Some(inode) = &mut self.inodes[slot(ino)] {
            change(inode);
        }
    }

    /// `open(O_CREAT | O_EXCL)`: none when the name is taken.
    pub fn create(&mut self, name: Name, content: Content, maker: u8) -> Option<Ino> {
        match self.at(name) {
            Some(_) => None,
            None => self.replace(name, content, Some(maker)),
        }
    }

    /// A finished file is renamed to that name, whatever was there.
    pub fn replace(&mut self, name: Name, content: Content, maker: Option<u8>) -> Option<Ino> {
        let free = self.inodes.iter().position(Option::is_none)?;
        self.inodes[free] = Some(Inode { content, maker, old: false, locked_by: None });
        let ino = u8::try_from(free + 1).ok().and_then(Ino::new);
        self.names[place(name)] = ino;
        ino
    }

    /// `link`: a second name; false when the name is taken, or there is nothing to link.
    pub fn link(&mut self, from: Name, to: Name) -> bool {
        let possible = self.at(from).is_some() && self.at(to).is_none();
        if possible {
            self.names[place(to)] = self.at(from);
        }
        possible
    }

    /// `renameat2(RENAME_NOREPLACE)`.
    pub fn rename_new(&mut self, from: Name, to: Name) -> bool {
        self.link(from, to) && self.unlink(from)
    }

    /// `rename`. As the kernel has it: two names of one file stay as they are.
    pub fn rename_over(&mut self, from: Name, to: Name) -> bool {
        let possible = self.at(from).is_some();
        if possible && self.at(from) != self.at(to) {
            self.names[place(to)] = self.names[place(from)].take();
        }
        possible
    }

    /// `renameat2(RENAME_EXCHANGE)`: both must be there.
    pub fn exchange(&mut self, one: Name, other: Name) -> bool {
        let possible = self.at(one).is_some() && self.at(other).is_some();
        if possible {
            self.names.swap(place(one), place(other));
        }
        possible
    }

    /// `unlink`.
    pub fn unlink(&mut self, name: Name) -> bool {
        self.names[place(name)].take().is_some()
    }

    /// The kernel frees what a dead process had locked.
    pub fn unlock_all(&mut self, process: u8) {
        for inode in self.inodes.iter_mut().flatten().filter(|inode| inode.locked_by == Some(process)) {
            inode.locked_by = None;
        }
    }

    /// Drops files that nothing holds, and numbers the others in the order in which they are found, so that equal states look equal.
    pub fn settle<'a>(&'a mut self, descriptors: impl Iterator<Item = &'a mut Ino>) {
        let old = self.inodes;
        let mut numbers = [None; INODES];
        let mut found = 0;
        for ino in self.names.iter_mut().flatten().chain(descriptors) {
            let number = numbers[slot(*ino)].get_or_insert_with(|| {
                found += 1;
                Ino::MIN.saturating_add(found - 1)
            });
            *ino = *number;
        }
        self.inodes = [None; INODES];
        for (from, to) in numbers.iter().enumerate() {
            if let Some(to) = to {
                self.inodes[slot(*to)] = old[from];
            }
        }
    }
}

/// What a number without a file answers. No descriptor outlives its file, so nobody sees it.
const GONE: Inode = Inode { content: Content::Empty, maker: None, old: true, locked_by: None };

fn place(name: Name) -> usize {
    match name {
        Name::Lock => 0,
        Name::Mutex => 1,
        Name::Reclaim => 2,
        Name::Swap => 3,
        Name::New => 4,
        Name::NewOf(process) => 5 + usize::from(process),
    }
}

fn slot(ino: Ino) -> usize {
    usize::from(ino.get() - 1)
}
