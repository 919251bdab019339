//! Between fork and exec: what makes a child a detached server. Only async-signal-safe calls stand in `become_server`.

use std::ffi::{CString, OsStr};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};
use std::ptr;

use super::argv::{DIGITS, OwnPid, Words, c_string, decimal, variable};
use super::platform::{close_on_exec_from, pipe};

/// How long the child tries for the alive lock, which a look from elsewhere may hold for microseconds.
const ALIVE_TRIES: u32 = 400;
const ALIVE_PAUSE_NS: libc::c_long = 2_500_000;

/// The number of the first descriptor that is passed, by the custom of `LISTEN_FDS`.
const FIRST_PASSED: RawFd = 3;

/// What a detached child is to run.
pub(crate) struct Detached<'a> {
    pub(crate) program: &'a Path,
    pub(crate) cwd: &'a Path,
    pub(crate) argv: &'a [String],
    pub(crate) env: Vec<(std::ffi::OsString, std::ffi::OsString)>,
    pub(crate) umask: u32,
    /// The alive lock: taken by the child itself, so that its starter never holds it, and kept open over exec.
    pub(crate) alive: Option<&'a Path>,
    /// One end of a pair of sockets: when the other is closed, nobody wants the server any more.
    pub(crate) wanted_by: Option<BorrowedFd<'a>>,
    /// What it gets as 3, 4, …; with any, `LISTEN_PID` becomes its own pid.
    pub(crate) pass: Vec<OwnedFd>,
}

/// Why a child did not become a server.
#[derive(Debug)]
pub(crate) enum NotStarted {
    /// The command, or the system, refused.
    Refused(io::Error),
    /// Another server holds the alive lock of this place.
    AliveLockTaken,
    /// Who wanted it is gone.
    NotWanted,
}

impl From<io::Error> for NotStarted {
    fn from(error: io::Error) -> Self {
        NotStarted::Refused(error)
    }
}

impl From<rustix::io::Errno> for NotStarted {
    fn from(error: rustix::io::Errno) -> Self {
        NotStarted::Refused(error.into())
    }
}

/// Starts `command` as a leader of its own session, with default signals, with no descriptor but 0, 1, 2, what is
/// passed and the alive lock, running `what` by a plain `execve`: a script without a shebang is an error and not a job for `sh`.
///
/// What fails in the child is told on a pipe of ours. std's own way of telling ends in a panic where somebody else
/// collects children, as a host does that ignores SIGCHLD.
pub(crate) fn start_detached(mut command: Command, what: Detached<'_>) -> Result<Child, NotStarted> {
    let (told, tell) = pipe()?;
    // None of the numbers that become the child's stdio, or what is passed.
    let first_free = FIRST_PASSED + what.pass.len() as RawFd;
    let tell = moved_up(tell, first_free)?;
    let pass = what.pass.into_iter().map(|fd| moved_up(fd, first_free)).collect::<io::Result<Vec<_>>>()?;
    let wanted_by = what.wanted_by.map(|fd| moved_up(fd.try_clone_to_owned()?, first_free)).transpose()?;
    let own_pid = (!pass.is_empty()).then(OwnPid::new);
    let plan = ServerToBe {
        program: c_string(what.program.as_os_str())?,
        cwd: c_string(what.cwd.as_os_str())?,
        argv: Words::new(what.argv.iter().map(|word| c_string(OsStr::new(word))).collect::<io::Result<_>>()?),
        env: Words::new(what.env.iter().map(|(key, value)| variable(key, value)).collect::<io::Result<_>>()?).and(own_pid.as_ref()),
        umask: what.umask as libc::mode_t,
        alive: what.alive.map(|path| c_string(path.as_os_str())).transpose()?,
        wanted_by,
        pass,
        own_pid,
        tell,
    };
    // SAFETY: the closure runs in the forked child and makes system calls on memory laid out above, nothing else.
    unsafe { command.pre_exec(move || plan.become_server()) };
    let mut child = command.spawn()?;
    // With it goes our end of the pipe, so that reading ends when the child's is gone.
    drop(command);
    let mut word = [0u8; 5];
    let mut read = 0;
    while read < word.len() {
        match rustix::io::read(&told, &mut word[read..]) {
            Ok(0) => return Ok(child),
            Ok(some) => read += some,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let _ = child.wait();
    let [step, errno @ ..] = word;
    match step {
        ALIVE_LOCK_TAKEN => Err(NotStarted::AliveLockTaken),
        NOT_WANTED => Err(NotStarted::NotWanted),
        _ => Err(NotStarted::Refused(io::Error::from_raw_os_error(i32::from_ne_bytes(errno)))),
    }
}

/// The first byte of what a child tells; the errno follows.
const REFUSED: u8 = 1;
const ALIVE_LOCK_TAKEN: u8 = 2;
const NOT_WANTED: u8 = 3;

struct ServerToBe {
    program: CString,
    cwd: CString,
    argv: Words,
    env: Words,
    umask: libc::mode_t,
    alive: Option<CString>,
    wanted_by: Option<OwnedFd>,
    pass: Vec<OwnedFd>,
    own_pid: Option<OwnPid>,
    tell: OwnedFd,
}

impl ServerToBe {
    /// Becomes the server, or says why not and ends.
    fn become_server(&self) -> io::Result<()> {
        // SAFETY: each call is async-signal-safe and gets pointers into `self`, which outlives the call.
        unsafe {
            libc::setsid();
            libc::umask(self.umask);
            reset_signals();
            close_on_exec_from(3);
            if libc::chdir(self.cwd.as_ptr()) != 0 {
                self.give_up(REFUSED);
            }
            for (number, fd) in (FIRST_PASSED..).zip(&self.pass) {
                if libc::dup2(fd.as_raw_fd(), number) < 0 {
                    self.give_up(REFUSED);
                }
            }
            if let Some(own_pid) = &self.own_pid {
                own_pid.fill_in();
            }
            // After the others, so that it takes none of their numbers.
            if let Some(alive) = &self.alive {
                match hold_alive_lock(alive) {
                    Held::Yes => {}
                    Held::ByAnother => self.give_up(ALIVE_LOCK_TAKEN),
                    Held::Failed => self.give_up(REFUSED),
                }
            }
            // Under the alive lock: who takes over from one who dies after this finds the server, and who did before finds nothing.
            if self.wanted_by.as_ref().is_some_and(|fd| is_closed(fd)) {
                self.give_up(NOT_WANTED);
            }
            libc::execve(self.program.as_ptr(), self.argv.pointers.as_ptr(), self.env.pointers.as_ptr());
        }
        self.give_up(REFUSED)
    }

    fn give_up(&self, step: u8) -> ! {
        let errno = io::Error::last_os_error().raw_os_error().unwrap_or(0).to_ne_bytes();
        let word = [step, errno[0], errno[1], errno[2], errno[3]];
        // SAFETY: both are async-signal-safe, and the pointer and length describe `word`.
        unsafe {
            libc::write(self.tell.as_raw_fd(), word.as_ptr().cast(), word.len());
            libc::_exit(127)
        }
    }
}

/// Whether the other end of a pair of sockets is closed. It sends nothing.
unsafe fn is_closed(fd: &OwnedFd) -> bool {
    let mut end = libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: async-signal-safe, and the pointer leads to one value that lives through the call.
    unsafe { libc::poll(&mut end, 1, 0) > 0 }
}

/// What came of trying for the alive lock; `errno` tells more of a failure.
enum Held {
    Yes,
    ByAnother,
    Failed,
}

/// The same descriptor under a number from `least` up, so that nothing that is put below it meets it.
fn moved_up(fd: OwnedFd, least: RawFd) -> io::Result<OwnedFd> {
    if fd.as_raw_fd() >= least { Ok(fd) } else { Ok(rustix::io::fcntl_dupfd_cloexec(&fd, least)?) }
}

/// Gives every signal its default action and lets all of them through.
unsafe fn reset_signals() {
    // SAFETY: plain system calls; a number that is no signal, or one that cannot be set, is refused and left alone.
    unsafe {
        for number in 1..65 {
            libc::signal(number, libc::SIG_DFL);
        }
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &none, ptr::null_mut());
    }
}

/// Locks the file, writes our pid into it and leaves it open under a high number, out of the way of 3, 4, ….
/// Where the file system knows no such lock the server runs without: pid and start time stand in for it.
unsafe fn hold_alive_lock(path: &CString) -> Held {
    // SAFETY: system calls on a path that outlives them and on descriptors made here.
    unsafe {
        let fd = libc::open(path.as_ptr(), libc::O_RDWR | libc::O_CREAT | libc::O_CLOEXEC | libc::O_NOFOLLOW, 0o600 as libc::c_uint);
        if fd < 0 {
            return Held::Failed;
        }
        let mut tries = 0;
        while libc::flock(fd, libc::LOCK_EX | libc::LOCK_NB) != 0 {
            match io::Error::last_os_error().kind() {
                io::ErrorKind::Interrupted => {}
                io::ErrorKind::WouldBlock if tries < ALIVE_TRIES => {
                    tries += 1;
                    let pause = libc::timespec { tv_sec: 0, tv_nsec: ALIVE_PAUSE_NS };
                    libc::nanosleep(&pause, ptr::null_mut());
                }
                io::ErrorKind::WouldBlock => return Held::ByAnother,
                _ => return Held::Yes,
            }
        }
        write_pid(fd);
        libc::fcntl(fd, libc::F_DUPFD, high_number());
    }
    Held::Yes
}

/// Writes our pid, with an end of line.
unsafe fn write_pid(fd: libc::c_int) {
    let mut digits = [0u8; DIGITS];
    let digits = decimal(std::process::id(), &mut digits);
    // SAFETY: each pointer and length describe memory that outlives the call.
    unsafe {
        libc::ftruncate(fd, 0);
        libc::write(fd, digits.as_ptr().cast(), digits.len());
        libc::write(fd, b"\n".as_ptr().cast(), 1);
    }
}

/// A descriptor number near the top of what the process may have, and below what `select` can take.
unsafe fn high_number() -> libc::c_int {
    // SAFETY: `getrlimit` fills the value it is given.
    let soft = unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        if libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) != 0 {
            return 16;
        }
        limit.rlim_cur.min(1024) as libc::c_int
    };
    (soft - 24).max(soft / 2).max(3)
}

/// The slow way of `close_on_exec_from`, for systems without a call for it.
pub(super) fn mark_each_close_on_exec(first: libc::c_uint) {
    for fd in first..last_number() {
        // SAFETY: `fcntl` on a number that is no descriptor is refused and changes nothing.
        unsafe { libc::fcntl(fd as libc::c_int, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
}

/// The slow way of `close_all_from`.
pub(super) fn close_each_from(first: libc::c_uint) {
    for fd in first..last_number() {
        // SAFETY: its caller owns none of these; a number that is no descriptor is refused.
        unsafe { libc::close(fd as libc::c_int) };
    }
}

fn last_number() -> libc::c_uint {
    // SAFETY: it only answers.
    unsafe { libc::sysconf(libc::_SC_OPEN_MAX).clamp(256, 65_536) as libc::c_uint }
}
