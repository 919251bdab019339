//! Start a background server exactly once, however many processes ask for it at the same moment, and share it with all of them.
//!
//! Twenty clients that each "probe, then spawn" start fourteen daemons. With spawnlock they start one: the first takes a
//! kernel lock, starts the server and waits until it is healthy; the others wait on the first, and all get the same
//! server, or the same reason why there is none.
//!
//! ```no_run
//! use spawnlock::ServerSpec;
//!
//! let server = ServerSpec::new("api")
//!     .command(["node", "server.js"])
//!     .ready("http://localhost:1987/health")
//!     .ensure()?;
//! println!("{} ({})", server.url().unwrap_or("-"), server.origin().as_str());
//! # Ok::<(), spawnlock::Error>(())
//! ```
//!
//! # Promise
//! 1. Never two servers for one name.
//! 2. Nothing is signalled, unlinked or taken over that is not provably ours.
//! 3. Every wait has a deadline, can be cancelled, and can say on whom it waits.
//! 4. A failure names the attempt, the object, the figures and the last lines of the log.
//!
//! # Limits
//! One machine and one user: a name means nothing to another user, and a state directory on a network file system is only
//! as good as its locks. Linux and macOS. No TLS in checks. A server that closes the descriptors it inherits is known by
//! its pid and start time instead of by its lock.
//!
//! # Entry points
//! [`ServerSpec`] describes a server and gets it; [`Server`] is what one gets; [`status`], [`list`], [`stop`] and [`restart`] work by name;
//! [`claim_socket`] makes a daemon the only one, and [`notify_ready`] tells its starter that it is ready;
//! [`Project`] is a file that declares servers, [`ServerSpec::declared`] one of them;
//! [`wait_for`] waits for anything that a check can be asked of; [`Check`] says how to tell that a server is ready; [`Error`] says what went wrong, by [`ErrorCode`].

mod error;
mod sys;

mod cancel;
mod command;
mod deadline;
mod environment;
mod event;
mod history;
mod holder;
mod log;
mod notify;
mod place;
mod progress;
mod record;
mod stop_when;
mod voice;
mod words;

mod launch;
mod lock;
mod probe;

mod life;
mod minder;
mod policy;
mod version;

mod addresses;
mod attempt;
mod begin;
mod call;
mod claim;
mod config;
mod crash;
mod declared;
mod doctor;
mod end;
mod ended;
mod ensure;
mod fit;
mod flow;
mod hearing;
mod inside;
mod kick;
mod last;
mod listen;
mod logs;
mod mind;
mod names;
mod notify_send;
mod overheard;
mod plan;
mod port;
mod prune;
mod report;
mod restart;
mod scope;
mod server;
mod spec;
mod spelling;
mod start;
mod stop;
mod turn;
mod user;
mod wait;

#[doc(hidden)]
pub mod fuzz;

pub use cancel::Cancel;
pub use claim::{ClaimedSocket, claim_socket};
pub use config::{Project, Setting, SettingSource};
pub use deadline::{duration, millis, seconds, whole};
pub use doctor::{Finding, Grade};
pub use ended::{EndReason, Ended};
pub use error::{Error, ErrorCode, Failure, Result};
pub use event::{Event, EventKind, Weight};
pub use history::{Step, StepKind};
pub use holder::Holder;
pub use kick::{Kick, KickState};
pub use listen::Listening;
#[doc(hidden)]
pub use lock::{Asked, Request, Won};
pub use lock::{FlockSupport, LockKind, LockOptions, SpawnLock};
pub use logs::LogOptions;
pub use mind::mind;
pub use names::{State, StateDir, Status, list, status};
pub use notify_send::{Notice, notify, notify_ready};
pub use policy::{OnLockUnavailable, OnMismatch, Reuse, StopSignal, Unresponsive};
pub use port::Port;
pub use probe::{Check, CheckSource, Reply, Verdict};
pub use progress::{Manner, Progress, may_colour};
pub use restart::{RestartOptions, restart};
pub use scope::Scope;
pub use server::{Origin, ScopedServer, Server};
pub use spec::ServerSpec;
pub use spelling::Spelling;
pub use stop::{StopOptions, stop};
pub use stop_when::StopWhen;
pub use voice::Voice;
pub use wait::{WaitOptions, wait_for};
