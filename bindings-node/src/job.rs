//! One call on a thread of its own: the event loop goes on, and libuv's pool stays the application's.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use napi::Status;
use napi::bindgen_prelude::{Either6, External, FnArgs, Function};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;
use spawnlock::{Cancel, Event, Reply};

use crate::check::Answerable;
use crate::error::{Code, Failure, Problem};
use crate::event::ServerEvent;
use crate::lock::Slot;
use crate::server::Server;
use crate::status::ServerStatus;

/// What a call gives when all is well.
pub(crate) type Outcome = Either6<Server, ServerStatus, Vec<ServerStatus>, (), bool, Vec<String>>;

/// What JavaScript is handed: an event, or a failure, or the outcome, or a question to one of its own checks and where the answer is left.
type Told = (Option<ServerEvent>, Option<Failure>, Option<Outcome>, Option<u32>, Option<External<Answerable>>);
type Delivery = FnArgs<Told>;

/// The way back to the thread of JavaScript. Events, questions and the end go the same way, so none overtakes another.
type Way = ThreadsafeFunction<Delivery, (), Delivery, Status, false>;

pub(crate) type Work = Box<dyn FnOnce(Teller) -> spawnlock::Result<Outcome> + Send>;

/// A call that was checked and can be started, once.
pub struct Job {
    start: Option<Start>,
    cancel: Cancel,
    /// Where it leaves a lock.
    pub(crate) slot: Option<Slot>,
}

/// How a call begins.
enum Start {
    /// On a thread of its own.
    Thread(Work),
    /// Here and now, since it does not wait.
    Now(Box<dyn FnOnce() -> Begun>),
}

/// What came of that.
#[expect(clippy::large_enum_variant, reason = "made once for each call and taken apart at once")]
pub(crate) enum Begun {
    Over(spawnlock::Result<Outcome>),
    /// Its end will be told.
    Later(Box<dyn FnOnce(Teller)>),
    /// It takes a thread after all.
    Elsewhere(Work),
}

impl Job {
    pub(crate) fn new(cancel: Cancel, work: impl FnOnce(Teller) -> spawnlock::Result<Outcome> + Send + 'static) -> External<Job> {
        External::new(Job { start: Some(Start::Thread(Box::new(work))), cancel, slot: None })
    }

    /// One that was quicker done than started.
    pub(crate) fn done(outcome: Outcome) -> External<Job> {
        External::new(Job { start: Some(Start::Now(Box::new(|| Begun::Over(Ok(outcome))))), cancel: Cancel::new(), slot: None })
    }

    pub(crate) fn for_lock(cancel: Cancel, slot: Slot, start: impl FnOnce() -> Begun + 'static) -> External<Job> {
        External::new(Job { start: Some(Start::Now(Box::new(start))), cancel, slot: Some(slot) })
    }
}

/// Starts a job. `deliver(event, failure, outcome, check, reply)` is called for every event and every question, and once at the end;
/// until then the process stays alive.
#[napi(skip_typescript)]
pub fn start(job: &mut External<Job>, deliver: Function<Delivery, ()>) -> napi::Result<(), Code> {
    let begun = match job.start.take() {
        None => return Ok(()),
        Some(Start::Thread(work)) => Begun::Elsewhere(work),
        Some(Start::Now(start)) => start(),
    };
    match begun {
        Begun::Over(result) => deliver.call(ended(result).into()).map_err(|error| Problem::from(error).into()),
        Begun::Later(later) => Teller::new(deliver).map(later),
        Begun::Elsewhere(work) => on_a_thread(Teller::new(deliver)?, work),
    }
}

fn on_a_thread(teller: Teller, work: Work) -> napi::Result<(), Code> {
    thread::Builder::new().name("spawnlock".to_owned()).spawn(move || deliver_end(&teller, work)).map_err(Problem::native)?;
    Ok(())
}

/// Ends the waits of a job; its end is delivered as that of any other.
#[napi(skip_typescript)]
pub fn cancel(job: &External<Job>) {
    job.cancel.cancel();
}

/// Passes events and questions on while a job runs, and then its end.
#[derive(Clone)]
pub(crate) struct Teller(Arc<Way>);

impl Teller {
    fn new(deliver: Function<Delivery, ()>) -> napi::Result<Self, Code> {
        let way = deliver.build_threadsafe_function::<Delivery>().build_callback(|context| Ok(context.value));
        Ok(Teller(Arc::new(way.map_err(Problem::from)?)))
    }

    pub(crate) fn tell(&self, event: &Event) {
        self.send((Some(ServerEvent::from(event)), None, None, None, None));
    }

    /// Puts a question to a function, by its place among the checks.
    pub(crate) fn ask(&self, check: u32, reply: Reply) {
        self.send((None, None, None, Some(check), Some(External::new(reply.into()))));
    }

    pub(crate) fn end(&self, result: spawnlock::Result<Outcome>) {
        self.send(ended(result));
    }

    fn send(&self, delivery: Told) {
        // The queue has no limit, and an environment that is closing wants nothing more.
        self.0.call(delivery.into(), ThreadsafeFunctionCallMode::NonBlocking);
    }
}

fn ended(result: spawnlock::Result<Outcome>) -> Told {
    match result {
        Ok(outcome) => (None, None, Some(outcome), None, None),
        Err(error) => (None, Some(error.into()), None, None, None),
    }
}

fn deliver_end(teller: &Teller, work: Work) {
    // The host must neither die nor wait for ever because we broke. (Where the build unwinds; what we ship aborts, to be small.)
    match catch_unwind(AssertUnwindSafe(|| work(teller.clone()))) {
        Ok(result) => teller.end(result),
        Err(panic) => teller.send((None, Some(Failure::native(panic_text(&*panic))), None, None, None)),
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic")
}
