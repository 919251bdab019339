//! Start a background server exactly once, however many processes ask for it, and share it with all of them.

mod error;
mod sys;

mod cancel;
mod deadline;
mod environment;
mod event;
mod log;
mod place;
mod record;

mod launch;
mod lock;
mod probe;

mod life;

mod attempt;
mod call;
mod end;
mod ensure;
mod names;
mod report;
mod server;
mod spec;

pub use cancel::Cancel;
pub use deadline::{duration, millis, seconds};
pub use ensure::Kick;
pub use error::{Error, ErrorCode, Failure, Result};
pub use event::{Event, EventKind};
pub use lock::Holder;
pub use names::{State, StateDir, Status, StopOptions, list, status, stop};
pub use probe::{Check, CheckSource, Verdict};
pub use server::{Origin, Server};
pub use spec::{OnLockUnavailable, ServerSpec};
