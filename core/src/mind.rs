//! The minder itself: what the native command does in that role. It waits in the kernel, and ends with the server.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::cancel::Patience;
use crate::deadline::{self, Deadline};
use crate::declared;
use crate::ended;
use crate::environment;
use crate::error::Result;
use crate::history;
use crate::last::{self, Unused};
use crate::launch::{Launch, Launched, launch};
use crate::life::{Known, next_generation};
use crate::lock::{LockKind, LockOptions, SpawnLock, sweep_leases};
use crate::log;
use crate::minder::{Line, Order, Post, Word};
use crate::notify::{Notified, NotifyDesk};
use crate::place::Place;
use crate::policy::OnLockUnavailable;
use crate::record::{FailedAttempt, Record};
use crate::server::Server;
use crate::spec::ServerSpec;
use crate::sys::{self, Interest, Wanted, Watch};

/// After something was told, so many more looks: the kernel tells of a closing before it frees the lock.
const SETTLE_TRIES: u32 = 6;
const SETTLE_FIRST: Duration = Duration::from_millis(1);
/// For so long it lets news come together, which also is about as long as the kernel takes to free a lock.
const GATHER: Duration = Duration::from_millis(1);
const GATHER_DOUBLINGS: u32 = 4;
/// How long a minder tries to take over from one that was killed.
const TAKE_OVER: Duration = Duration::from_secs(1);
/// How often the log is looked at while nothing happens.
const LOG_INTERVAL: Duration = Duration::from_secs(150);
/// How often one looks where the system tells of nothing, or where somebody else is at it.
const POLL: Duration = Duration::from_millis(250);

/// Does what is ordered on stdin, and gives the exit code; one that was run the quick way detaches itself first. For the native command only,
/// before it does anything else.
#[doc(hidden)]
pub fn mind(detach: bool) -> u8 {
    sys::ignore_signals();
    if detach {
        sys::detach();
    }
    let Ok(socket) = sys::take_stdin() else { return 2 };
    let line = Line::new(UnixStream::from(socket));
    match line.receive::<Order>() {
        Ok(Some(Order::Run { watch, argv, umask, has_alive_lock, passed, hears })) => {
            let mut pass = sys::take_passed(passed + usize::from(hears));
            let desk = if hears { pass.pop() } else { None };
            let Some(mut minder) = Minder::at(watch) else { return 2 };
            minder.desk = desk.and_then(|socket| NotifyDesk::shared_by(socket, &minder.place, minder.post.generation).ok());
            run(minder, line, &argv, umask, has_alive_lock, pass)
        }
        Ok(Some(Order::Watch(post))) => Minder::at(post).map_or(2, Minder::watch_alone),
        Ok(Some(Order::Get { record, state_dir, locked, lock_patience_ms, needs_lock })) => {
            let mut spec = declared::spec_of(&record, &state_dir);
            spec.lock_patience = lock_patience_ms.map(Duration::from_millis);
            spec.on_lock_unavailable = needs_lock.then_some(OnLockUnavailable::Fail);
            let lock = if locked { sys::take_stdout().ok().map(File::from) } else { None };
            u8::from(get(spec, lock).is_err())
        }
        Ok(None) | Err(_) => 2,
    }
}

/// Gets the server in the stead of somebody who hears nothing of it: also what forbids it from the outset is told to those who wait.
fn get(spec: ServerSpec, lock: Option<File>) -> Result<Server> {
    if let (Err(error), Some(_)) = (spec.clone().plan(), &lock)
        && let (Some(dir), Some(name)) = (&spec.state_dir, &spec.name)
        && let Ok(place) = Place::of(dir, name)
    {
        let generation = next_generation(&place, Record::read(&place).ok().flatten().as_ref());
        let _ = FailedAttempt::publish(&place, &deadline::unique(), generation, &error);
        history::failed(&place, generation, &error);
    }
    spec.ensure_holding(lock)
}

/// Runs the server and watches over it; who ordered it hears how it went, for as long as it listens.
fn run(mut minder: Minder, line: Line, argv: &[String], umask: u32, has_alive_lock: bool, pass: Vec<OwnedFd>) -> u8 {
    // Who ordered it may have given up, or is dead: another may be starting it by now.
    if line.is_closed() {
        return 0;
    }
    let alive = minder.place.alive_lock();
    let launched = launch(Launch {
        argv,
        cwd: &environment::current_dir().unwrap_or_else(|| "/".into()),
        env: environment::all(),
        umask,
        stdin: None,
        on_end: Box::new(|_| {}),
        pass,
        log: sys::take_stdout().ok().map(File::from),
        alive: has_alive_lock.then_some(alive.as_path()),
        wanted_by: Some(line.socket().as_fd()),
    });
    match launched {
        Ok(launched) => {
            // Before anybody can look whether somebody watches.
            minder.take_lock(Duration::ZERO);
            let _ = line.send(&Word::Started { pid: launched.pid });
            minder.server = Some(launched);
            minder.starter = Some(line);
            minder.watch()
        }
        Err(refused) => {
            let _ = line.send(&Word::from(refused));
            0
        }
    }
}

/// One that watches over one start of a server.
struct Minder {
    place: Place,
    post: Post,
    /// The server, where we are its parent. Kept to the end, so that it is not collected while its starter may signal it.
    server: Option<Launched>,
    /// Who had us start it, and whether it was told of the end.
    starter: Option<Line>,
    told: bool,
    /// Where the server says how it is, once its starter hears no more.
    desk: Option<NotifyDesk>,
    /// Tells others that somebody watches.
    lock: Option<SpawnLock>,
}

impl Minder {
    fn at(post: Post) -> Option<Self> {
        let place = Place::of(&post.state_dir, &post.name).ok()?;
        Some(Minder { place, post, server: None, starter: None, told: false, desk: None, lock: None })
    }

    /// Watches over a server that was started by another, unless somebody does already.
    fn watch_alone(mut self) -> u8 {
        self.take_lock(TAKE_OVER);
        if self.lock.is_none() {
            return 0;
        }
        if Notified::read(&self.place, self.post.generation).is_some() {
            self.desk = NotifyDesk::take_over(&self.place, self.post.generation).ok().flatten();
        }
        self.watch()
    }

    /// The minder of the start before may need a moment to go.
    fn take_lock(&mut self, within: Duration) {
        if self.lock.is_none() {
            let options = LockOptions::new().kind(LockKind::Flock).timeout(within);
            self.lock = SpawnLock::acquire(self.place.minder_lock(), &options).ok();
        }
    }

    /// Waits until the server is dead, or ends it once its last user is gone.
    fn watch(mut self) -> u8 {
        // One that comes late does not know what is wished of a later start.
        if Known::look(&self.place, &self.post.name).known().is_some_and(|known| known.record.generation == self.post.generation) {
            sweep_leases(&self.place, self.post.generation);
        }
        // What is not there cannot be watched.
        let _ = sys::make_private_dir(&self.place.leases());
        let watch = Watch::on(&[Wanted::Left(&self.place.leases()), Wanted::Closed(&self.place.alive_lock())]).ok();
        let mut alone = None;
        let mut tries_left = SETTLE_TRIES;
        let mut in_a_row = 0;
        while let Some(pause) = self.look(&mut alone) {
            let pause = if watch.is_none() { pause.min(POLL) } else { pause };
            let pause = if tries_left > 0 { pause.min(SETTLE_FIRST * 2u32.pow(SETTLE_TRIES - tries_left)) } else { pause };
            self.wait(watch.as_ref(), pause);
            let heard = watch.as_ref().is_some_and(Watch::heard);
            in_a_row = if heard { in_a_row + 1 } else { 0 };
            if heard {
                self.gather(in_a_row);
                // Whoever came meanwhile and is gone again has used it: it lingers anew.
                alone = None;
            }
            tries_left = if heard { SETTLE_TRIES } else { tries_left.saturating_sub(1) };
        }
        self.tell_end();
        ended::note_end(&self.place, self.post.generation, self.own_end().flatten().as_ref());
        self.await_starter();
        0
    }

    /// Looks after everything once, and says how long it may wait for the next time; `None` when there is nothing left to watch.
    fn look(&mut self, alone: &mut Option<Deadline>) -> Option<Duration> {
        self.tell_end();
        self.hear();
        self.take_lock(Duration::ZERO);
        let own_lives = self.own_end().is_none() && self.server.is_some();
        let known = Known::look(&self.place, &self.post.name).known().filter(|known| own_lives || known.lives())?;
        if known.record.generation != self.post.generation {
            return None;
        }
        if known.record.log_file == Some(self.place.log()) {
            log::trim(&self.place.log());
        }
        if last::is_wanted(&self.place, &known.record) {
            *alone = None;
            return Some(LOG_INTERVAL);
        }
        let lingers = alone.get_or_insert_with(|| Deadline::after(last::linger(&known.record)));
        if !lingers.expired() {
            return Some(lingers.remaining());
        }
        match last::end_unused(&self.place, &self.post.name, self.post.generation, &Patience::uncancelled().within(POLL)) {
            Unused::Over => None,
            Unused::Busy => Some(SETTLE_FIRST),
        }
    }

    fn wait(&self, watch: Option<&Watch>, pause: Duration) {
        let ears = match (&self.starter, &self.desk) {
            (Some(line), Some(_)) => Some((line.socket().as_fd(), Interest::Read)),
            (None, Some(desk)) => Some((desk.as_fd(), Interest::Read)),
            (_, None) => None,
        };
        let inputs: Vec<_> = watch.and_then(Watch::input).into_iter().chain(ears).collect();
        if pause > POLL {
            sys::shed_code();
        }
        let _ = self.until_own_end().wait(&inputs, pause);
    }

    fn until_own_end(&self) -> Patience {
        let patience = Patience::uncancelled();
        let own = self.server.as_ref().filter(|_| self.own_end().is_none());
        own.map_or(patience.clone(), |server| patience.until_rung(&server.death))
    }

    /// Users who come and go one after the other are one piece of news, the longer the more: who watches over a server is not to take
    /// its processor.
    fn gather(&self, in_a_row: u32) {
        let time = GATHER * 2u32.pow(in_a_row.saturating_sub(1).min(GATHER_DOUBLINGS));
        let _ = self.until_own_end().pause(time);
    }

    /// Hears what the server says, once its starter has let go of the line and so hears no more.
    fn hear(&mut self) {
        let Some(desk) = &mut self.desk else { return };
        if self.starter.as_ref().is_some_and(Line::is_closed) {
            self.starter = None;
            desk.catch_up(&self.place);
        }
        if self.starter.is_none() {
            let _ = desk.hear();
        }
    }

    /// How our own child ended, as far as that is known; `None` while it lives.
    fn own_end(&self) -> Option<Option<sys::Ending>> {
        self.server.as_ref().and_then(Launched::ended)
    }

    /// Tells the starter, once, that the main process has ended. What that started may go on.
    fn tell_end(&mut self) {
        let Some(ending) = self.own_end().filter(|_| !self.told) else { return };
        self.told = true;
        history::ended(&self.place, self.post.generation, ending.as_ref());
        if let Some(line) = &self.starter {
            let _ = line.send(&Word::of_end(ending.as_ref()));
        }
    }

    /// The pid is the starter's to signal until it lets go of the line.
    fn await_starter(&mut self) {
        let Some(line) = self.starter.take() else { return };
        let patience = Patience::uncancelled();
        let _ = patience.wait(&[(line.socket().as_fd(), Interest::Read)], patience.deadline.remaining());
    }
}
