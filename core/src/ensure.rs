//! The flow: the one place that branches.

use crate::error::Result;
use crate::server::Server;
use crate::spec::ServerSpec;

/// What a start that is not waited for came to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Kick {
    /// It runs already, and is healthy.
    Running(Server),
    /// Somebody else is starting it, or it is not ready yet.
    Starting,
    /// This call started it; it is not ready yet.
    Started {
        /// Its main process.
        pid: u32,
    },
}

impl ServerSpec {
    /// Gets the server: starts it if nobody has, waits until it is ready.
    ///
    /// # Errors
    /// Any [`ErrorCode`](crate::ErrorCode) but `STOP` and `NATIVE`; the text says what was attempted and what to look at.
    pub fn ensure(self) -> Result<Server> {
        let _plan = self.plan()?;
        todo!()
    }

    /// Starts the server if nobody has, and does not wait until it is ready. The next call waits for it in our stead.
    ///
    /// # Errors
    /// As [`ensure`](ServerSpec::ensure), as far as it is known when the command runs.
    pub fn kick(self) -> Result<Kick> {
        let _plan = self.plan()?;
        todo!()
    }
}
