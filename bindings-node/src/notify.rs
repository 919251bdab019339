//! What a server tells whoever started it.

use napi::Env;
use napi::bindgen_prelude::Unknown;
use napi_derive::napi;

use crate::error::{Code, thrown};
use crate::options::{Notice, ReadyNotice};

type Result<T> = napi::Result<T, Code>;

/// Says that this server is ready, to whoever waits at `$NOTIFY_SOCKET`: spawnlock or systemd.
/// False when nobody has asked for it, or nobody listens any more.
#[napi(ts_args_type = "notice?: ReadyNotice")]
pub fn notify_ready(env: Env, notice: Unknown) -> Result<bool> {
    send(env, ReadyNotice::read(notice)?.notice())
}

/// Says how far this server is, to whoever waits at `$NOTIFY_SOCKET`: spawnlock or systemd.
/// False when nobody has asked for it, or nobody listens any more.
#[napi(ts_args_type = "notice: Notice")]
pub fn notify(env: Env, notice: Unknown) -> Result<bool> {
    send(env, Notice::read(notice)?.notice())
}

fn send(env: Env, notice: spawnlock::Notice) -> Result<bool> {
    spawnlock::notify(&notice).map_err(|error| thrown(env, error))
}
