//! Ending a server: the polite signal to all of it, a grace, the other one. Only what is provably ours is signalled.

use std::os::fd::AsFd;
use std::time::Duration;

use crate::cancel::{Patience, Wake};
use crate::deadline::readable;
use crate::ended::{EndReason, Ended};
use crate::error::{Error, ErrorCode, Result};
use crate::history;
use crate::lock::AliveLock;
use crate::place::Place;
use crate::record::{Phase, Record};
use crate::sys::{self, Interest, Signal};

/// How long the system may take to end a process that was killed.
const AFTER_KILL: Duration = Duration::from_secs(5);
/// After this long what lives on is looked for and killed once more.
const LATE_FORKS: Duration = Duration::from_millis(250);
/// The bounds of the interval between looks; it is a fiftieth of the time waited in between.
const LOOK_LEAST: Duration = Duration::from_millis(1);
const LOOK_MOST: Duration = Duration::from_millis(20);

/// The processes of one server.
pub(crate) struct Ours<'a> {
    place: &'a Place,
    record: &'a Record,
    alive: AliveLock,
    /// The main process is our own child and not yet collected, so its pid and its group are pinned.
    pinned: bool,
    /// Each process with its start time: what was ours stays known by both.
    members: Vec<(u32, u64)>,
}

impl<'a> Ours<'a> {
    /// The processes that hold the alive lock, the main process when pid, start time and boot prove it, and its group
    /// when one of these is in it.
    pub(crate) fn of(place: &'a Place, record: &'a Record, pinned: bool) -> Self {
        let mut ours = Ours { place, record, alive: AliveLock::of(place), pinned, members: Vec::new() };
        ours.find();
        ours
    }

    fn find(&mut self) {
        let main = self.record.living_process().filter(|_| !self.pinned).into_iter();
        let holders = self.alive.holders();
        // Who holds the lock of a later start is none of these; its record was written before it held anything.
        let holders = if self.is_succeeded() { Vec::new() } else { holders };
        let mut found: Vec<u32> = main.chain(holders).collect();
        if let Some(group) = self.group(&found) {
            found.extend(sys::group_members(group));
        }
        for pid in found {
            let Some(process) = sys::process(pid).filter(|process| !process.zombie) else { continue };
            let member = (pid, process.start_time);
            if !self.members.contains(&member) {
                self.members.push(member);
            }
        }
    }

    /// The server's process group, when it is certainly still the server's: its leader is pinned, or one of ours is in it.
    fn group(&self, proven: &[u32]) -> Option<u32> {
        let group = self.record.pid.filter(|_| self.record.in_our_namespace())?;
        let is_in_it = |pid: &u32| sys::process(*pid).is_some_and(|process| process.group == group);
        (self.pinned || proven.iter().any(is_in_it)).then_some(group)
    }

    fn survivors(&self) -> bool {
        self.members.iter().any(is_same) || (self.alive.is_held() && !self.is_succeeded())
    }

    /// Whether a later start of the name has been made: by somebody who went on without the lock while we were frozen.
    fn is_succeeded(&self) -> bool {
        is_succeeded(self.place, self.record)
    }

    /// Whether a process is among them.
    pub(crate) fn includes(&self, pid: u32) -> bool {
        self.members.iter().any(|(member, _)| *member == pid)
    }

    fn signal(&mut self, signal: Signal) -> std::io::Result<()> {
        self.find();
        // A number that means another process by now proves nothing.
        let proven: Vec<u32> = self.members.iter().filter(|member| is_same(member)).map(|(pid, _)| *pid).collect();
        let group = self.group(&proven);
        if let Some(group) = group {
            sys::signal_group(group, signal)?;
        }
        for (pid, start) in &self.members {
            let in_group = sys::process(*pid).is_some_and(|process| Some(process.group) == group);
            if !in_group {
                sys::send_signal(*pid, *start, signal)?;
            }
        }
        Ok(())
    }

    /// Waits until nothing of it is left.
    fn await_gone(&self, patience: &Patience) -> std::io::Result<Gone> {
        let main = self.record.living_process().and_then(sys::exit_watch);
        loop {
            if !self.survivors() {
                return Ok(Gone::Yes);
            }
            let interval = (patience.deadline.elapsed() / 50).clamp(LOOK_LEAST, LOOK_MOST);
            let watched = main.as_ref().filter(|_| self.record.living_process().is_some());
            let inputs: Vec<_> = watched.iter().map(|fd| (fd.as_fd(), Interest::Read)).collect();
            match patience.wait(&inputs, interval)? {
                Wake::Cancelled => return Ok(Gone::Cancelled),
                _ if patience.deadline.expired() => return Ok(if self.survivors() { Gone::No } else { Gone::Yes }),
                _ => {}
            }
        }
    }

    /// Ends them all: the declared stop signal, at most `grace`, SIGKILL.
    ///
    /// # Errors
    /// `STOP` when the system refuses, or when something of it cannot be seen from here; `TIMEOUT` when the caller's
    /// deadline comes before the end of the grace; `CANCELLED`.
    pub(crate) fn end(mut self, grace: Duration, patience: &Patience) -> Result<()> {
        let fail = |this: &Self, why: String| Error::new(ErrorCode::Stop, format!("cannot stop server \"{}\": {why}", this.record.name));
        if self.members.is_empty() && self.alive.is_held() {
            return Err(fail(&self, "its processes cannot be seen from here".into())
                .hint("they belong to another user or another pid namespace: stop it there"));
        }
        // The second SIGKILL is for what was forked between the look and the first.
        let polite = Signal::from(self.record.stop_signal());
        for (signal, time) in [(polite, grace), (Signal::Kill, LATE_FORKS), (Signal::Kill, AFTER_KILL)] {
            if let Err(cause) = self.signal(signal) {
                return Err(fail(&self, "the system refuses the signal".into()).caused_by(cause));
            }
            match self.await_gone(&patience.within(time)) {
                Ok(Gone::Yes) => return self.sweep(),
                Ok(Gone::Cancelled) => {
                    return Err(Error::new(ErrorCode::Cancelled, format!("stopping server \"{}\" was cancelled", self.record.name)));
                }
                Ok(Gone::No) if patience.deadline.expired() => return Err(self.out_of_time(patience)),
                Ok(Gone::No) => {}
                Err(cause) => return Err(fail(&self, "waiting for its end failed".into()).caused_by(cause)),
            }
        }
        Err(fail(&self, format!("it lives on {} after SIGKILL", readable(AFTER_KILL))).with(|failure| failure.pid = self.record.pid))
    }

    fn out_of_time(&self, patience: &Patience) -> Error {
        let waited = readable(patience.deadline.elapsed());
        let summary = format!("server \"{}\" was told to stop, and has not ended after {waited} in all", self.record.name);
        Error::new(ErrorCode::Timeout, summary)
            .with(|failure| failure.pid = self.record.pid)
            .hint("wait longer with a longer timeout, or give it less time with a shorter stop timeout")
    }

    /// What is left of a group whose leader we pin was not seen by its descriptors; it goes with the leader.
    fn sweep(&self) -> Result<()> {
        let uncollected = |pid: &u32| self.pinned && sys::process(*pid).is_some_and(|process| process.zombie);
        if let Some(group) = self.record.pid.filter(uncollected) {
            let _ = sys::signal_group(group, Signal::Kill);
        }
        Ok(())
    }
}

/// Ends a server that lives, under the spawn lock. It is written down first, so that nobody is given a server that is about to go;
/// who came to it before that is seen by `wanted`, which is asked after, and leaves it as it was. `false` then.
///
/// # Errors
/// As [`Ours::end`]. What could not be signalled is left as it was; what was, is ended by whoever comes next.
pub(crate) fn end_server(
    place: &Place,
    record: &Record,
    reason: EndReason,
    grace: Duration,
    patience: &Patience,
    wanted: impl Fn() -> bool,
) -> Result<bool> {
    // A record that cannot be written is held against the alive lock anyway.
    let _ = note(place, record, Phase::Stopping);
    if wanted() {
        let _ = note(place, record, record.state);
        return Ok(false);
    }
    history::stopping(place, record.generation, reason.as_str());
    let ended = Ours::of(place, record, false).end(grace, patience);
    let _ = match &ended {
        Ok(()) => {
            history::ended(place, record.generation, None);
            let _ = Ended::note(place, record, reason, None);
            // Who stops it by hand knows what he does: what it died of before is forgotten.
            let crashes = if reason == EndReason::Stopped { Vec::new() } else { record.crashes.clone() };
            note(place, &Record { crashes, ..record.clone() }, Phase::Stopped)
        }
        Err(error) if error.code() == ErrorCode::Stop => note(place, record, record.state),
        Err(_) => Ok(()),
    };
    ended.map(|()| true)
}

/// Writes down how far it has come, unless a later start has been written down meanwhile.
fn note(place: &Place, record: &Record, state: Phase) -> std::io::Result<()> {
    if is_succeeded(place, record) { Ok(()) } else { record.in_state(state).write(place) }
}

fn is_succeeded(place: &Place, record: &Record) -> bool {
    Record::read(place).ok().flatten().is_some_and(|now| now.generation > record.generation)
}

/// Whether the pid still means the process that had this start time, and that one lives.
fn is_same((pid, start): &(u32, u64)) -> bool {
    sys::process(*pid).is_some_and(|process| process.start_time == *start && !process.zombie)
}

enum Gone {
    Yes,
    No,
    Cancelled,
}
