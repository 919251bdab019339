//! spawnlock for Node: converts, forwards, wraps the error. Everything that decides is in the core.

mod check;
mod error;
mod read;

mod event;
mod kick;
mod options;
mod owner;
mod server;
mod status;

mod audience;
mod job;

mod calls;
mod claim;
mod lock;
mod locks;
mod notify;
