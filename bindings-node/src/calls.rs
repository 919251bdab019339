//! What the package exports. Each call checks its options and gives a job that JavaScript starts.

use std::collections::HashMap;

use napi::bindgen_prelude::{External, Function, Unknown};
use napi_derive::napi;
use spawnlock::{
    Cancel, EndReason, ErrorCode, EventKind, FlockSupport, KickState, LockKind, OnMismatch, Origin, Reuse, ServerSpec, State, StopSignal,
    StopWhen, Unresponsive, Verdict,
};

use crate::audience::{Audience, told_afterwards};
use crate::check::Checks;
use crate::error::{Code, Problem};
use crate::event::ServerEvent;
use crate::job::{Job, Outcome};
use crate::kick::Kick;
use crate::options::{
    EnsureServerOptions, LogOptions, PruneOptions, RestartServerOptions, StatusOptions, StopServerOptions, WaitForOptions, directory,
};
use crate::read::text;

type Result<T> = napi::Result<T, Code>;

/// Gets the server: starts it if nobody has, waits until it is ready.
///
/// However many processes ask at the same moment, exactly one starts it, and all get the same server or the same `SpawnlockError`.
/// A name alone, or in options without a command and without a check, is a server that the project declares; nothing at all is the
/// only one it declares.
#[napi(ts_args_type = "options?: string | EnsureServerOptions", ts_return_type = "Promise<Server>")]
pub fn ensure_server(options: Unknown) -> Result<External<Job>> {
    getting(options, ServerSpec::ensure)
}

/// Gets the server for as long as a function runs, which is given it, and gives what that returns.
///
/// The server is stopped when its last user is gone, killed ones included, unless `stop` says `never`.
#[napi(
    ts_generic_types = "T",
    ts_args_type = "options: string | EnsureServerOptions, use: (server: Server) => T | PromiseLike<T>",
    ts_return_type = "Promise<T>"
)]
pub fn with_server(options: Unknown) -> Result<External<Job>> {
    getting(options, ServerSpec::ensure_scoped)
}

fn getting(options: Unknown, get: fn(ServerSpec) -> spawnlock::Result<spawnlock::Server>) -> Result<External<Job>> {
    let mut options = EnsureServerOptions::read(options)?;
    let (cancel, checks) = (Cancel::new(), options.ready.take());
    let audience = Audience::new(options.on_event.is_some(), options.progress.as_ref())?;
    let spec = options.spec(&cancel)?;
    Ok(Job::new(cancel, move |teller| {
        let spec = checks.into_iter().flat_map(|checks| checks.sources(&teller)).fold(spec, ServerSpec::ready);
        audience.during(teller, |listen| get(spec.on_event(listen))).map(|server| Outcome::A(server.into()))
    }))
}

/// Starts the server if nobody has, and does not wait until it is ready: a few milliseconds at most. The process may end in the next
/// moment; the server comes up, once. Throws only for options that are wrong.
#[napi(ts_args_type = "options?: string | EnsureServerOptions", ts_return_type = "Kick")]
pub fn kick_server(options: Unknown, tell: Option<Function<ServerEvent, ()>>) -> Result<Kick> {
    let mut options = EnsureServerOptions::read(options)?;
    // Nobody waits, so nothing is shown; what is wrong is wrong all the same.
    Audience::new(false, options.progress.as_ref())?;
    let checks = options.ready.take();
    let spec = options.spec(&Cancel::new())?;
    let spec = checks.into_iter().flat_map(Checks::unasked).fold(spec, ServerSpec::ready);
    Ok(Kick::from(told_afterwards(tell.as_ref(), |listen| spec.on_event(listen).kick())?.map_err(Problem::from)?))
}

/// Waits until all of these checks pass at once, whoever starts what they ask for; with `gone`, until nothing of it is there.
#[napi(ts_args_type = "checks: Check | Check[], options?: WaitForOptions", ts_return_type = "Promise<void>")]
pub fn wait_for(checks: Unknown, options: Unknown) -> Result<External<Job>> {
    let checks = Checks::of("checks", checks)?;
    let options = WaitForOptions::read(options)?;
    let (cancel, audience) = (Cancel::new(), Audience::new(options.on_event.is_some(), options.progress.as_ref())?);
    let how = options.wait_options(&cancel)?;
    Ok(Job::new(cancel, move |teller| {
        let checks = checks.sources(&teller);
        audience.during(teller, |listen| spawnlock::wait_for(checks, &how.on_event(listen))).map(Outcome::D)
    }))
}

/// Tells what is known about a name; its checks are asked once when it lives.
#[napi(ts_args_type = "name: string, options?: StatusOptions", ts_return_type = "Promise<ServerStatus>")]
pub fn server_status(name: Unknown, options: Unknown) -> Result<External<Job>> {
    let name = text("name", name)?;
    let dir = directory(StatusOptions::read(options)?.state_dir.as_ref())?;
    Ok(Job::new(Cancel::new(), move |_| dir.status(&name).map(|status| Outcome::B(status.into()))))
}

/// The last lines a server wrote, oldest first, whether it runs or not.
#[napi(ts_args_type = "name: string, options?: LogOptions", ts_return_type = "Promise<string[]>")]
pub fn server_logs(name: Unknown, options: Unknown) -> Result<External<Job>> {
    let name = text("name", name)?;
    let options = LogOptions::read(options)?;
    let (dir, wanted) = (directory(options.state_dir.as_ref())?, options.log_options());
    Ok(Job::new(Cancel::new(), move |_| dir.logs(&name, &wanted).map(Outcome::F)))
}

/// Removes the places in which nothing lives: no process, no holder of the spawn lock, no lease. Resolves to their names.
#[napi(ts_args_type = "options?: PruneOptions", ts_return_type = "Promise<string[]>")]
pub fn prune_servers(options: Unknown) -> Result<External<Job>> {
    let options = PruneOptions::read(options)?;
    let (dir, dry_run) = (directory(options.state_dir.as_ref())?, options.dry_run == Some(true));
    Ok(Job::new(Cancel::new(), move |_| if dry_run { dir.prune_dry_run() } else { dir.prune() }.map(Outcome::F)))
}

/// Stops a server: its stop signal (SIGTERM) to its group, a grace, SIGKILL. Resolves when it is gone.
#[napi(ts_args_type = "name: string, options?: StopServerOptions", ts_return_type = "Promise<void>")]
pub fn stop_server(name: Unknown, options: Unknown) -> Result<External<Job>> {
    let name = text("name", name)?;
    let options = StopServerOptions::read(options)?;
    let (cancel, audience) = (Cancel::new(), Audience::new(options.on_event.is_some(), options.progress.as_ref())?);
    let (dir, how) = (directory(options.state_dir.as_ref())?, options.stop_options(&cancel)?);
    Ok(Job::new(cancel, move |teller| audience.during(teller, |listen| dir.stop(&name, &how.on_event(listen))).map(Outcome::D)))
}

/// Stops a server and starts it again as it was declared; one that does not run is started.
///
/// Of many who ask at the same moment one does it, and all get the same new server or the same `SpawnlockError`.
#[napi(ts_args_type = "name: string, options?: RestartServerOptions", ts_return_type = "Promise<Server>")]
pub fn restart_server(name: Unknown, options: Unknown) -> Result<External<Job>> {
    let name = text("name", name)?;
    let options = RestartServerOptions::read(options)?;
    let (cancel, audience) = (Cancel::new(), Audience::new(options.on_event.is_some(), options.progress.as_ref())?);
    let (dir, how) = (directory(options.state_dir.as_ref())?, options.restart_options(&cancel)?);
    Ok(Job::new(cancel, move |teller| {
        audience.during(teller, |listen| dir.restart(&name, &how.on_event(listen))).map(|server| Outcome::A(server.into()))
    }))
}

/// Tells what is known about every name that was ever used, in order.
#[napi(ts_args_type = "options?: StatusOptions", ts_return_type = "Promise<ServerStatus[]>")]
pub fn list_servers(options: Unknown) -> Result<External<Job>> {
    let dir = directory(StatusOptions::read(options)?.state_dir.as_ref())?;
    Ok(Job::new(Cancel::new(), move |_| {
        let all = dir.list()?.into_iter().map(Into::into).collect();
        Ok(Outcome::C(all))
    }))
}

/// The words of every list that TypeScript is told as a union: for the generator of the types.
#[napi(skip_typescript)]
pub fn words() -> HashMap<&'static str, Vec<&'static str>> {
    HashMap::from([
        ("ErrorCode", ErrorCode::ALL.iter().map(|code| code.as_str()).collect()),
        ("Origin", Origin::ALL.iter().map(|origin| origin.as_str()).collect()),
        ("EndReason", EndReason::ALL.iter().map(|reason| reason.as_str()).collect()),
        ("Reuse", Reuse::ALL.iter().map(|word| word.as_str()).collect()),
        ("OnMismatch", OnMismatch::ALL.iter().map(|word| word.as_str()).collect()),
        ("Unresponsive", Unresponsive::ALL.iter().map(|word| word.as_str()).collect()),
        ("StopSignal", StopSignal::ALL.iter().map(|word| word.as_str()).collect()),
        ("State", State::ALL.iter().map(|state| state.as_str()).collect()),
        ("Verdict", Verdict::ALL.iter().map(|verdict| verdict.as_str()).collect()),
        ("LockKind", LockKind::ALL.iter().map(|kind| kind.as_str()).collect()),
        ("StopWhen", StopWhen::ALL.iter().map(|when| when.as_str()).collect()),
        ("KickState", KickState::ALL.iter().map(|state| state.as_str()).collect()),
        ("FlockSupport", FlockSupport::ALL.iter().map(|support| support.as_str()).collect()),
        ("EventKind", EventKind::ALL.iter().map(|kind| kind.as_str()).collect()),
    ])
}
