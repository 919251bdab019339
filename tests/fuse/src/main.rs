//! A flat file system in memory that is odd in the ways that its first argument names, mounted at its second:
//! `flock-lies`, `flock-enolck`, `flock-enosys`, `flock-eopnotsupp`, `no-rename-flags`; several with commas. See tests/root_locks.rs.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::time::{Duration, SystemTime};

use fuser::{
    FileAttr, FileType, Filesystem, KernelConfig, MountOption, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty, ReplyEntry,
    ReplyOpen, ReplyWrite, Request, TimeOrNow,
};

const ROOT: u64 = 1;
/// Nothing is kept by the kernel: what one process changes another sees at once.
const TTL: Duration = Duration::ZERO;
const FLOCK_LOCKS: u64 = 1 << 10;
const EXCHANGE: u32 = 2;
const NOREPLACE: u32 = 1;

/// How odd.
#[derive(Default)]
struct Ways {
    /// What a lock is answered; 0 is yes.
    flock: Option<i32>,
    no_rename_flags: bool,
}

struct Node {
    kind: FileType,
    data: Vec<u8>,
    changed: SystemTime,
    names: u32,
}

/// Files by number, and the names in the one directory. A file without names stays: whoever has it open may use it.
struct Odd {
    ways: Ways,
    nodes: BTreeMap<u64, Node>,
    names: BTreeMap<OsString, u64>,
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [words, place] = &args[..] else {
        eprintln!("odd-fs WAYS DIRECTORY");
        std::process::exit(2);
    };
    let mut ways = Ways::default();
    for word in words.split(',') {
        match word {
            "flock-lies" => ways.flock = Some(0),
            "flock-enolck" => ways.flock = Some(libc::ENOLCK),
            "flock-enosys" => ways.flock = Some(libc::ENOSYS),
            "flock-eopnotsupp" => ways.flock = Some(libc::EOPNOTSUPP),
            "no-rename-flags" => ways.no_rename_flags = true,
            other => panic!("no such way: {other}"),
        }
    }
    let odd = Odd { ways, nodes: BTreeMap::from([(ROOT, Node::new(FileType::Directory))]), names: BTreeMap::new() };
    if let Err(problem) = fuser::mount2(odd, place, &[MountOption::FSName("odd".into())]) {
        eprintln!("odd-fs: {problem}");
        std::process::exit(1);
    }
}

impl Node {
    fn new(kind: FileType) -> Self {
        Node { kind, data: Vec::new(), changed: SystemTime::now(), names: 1 }
    }

    fn attributes(&self, number: u64) -> FileAttr {
        FileAttr {
            ino: number,
            size: self.data.len() as u64,
            blocks: 1,
            atime: self.changed,
            mtime: self.changed,
            ctime: self.changed,
            crtime: self.changed,
            kind: self.kind,
            perm: if self.kind == FileType::Directory { 0o777 } else { 0o600 },
            nlink: self.names,
            uid: 0,
            gid: 0,
            rdev: 0,
            blksize: 4096,
            flags: 0,
        }
    }
}

impl Odd {
    fn make(&mut self, name: &OsStr, kind: FileType) -> Result<FileAttr, i32> {
        if self.names.contains_key(name) {
            return Err(libc::EEXIST);
        }
        let number = self.nodes.keys().next_back().copied().unwrap_or(ROOT) + 1;
        let node = Node::new(kind);
        let attributes = node.attributes(number);
        self.nodes.insert(number, node);
        self.names.insert(name.to_owned(), number);
        Ok(attributes)
    }

    fn named(&mut self, name: &OsStr) -> Result<(u64, &mut Node), i32> {
        let number = *self.names.get(name).ok_or(libc::ENOENT)?;
        self.nodes.get_mut(&number).map(|node| (number, node)).ok_or(libc::ENOENT)
    }

    fn remove(&mut self, name: &OsStr) -> Result<(), i32> {
        self.named(name)?.1.names -= 1;
        self.names.remove(name);
        Ok(())
    }

    fn rename(&mut self, from: &OsStr, to: &OsStr, flags: u32) -> Result<(), i32> {
        let (from_number, to_number) = (self.named(from)?.0, self.names.get(to).copied());
        match (flags, to_number) {
            (1.., _) if self.ways.no_rename_flags => return Err(libc::EINVAL),
            (NOREPLACE, Some(_)) => return Err(libc::EEXIST),
            (EXCHANGE, None) => return Err(libc::ENOENT),
            (EXCHANGE, Some(other)) => {
                self.names.insert(from.to_owned(), other);
            }
            (_, Some(_)) => {
                self.remove(to)?;
                self.names.remove(from);
            }
            (_, None) => {
                self.names.remove(from);
            }
        }
        self.names.insert(to.to_owned(), from_number);
        Ok(())
    }
}

fn entry(made: Result<FileAttr, i32>, reply: ReplyEntry) {
    match made {
        Ok(attributes) => reply.entry(&TTL, &attributes, 0),
        Err(errno) => reply.error(errno),
    }
}

fn empty(done: Result<(), i32>, reply: ReplyEmpty) {
    match done {
        Ok(()) => reply.ok(),
        Err(errno) => reply.error(errno),
    }
}

impl Filesystem for Odd {
    fn init(&mut self, _: &Request<'_>, config: &mut KernelConfig) -> Result<(), i32> {
        if self.ways.flock.is_some() {
            config.add_capabilities(FLOCK_LOCKS).map_err(|_| libc::ENOTSUP)?;
        }
        Ok(())
    }

    fn lookup(&mut self, _: &Request<'_>, _: u64, name: &OsStr, reply: ReplyEntry) {
        entry(self.named(name).map(|(number, node)| node.attributes(number)), reply);
    }

    fn getattr(&mut self, _: &Request<'_>, number: u64, _: Option<u64>, reply: ReplyAttr) {
        match self.nodes.get(&number) {
            Some(node) => reply.attr(&TTL, &node.attributes(number)),
            None => reply.error(libc::ENOENT),
        }
    }

    fn setattr(
        &mut self,
        _: &Request<'_>,
        number: u64,
        _: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        changed: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<u64>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<u32>,
        reply: ReplyAttr,
    ) {
        let Some(node) = self.nodes.get_mut(&number) else { return reply.error(libc::ENOENT) };
        if let Some(size) = size {
            node.data.resize(size as usize, 0);
            node.changed = SystemTime::now();
        }
        match changed {
            Some(TimeOrNow::SpecificTime(time)) => node.changed = time,
            Some(TimeOrNow::Now) => node.changed = SystemTime::now(),
            None => {}
        }
        reply.attr(&TTL, &node.attributes(number));
    }

    fn mkdir(&mut self, _: &Request<'_>, _: u64, name: &OsStr, _: u32, _: u32, reply: ReplyEntry) {
        entry(self.make(name, FileType::Directory), reply);
    }

    fn create(&mut self, _: &Request<'_>, _: u64, name: &OsStr, _: u32, _: u32, _: i32, reply: ReplyCreate) {
        match self.make(name, FileType::RegularFile) {
            Ok(attributes) => reply.created(&TTL, &attributes, 0, 0, 0),
            Err(errno) => reply.error(errno),
        }
    }

    fn link(&mut self, _: &Request<'_>, number: u64, _: u64, name: &OsStr, reply: ReplyEntry) {
        if self.names.contains_key(name) {
            return reply.error(libc::EEXIST);
        }
        let Some(node) = self.nodes.get_mut(&number) else { return reply.error(libc::ENOENT) };
        node.names += 1;
        self.names.insert(name.to_owned(), number);
        reply.entry(&TTL, &node.attributes(number), 0);
    }

    fn unlink(&mut self, _: &Request<'_>, _: u64, name: &OsStr, reply: ReplyEmpty) {
        empty(self.remove(name), reply);
    }

    fn rmdir(&mut self, _: &Request<'_>, _: u64, name: &OsStr, reply: ReplyEmpty) {
        empty(self.remove(name), reply);
    }

    fn rename(&mut self, _: &Request<'_>, _: u64, from: &OsStr, _: u64, to: &OsStr, flags: u32, reply: ReplyEmpty) {
        empty(Odd::rename(self, from, to, flags), reply);
    }

    fn open(&mut self, _: &Request<'_>, _: u64, _: i32, reply: ReplyOpen) {
        reply.opened(0, 0);
    }

    fn read(&mut self, _: &Request<'_>, number: u64, _: u64, from: i64, size: u32, _: i32, _: Option<u64>, reply: ReplyData) {
        let Some(node) = self.nodes.get(&number) else { return reply.error(libc::ENOENT) };
        let rest = node.data.get(from as usize..).unwrap_or_default();
        reply.data(&rest[..rest.len().min(size as usize)]);
    }

    fn write(&mut self, _: &Request<'_>, number: u64, _: u64, from: i64, text: &[u8], _: u32, _: i32, _: Option<u64>, reply: ReplyWrite) {
        let Some(node) = self.nodes.get_mut(&number) else { return reply.error(libc::ENOENT) };
        let end = from as usize + text.len();
        node.data.resize(node.data.len().max(end), 0);
        node.data[from as usize..end].copy_from_slice(text);
        node.changed = SystemTime::now();
        reply.written(text.len() as u32);
    }

    fn flush(&mut self, _: &Request<'_>, _: u64, _: u64, _: u64, reply: ReplyEmpty) {
        reply.ok();
    }

    fn readdir(&mut self, _: &Request<'_>, _: u64, _: u64, from: i64, mut reply: ReplyDirectory) {
        for (at, (name, number)) in self.names.iter().enumerate().skip(from as usize) {
            let kind = self.nodes.get(number).map_or(FileType::RegularFile, |node| node.kind);
            if reply.add(*number, at as i64 + 1, kind, name) {
                break;
            }
        }
        reply.ok();
    }

    fn setlk(&mut self, _: &Request<'_>, _: u64, _: u64, _: u64, _: u64, _: u64, _: i32, _: u32, _: bool, reply: ReplyEmpty) {
        match self.ways.flock {
            Some(0) | None => reply.ok(),
            Some(errno) => reply.error(errno),
        }
    }
}
