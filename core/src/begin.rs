//! What a start needs before it is one: its directory, its log, and whoever runs the command.

use std::io;
use std::path::{Path, PathBuf};

use crate::call::Call;
use crate::environment;
use crate::error::Result;
use crate::hearing::Hearing;
use crate::launch::{Launch, Launched, Refused, launch};
use crate::log::Log;
use crate::minder::{self, Post, Run};
use crate::record::Record;
use crate::start::Start;
use crate::stop_when::StopWhen;
use crate::sys::{self, Lookup};

/// The declared directory, else the caller's own; `/` when that was deleted.
pub(crate) fn working_dir(call: &Call, start: &Start) -> PathBuf {
    match start.cwd.clone().or_else(environment::current_dir) {
        Some(dir) => dir,
        None => {
            call.warn("the caller's working directory no longer exists: the server starts in /".into());
            "/".into()
        }
    }
}

/// The log of the user's choice must be writable; without one of our own the server's output is lost, and we say so.
pub(crate) fn open_log(call: &Call, start: &Start, record: &Record) -> Result<Option<Log>> {
    let marker = format!("start {} of \"{}\": {}", record.generation, record.name, start.readable());
    if let Some(path) = &start.log {
        return Log::begin(path, false, &marker).map(Some).map_err(|cause| call.report().no_log(path, cause));
    }
    let opened: io::Result<Log> = Log::begin(&call.plan.place.log(), true, &marker);
    if let Err(error) = &opened {
        call.warn(format!("no log can be written in {}: {error}", call.plan.place.dir().display()));
    }
    Ok(opened.ok())
}

/// Whether there can be an alive lock here. What may pass, such as a want of descriptors, is left to the child to fail by.
pub(crate) fn has_alive_lock(path: &Path) -> bool {
    match sys::open_private(path, Lookup::Write) {
        Ok(_) => true,
        Err(error) => !sys::is_unavailable(&error) && error.kind() != io::ErrorKind::NotFound,
    }
}

/// By a minder where somebody must look after it when we are gone, else by ourselves.
pub(crate) fn launched(call: &Call, what: Launch<'_>, generation: u64, hearing: &mut Hearing) -> std::result::Result<Launched, Refused> {
    let plan = &call.plan;
    if plan.stop != StopWhen::Last && !hearing.is_open() {
        return launch(what);
    }
    let watch = Post::of(&plan.place, &plan.name, generation);
    match minder::run(&what, watch, hearing.share()) {
        Run::Launched(launched) => {
            hearing.leave_it();
            Ok(launched)
        }
        Run::Refused(refused) => Err(refused),
        Run::NoMinder(cause) => {
            call.warn(format!("no minder can be had ({cause}): what ends or is said when we are gone is noticed by whoever comes next"));
            launch(what)
        }
    }
}
