//! Cancellation, and the one way in which anything here waits.

use std::fmt;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use crate::deadline::{Deadline, LONG_ENOUGH};
use crate::sys::{self, Bell, Latch, Latched, PerProcess};

/// How often a [hook](Cancel::checked_by) is asked while nothing else wakes a wait.
const HOOK_INTERVAL: Duration = Duration::from_millis(50);
/// How often the flag is looked at when no descriptor for a bell is to be had.
const FLAG_INTERVAL: Duration = Duration::from_millis(20);

/// Ends the waits of a call from outside, from any thread and for good.
///
/// # Example
/// ```
/// let cancel = spawnlock::Cancel::new();
/// let from_elsewhere = cancel.clone();
/// from_elsewhere.cancel();
/// assert!(cancel.is_cancelled());
/// ```
#[derive(Clone, Default)]
pub struct Cancel(Arc<State>);

#[derive(Default)]
struct State {
    cancelled: AtomicBool,
    bell: OnceLock<Option<Bell>>,
    hook: Option<Hook>,
    /// What is to be done then, for those who do not wait themselves.
    then: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    /// Nobody can ask for it.
    never: bool,
}

/// What the host wants to be asked, and when it was asked last.
struct Hook {
    ask: Box<dyn Fn() -> bool + Send + Sync>,
    clock: Deadline,
    asked_ms: AtomicU64,
}

impl Hook {
    fn new(ask: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Hook { ask: Box::new(ask), clock: Deadline::after(LONG_ENOUGH), asked_ms: AtomicU64::new(0) }
    }

    fn now_ms(&self) -> u64 {
        self.clock.elapsed().as_millis() as u64
    }

    fn is_due(&self) -> bool {
        self.now_ms().saturating_sub(self.asked_ms.load(Ordering::Relaxed)) >= HOOK_INTERVAL.as_millis() as u64
    }

    fn ask(&self) -> bool {
        self.asked_ms.store(self.now_ms(), Ordering::Relaxed);
        (self.ask)()
    }
}

impl Cancel {
    /// A cancellation that nobody has asked for yet.
    pub fn new() -> Self {
        Cancel::default()
    }

    /// One that also asks `hook`, on the waiting thread: at once when a signal interrupts a wait,
    /// else every 50 ms. `true` cancels. Meant for hosts that must look at signals themselves.
    ///
    /// # Platform behavior
    /// On macOS no signal interrupts the wait for a kernel lock: it is seen within 50 ms, and so is, on every system, that somebody
    /// else called [`cancel`](Cancel::cancel) meanwhile.
    pub fn checked_by(hook: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Cancel(Arc::new(State { hook: Some(Hook::new(hook)), ..State::default() }))
    }

    /// For calls that nobody can cancel: it costs no descriptor.
    pub(crate) fn never() -> Self {
        static NEVER: PerProcess<Cancel> = PerProcess::new(|| Cancel(Arc::new(State { never: true, ..State::default() })));
        NEVER.get().clone()
    }

    /// Cancels every wait that uses this or a clone of it.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::SeqCst);
        if let Some(Some(bell)) = self.0.bell.get() {
            bell.ring();
        }
        self.call();
    }

    /// Has something done when it is cancelled, instead of what was to be done before; at once if it is.
    pub(crate) fn when_cancelled(&self, then: impl FnOnce() + Send + 'static) {
        *self.then() = Some(Box::new(then));
        if self.is_cancelled() {
            self.call();
        }
    }

    fn call(&self) {
        let then = self.then().take();
        if let Some(then) = then {
            then();
        }
    }

    fn then(&self) -> MutexGuard<'_, Option<Box<dyn FnOnce() + Send>>> {
        self.0.then.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it was asked for.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::SeqCst)
    }

    /// The bell that `cancel` rings; `None` when the process has no descriptor left for it.
    fn bell(&self) -> Option<&Bell> {
        if self.0.never {
            return None;
        }
        self.0.bell.get_or_init(|| Bell::new().ok()).as_ref()
    }

    fn ask_hook(&self) {
        if self.0.hook.as_ref().is_some_and(Hook::ask) {
            self.cancel();
        }
    }

    /// For waits so short that none of them lasts until the hook's turn: a signal that came between two of them is seen all the same.
    fn ask_hook_if_due(&self) {
        if self.0.hook.as_ref().is_some_and(Hook::is_due) {
            self.ask_hook();
        }
    }

    /// The longest slice a wait may sleep without looking at us again.
    fn slice(&self) -> Option<Duration> {
        match &self.0.hook {
            Some(_) => Some(HOOK_INTERVAL),
            None if self.0.never || self.bell().is_some() => None,
            None => Some(FLAG_INTERVAL),
        }
    }
}

impl fmt::Debug for Cancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cancel").field(&self.is_cancelled()).finish()
    }
}

/// What ended a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    /// One of the descriptors waited for is ready.
    Input,
    /// The time asked for, or the deadline, has passed.
    Elapsed,
    /// The bell rang: the process waited for is dead.
    Rung,
    /// The caller cancelled.
    Cancelled,
}

/// Until when, and until whose word, a step may wait. Every wait of this crate goes through one.
#[derive(Clone, Debug)]
pub(crate) struct Patience {
    pub(crate) deadline: Deadline,
    pub(crate) cancel: Cancel,
    bell: Option<Arc<Bell>>,
}

impl Patience {
    pub(crate) fn new(deadline: Deadline, cancel: Cancel) -> Self {
        Patience { deadline, cancel, bell: None }
    }

    /// The same, also ended by `bell`.
    pub(crate) fn until_rung(&self, bell: &Arc<Bell>) -> Self {
        Patience { bell: Some(Arc::clone(bell)), ..self.clone() }
    }

    /// The same, ending after `limit` at the latest.
    pub(crate) fn within(&self, limit: Duration) -> Self {
        Patience { deadline: self.deadline.sooner(limit), ..self.clone() }
    }

    /// The same, with `grace` after the deadline.
    pub(crate) fn beyond(&self, grace: Duration) -> Self {
        Patience { deadline: self.deadline.later(grace), ..self.clone() }
    }

    /// The same, ending no sooner than `least` from now.
    pub(crate) fn at_least(&self, least: Duration) -> Self {
        if self.deadline.remaining() < least { self.afresh(least) } else { self.clone() }
    }

    /// The same cancellation, with `limit` from now.
    pub(crate) fn afresh(&self, limit: Duration) -> Self {
        Patience { deadline: Deadline::after(limit), ..self.clone() }
    }

    /// For what must be done even after a cancellation: cleaning up, with deadlines of its own.
    pub(crate) fn uncancelled() -> Self {
        Patience::new(Deadline::after(LONG_ENOUGH), Cancel::never())
    }

    /// Whether a wait needs no bell: nobody else ends it, or a hook that is asked now and then.
    pub(crate) fn needs_no_bell(&self) -> bool {
        (self.cancel.0.never || self.cancel.0.hook.is_some()) && self.bell.is_none()
    }

    /// Waits until `latch` is set: `Wake::Rung`. Only for those who [need no bell](Patience::needs_no_bell).
    pub(crate) fn until_set(&self, latch: &Latch) -> Wake {
        loop {
            self.cancel.ask_hook_if_due();
            if self.cancel.is_cancelled() {
                return Wake::Cancelled;
            }
            let left = self.deadline.remaining();
            let slice = self.cancel.slice().map_or(left, |slice| slice.min(left));
            match latch.wait(slice) {
                Latched::Set => return Wake::Rung,
                Latched::Elapsed if self.deadline.expired() => return Wake::Elapsed,
                Latched::Elapsed | Latched::Interrupted => self.cancel.ask_hook(),
            }
        }
    }

    /// Whether the caller cancelled or the bell rang: what is under way has lost its point.
    pub(crate) fn broken_off(&self) -> bool {
        self.cancel.is_cancelled() || self.bell.as_deref().is_some_and(Bell::rang)
    }

    /// Looks every `interval` whether something goes on, until it does not or the deadline comes.
    pub(crate) fn outlast(&self, interval: Duration, goes_on: impl Fn() -> bool) {
        while goes_on() && !self.deadline.expired() && self.pause(interval).is_ok() {}
    }

    /// Waits `time`, never past the deadline.
    pub(crate) fn pause(&self, time: Duration) -> io::Result<Wake> {
        self.wait(&[], time)
    }

    /// Waits until one of `inputs` is ready, for `time` at most and never past the deadline.
    pub(crate) fn wait(&self, inputs: &[(BorrowedFd<'_>, sys::Interest)], time: Duration) -> io::Result<Wake> {
        let until = self.deadline.sooner(time);
        loop {
            self.cancel.ask_hook_if_due();
            // First the bell, then the flag: who cancels in between finds the bell.
            self.cancel.bell();
            if self.cancel.is_cancelled() {
                return Ok(Wake::Cancelled);
            }
            let left = until.remaining();
            let slice = self.cancel.slice().map_or(left, |slice| slice.min(left));
            let bells = [self.cancel.bell(), self.bell.as_deref()];
            match sys::poll(inputs, bells, slice)? {
                sys::Polled::Input => return Ok(Wake::Input),
                sys::Polled::Bell(0) => return Ok(Wake::Cancelled),
                sys::Polled::Bell(_) => return Ok(Wake::Rung),
                sys::Polled::Interrupted => self.cancel.ask_hook(),
                sys::Polled::Elapsed if until.expired() => return Ok(Wake::Elapsed),
                sys::Polled::Elapsed => self.cancel.ask_hook(),
            }
        }
    }
}
