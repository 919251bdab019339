//! One call of a user for a server: looking at it, and saying whose it is.

use std::sync::Arc;
use std::time::Duration;

use crate::attempt;
use crate::call::Call;
use crate::deadline::{self, Deadline};
use crate::environment;
use crate::error::Result;
use crate::fit::Fit;
use crate::inside::Inside;
use crate::life::{Known, Seen};
use crate::lock::{LockKind, SpawnLock, keep};
use crate::overheard::Overheard;
use crate::place::{Place, Stamp};
use crate::policy::Reuse;
use crate::probe::{Endpoint, Verdict};
use crate::record::{Phase, Record};
use crate::server::{Origin, Server};
use crate::spec::ServerSpec;
use crate::stop_when::StopWhen;
use crate::sys;
use crate::user::{self, User};

/// Under the lock the server gets at least this long to answer.
pub(crate) const SECOND_LOOK: Duration = Duration::from_millis(200);

/// One call of `ensure`, `kick` or `restart`.
pub(crate) struct Flow {
    pub(crate) call: Call,
    /// What was published before this call began, so that only news count.
    pub(crate) failure_before: Stamp,
    pub(crate) record_before: Stamp,
    /// What was heard meanwhile of a start by somebody else.
    pub(crate) overheard: Overheard,
    /// For a restart: the generation that is to be replaced by a later one.
    pub(crate) replaces: Option<u64>,
    /// This call's use of a server that is to be stopped with its last user.
    user: Option<Arc<User>>,
    _inside: Inside,
}

/// The generation that a request for a fresh server replaces, which is the one it saw; a start that is under way is new enough.
pub(crate) fn to_be_replaced(place: &Place, known: Option<&Known>) -> u64 {
    let coming = |record: &Record| {
        record.state == Phase::Starting && matches!(SpawnLock::holder_of(place.spawn_lock(), LockKind::Auto), Ok(Some(_)))
    };
    known.map_or(0, |known| known.record.generation.saturating_sub(u64::from(coming(&known.record))))
}

impl Flow {
    pub(crate) fn new(spec: ServerSpec) -> Result<Self> {
        let call = Call::new(spec.plan()?);
        let place = &call.plan.place;
        let Some(inside) = Inside::enter(place.dir().to_owned()) else {
            return Err(call.report().recursive());
        };
        let never = call.plan.policy.reuse == Reuse::Never;
        let replaces = never.then(|| to_be_replaced(place, Known::look(place, &call.plan.name).known().as_ref()));
        let (failure_before, record_before) = (Stamp::of(&place.failure()), Stamp::of(&place.record()));
        Ok(Flow { failure_before, record_before, overheard: Overheard::default(), replaces, user: None, _inside: inside, call })
    }

    /// Takes the lease of a call that asks for a server which is to be stopped with its last user: before it looks for the server,
    /// so that who decides to end it sees either this lease or nobody who was given the server.
    pub(crate) fn use_it(&mut self) {
        if self.call.plan.stop != StopWhen::Last {
            return;
        }
        match User::new(&self.call.plan.place, &self.call.plan.name) {
            Ok(user) => self.user = Some(Arc::new(user)),
            Err(error) => self.call.warn(format!("no lease can be had in {}: {error}", self.call.plan.place.leases().display())),
        }
    }

    /// Whether a server may be given to this call. One that is to be stopped with its last user stays for those who use it, and a call
    /// that wants it kept says so first, and then looks whether it was heard.
    pub(crate) fn is_given(&self, record: &Record) -> bool {
        if !record.ends_with_last() {
            return true;
        }
        let place = &self.call.plan.place;
        let wanted =
            if self.call.plan.stop == StopWhen::Last { user::see_to_watch(place, &record.name) } else { keep(place, record.generation) };
        if let Err(error) = wanted {
            self.call.warn(format!("\"{}\" may be stopped with its last user, or not at all: {error}", record.name));
        }
        self.call.plan.stop == StopWhen::Last || Record::read(place).ok().flatten().is_none_or(|now| now.state != Phase::Stopping)
    }

    /// The fast path: one question, no lock; and not even that while somebody is starting the server: then the starter is waited for.
    pub(crate) fn look(&mut self) -> Result<Option<Server>> {
        let early = Known::look(&self.call.plan.place, &self.call.plan.name).known();
        let within = environment::is_within(self.call.plan.place.dir());
        let is_ourselves = |known: Known| known.with_pid(&self.call.plan.place).record.pid == Some(std::process::id());
        if within && early.clone().is_some_and(is_ourselves) {
            return Err(self.call.report().recursive());
        }
        // One that comes or goes is in somebody's hands, who holds the lock.
        let is_on_its_way = |known: &Known| matches!(known.record.state, Phase::Starting | Phase::Stopping) && known.lives();
        if !within && early.as_ref().is_some_and(is_on_its_way) {
            return Ok(None);
        }
        let verdict = self.ask()?;
        match verdict {
            Verdict::Ready => return self.found_as(early),
            Verdict::Denied => return Err(self.call.report().denied()),
            _ if within => return Err(self.call.report().recursive()),
            _ => {}
        }
        let nothing_here = Stamp::of(&self.call.plan.place.spawn_lock()).is_missing();
        if self.call.plan.start.is_none() && nothing_here && verdict != Verdict::Starting {
            return Err(self.call.report().not_running());
        }
        Ok(None)
    }

    /// What somebody else runs is only asked: until it is ready, or plainly not there.
    pub(crate) fn look_elsewhere(&mut self, patient: bool) -> Result<Server> {
        let since = Deadline::after(deadline::LONG_ENOUGH);
        loop {
            match self.ask()? {
                Verdict::Ready => return Ok(self.server(None, Origin::Foreign)),
                Verdict::Denied => return Err(self.call.report().denied()),
                Verdict::Dead => return Err(self.call.report().not_running()),
                _ if !patient || self.call.plan.patience.deadline.expired() => return Err(self.call.report().never_ready()),
                _ => {}
            }
            let _ = self.call.plan.patience.pause(attempt::interval(since.elapsed()));
            self.call.check_cancelled()?;
        }
    }

    /// Where the port is chosen at the start, the record says where to ask, for as long as what it speaks of lives: at the
    /// port of a dead server somebody else may answer.
    fn find_port(&mut self) -> Result<()> {
        if !self.call.plan.chooses_port() {
            return Ok(());
        }
        let known = Known::living(&self.call.plan.place, &self.call.plan.name);
        self.call.plan.move_to(known.and_then(|known| known.record.port))
    }

    pub(crate) fn ask(&mut self) -> Result<Verdict> {
        self.find_port()?;
        let patience = self.call.plan.patience.clone();
        self.call.ask(&patience).map_err(|unasked| self.call.unasked(unasked))
    }

    /// Asks once more, with a little time even when the deadline is near.
    pub(crate) fn look_again(&mut self) -> Result<Verdict> {
        self.find_port()?;
        let patience = self.call.plan.patience.at_least(SECOND_LOOK);
        self.call.ask(&patience).map_err(|unasked| self.call.unasked(unasked))
    }

    /// The server answered as a healthy one: whose is it? `None` while its starter has not vouched for it.
    pub(crate) fn found(&mut self) -> Result<Option<Server>> {
        self.found_as(None)
    }

    /// The same, with what was known just before, unless that has changed since.
    fn found_as(&mut self, early: Option<Known>) -> Result<Option<Server>> {
        let unchanged = Stamp::of(&self.call.plan.place.record()) == self.record_before;
        let Some(known) =
            early.filter(|_| unchanged).map(|known| known.with_pid(&self.call.plan.place)).or_else(|| self.known()).filter(Known::lives)
        else {
            self.name_stranger();
            self.accept_foreign()?;
            return Ok(Some(self.server(None, Origin::Foreign)));
        };
        self.refuse_conflict(&known.record)?;
        if known.record.state != Phase::Ready {
            return Ok(None);
        }
        self.taken(&known.record, Origin::Reused)
    }

    /// What the place says; garbage is told, and counts as nothing.
    pub(crate) fn known(&self) -> Option<Known> {
        match Known::look(&self.call.plan.place, &self.call.plan.name) {
            Seen::Known(known) => Some(known.with_pid(&self.call.plan.place)),
            Seen::Nothing => None,
            Seen::Garbage(problem) => {
                self.call.warn(format!("{} makes no sense and will be replaced: {problem}", self.call.plan.place.record().display()));
                None
            }
        }
    }

    pub(crate) fn refuse_conflict(&self, record: &Record) -> Result<()> {
        if self.call.plan.chooses_port() {
            return Ok(());
        }
        let theirs = record.endpoint.as_deref().and_then(Endpoint::read);
        match (&self.call.plan.endpoint, theirs) {
            (Some(ours), Some(theirs)) if !ours.same_as(&theirs) => Err(self.call.report().conflict(record)),
            _ => Ok(()),
        }
    }

    /// A healthy server of another user on this machine is worth a word.
    fn name_stranger(&self) {
        let Some(port) = self.call.plan.endpoint.as_ref().and_then(Endpoint::loopback_port) else { return };
        let Some(uid) = sys::listener_uid(port).filter(|uid| *uid != sys::user_id()) else { return };
        let user = sys::user_name(uid).unwrap_or_else(|| uid.to_string());
        self.call.warn(format!("port {port} is served by user {user}, not by us"));
    }

    /// A server that somebody else has just started; `None` when it will not do.
    pub(crate) fn joined(&mut self, record: &Record) -> Result<Option<Server>> {
        self.refuse_conflict(record)?;
        // Told once, it is no news any more.
        self.record_before = Stamp::of(&self.call.plan.place.record());
        self.taken(record, Origin::Joined)
    }

    /// The server as the caller gets it, when it will do.
    fn taken(&self, record: &Record, origin: Origin) -> Result<Option<Server>> {
        match self.fit(record)? {
            Fit::AsItIs if self.is_given(record) => self.refuse_other_users().map(|()| Some(self.server(Some(record), origin))),
            Fit::AsItIs | Fit::Replace(_) => Ok(None),
        }
    }

    pub(crate) fn server(&self, record: Option<&Record>, origin: Origin) -> Server {
        let plan = &self.call.plan;
        // What is not declared the record may know.
        let known = record.and_then(|record| Endpoint::read(record.endpoint.as_deref()?));
        let endpoint = if plan.chooses_port() { known.or_else(|| plan.endpoint.clone()) } else { plan.endpoint.clone().or(known) };
        Server {
            name: plan.name.clone(),
            url: plan.elsewhere.as_ref().map(|(_, url)| url.clone()).or_else(|| endpoint.as_ref().map(ToString::to_string)),
            host: endpoint.as_ref().and_then(Endpoint::host).map(str::to_owned),
            port: endpoint.as_ref().and_then(Endpoint::port).or_else(|| self.call.last().and_then(|answer| answer.port)),
            pid: record.and_then(|record| record.pid),
            origin,
            generation: record.map(|record| record.generation),
            version: record.and_then(|record| record.version.clone()).or_else(|| self.call.last()?.version.clone()),
            started_at_ms: record.map(|record| record.started_at),
            ready_ms: record.and_then(|record| record.ready_ms),
            log_file: record.and_then(|record| record.log_file.clone()),
            log_offset: record.map_or(0, |record| record.log_offset),
            place: plan.place.dir().to_owned(),
            stop_timeout: plan.stop_timeout_asked,
            user: self.user.as_ref().map(User::until_the_end),
        }
    }
}
