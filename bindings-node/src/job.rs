//! One call on a thread of its own: the event loop goes on, and libuv's pool stays the application's.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use napi::Status;
use napi::bindgen_prelude::{Either6, External, FnArgs, Function};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;
use spawnlock::{Cancel, Event};

use crate::error::{Code, Failure, Problem};
use crate::event::ServerEvent;
use crate::lock::Slot;
use crate::server::Server;
use crate::status::ServerStatus;

/// What a call gives when all is well.
pub(crate) type Outcome = Either6<Server, ServerStatus, Vec<ServerStatus>, (), bool, Vec<String>>;

/// What JavaScript is handed: an event, or a failure, or the outcome.
type Delivery = FnArgs<(Option<ServerEvent>, Option<Failure>, Option<Outcome>)>;

/// The way back to the thread of JavaScript. Events and the end go the same way, so none overtakes another.
type Way = ThreadsafeFunction<Delivery, (), Delivery, Status, false>;

type Work = Box<dyn FnOnce(Teller) -> spawnlock::Result<Outcome> + Send>;

/// What may spare the thread. It does not wait.
type AtOnce = Box<dyn FnOnce() -> Option<Outcome>>;

/// A call that was checked and can be started, once.
pub struct Job {
    at_once: Option<AtOnce>,
    work: Option<Work>,
    cancel: Cancel,
    /// Where it leaves a lock.
    pub(crate) slot: Option<Slot>,
}

impl Job {
    pub(crate) fn new(cancel: Cancel, work: impl FnOnce(Teller) -> spawnlock::Result<Outcome> + Send + 'static) -> External<Job> {
        External::new(Job { at_once: None, work: Some(Box::new(work)), cancel, slot: None })
    }

    /// One that was quicker done than started.
    pub(crate) fn done(outcome: Outcome) -> External<Job> {
        External::new(Job { at_once: Some(Box::new(|| Some(outcome))), work: None, cancel: Cancel::new(), slot: None })
    }

    pub(crate) fn for_lock(
        cancel: Cancel,
        slot: Slot,
        at_once: impl FnOnce() -> Option<Outcome> + 'static,
        work: impl FnOnce(Teller) -> spawnlock::Result<Outcome> + Send + 'static,
    ) -> External<Job> {
        External::new(Job { at_once: Some(Box::new(at_once)), work: Some(Box::new(work)), cancel, slot: Some(slot) })
    }
}

/// Starts a job. `deliver(event, failure, outcome)` is called for every event and, with the others, once at the end;
/// until then the process stays alive.
#[napi(skip_typescript)]
pub fn start(job: &mut External<Job>, deliver: Function<Delivery, ()>) -> napi::Result<(), Code> {
    if let Some(outcome) = job.at_once.take().and_then(|at_once| at_once()) {
        return deliver.call((None, None, Some(outcome)).into()).map_err(|error| Problem::from(error).into());
    }
    let Some(work) = job.work.take() else { return Ok(()) };
    let way: Arc<Way> =
        Arc::new(deliver.build_threadsafe_function::<Delivery>().build_callback(|context| Ok(context.value)).map_err(Problem::from)?);
    thread::Builder::new().name("spawnlock".to_owned()).spawn(move || deliver_end(&way, work)).map_err(Problem::native)?;
    Ok(())
}

/// Ends the waits of a job; its end is delivered as that of any other.
#[napi(skip_typescript)]
pub fn cancel(job: &External<Job>) {
    job.cancel.cancel();
}

/// Passes events on while a job runs.
pub(crate) struct Teller(Arc<Way>);

impl Teller {
    pub(crate) fn tell(&self, event: &Event) {
        send(&self.0, (Some(ServerEvent::from(event)), None, None));
    }
}

fn deliver_end(way: &Arc<Way>, work: Work) {
    let teller = Teller(Arc::clone(way));
    // The host must neither die nor wait for ever because we broke. (Where the build unwinds; what we ship aborts, to be small.)
    match catch_unwind(AssertUnwindSafe(|| work(teller))) {
        Ok(Ok(outcome)) => send(way, (None, None, Some(outcome))),
        Ok(Err(error)) => send(way, (None, Some(error.into()), None)),
        Err(panic) => send(way, (None, Some(Failure::native(panic_text(&*panic))), None)),
    }
}

fn send(way: &Way, delivery: (Option<ServerEvent>, Option<Failure>, Option<Outcome>)) {
    // The queue has no limit, and an environment that is closing wants nothing more.
    way.call(delivery.into(), ThreadsafeFunctionCallMode::NonBlocking);
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic")
}
