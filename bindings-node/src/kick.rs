//! What a start that is not waited for came to.

use napi_derive::napi;

use crate::error::Failure;
use crate::server::Server;

/// What `kickServer` gives.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct Kick {
    /// `running`; `starting`: by another, or not ready yet; `started`: by this call; `failed`.
    #[napi(ts_type = "KickState")]
    pub state: String,
    /// The server, when it runs.
    #[napi(ts_type = "Server")]
    pub server: Option<Server>,
    /// Why it could not be started.
    #[napi(ts_type = "SpawnlockError")]
    pub error: Option<Failure>,
}

impl From<spawnlock::Kick> for Kick {
    fn from(kick: spawnlock::Kick) -> Self {
        let state = kick.state().as_str().to_owned();
        match kick {
            spawnlock::Kick::Running(server) => Kick { state, server: Some(server.into()), error: None },
            spawnlock::Kick::Failed(error) => Kick { state, server: None, error: Some(error.into()) },
            _ => Kick { state, server: None, error: None },
        }
    }
}
