//! A claimed socket, as the class in `js/claim.cjs` needs it.

use std::os::fd::IntoRawFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use napi::Env;
use napi::bindgen_prelude::{External, Unknown};
use napi_derive::napi;
use spawnlock::{Cancel, ClaimedSocket};

use crate::error::{Code, thrown};
use crate::job::{Job, Outcome};
use crate::read::text;
use crate::server::path_text;

type Result<T> = napi::Result<T, Code>;

/// Where a job leaves its claim: what is sent to a thread of JavaScript that ends meanwhile is lost, and so would be the claim.
/// When it is collected, or its thread ends, the claim is closed.
#[derive(Clone, Default)]
pub struct Claim(Arc<Mutex<Option<ClaimedSocket>>>);

impl Claim {
    fn socket(&self) -> MutexGuard<'_, Option<ClaimedSocket>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One that is still empty.
#[napi(skip_typescript)]
pub fn new_claim() -> External<Claim> {
    External::new(Claim::default())
}

/// Binds a Unix socket and listens on it, if no other daemon serves it: of any number that try at once, one gets it.
///
/// Rejects with `ERR_SPAWNLOCK_RUNNING` when another daemon serves it: exit with 0. What a dead daemon left is replaced; one that
/// answers, or of which nobody can tell, is left alone, and so is what is no socket. Only this user may connect, until the file is
/// given other rights.
#[napi(ts_args_type = "path: string", ts_return_type = "Promise<ClaimedSocket>")]
pub fn claim_socket(path: Unknown, claim: &External<Claim>) -> Result<External<Job>> {
    let (path, claim) = (text("path", path)?, Claim::clone(claim));
    Ok(Job::new(Cancel::new(), move |_| {
        *claim.socket() = Some(spawnlock::claim_socket(path)?);
        Ok(Outcome::D(()))
    }))
}

/// The descriptor, for the one who asks; only once.
#[napi(skip_typescript)]
pub fn take_claimed(claim: &External<Claim>) -> Option<i32> {
    claim.socket().as_ref().and_then(ClaimedSocket::take_listener).map(IntoRawFd::into_raw_fd)
}

#[napi(skip_typescript)]
pub fn claimed_path(claim: &External<Claim>) -> Option<String> {
    claim.socket().as_ref().map(|socket| path_text(socket.path()))
}

#[napi(skip_typescript)]
pub fn still_owned(claim: &External<Claim>) -> bool {
    claim.socket().as_ref().is_some_and(ClaimedSocket::still_owned)
}

#[napi(skip_typescript)]
pub fn close_claimed(env: Env, claim: &External<Claim>) -> Result<bool> {
    let closed = claim.socket().as_ref().map_or(Ok(false), ClaimedSocket::close);
    closed.map_err(|error| thrown(env, error))
}
