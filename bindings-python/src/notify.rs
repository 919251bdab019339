//! What a server tells whoever started it.

use pyo3::prelude::*;
use spawnlock::Notice;

use crate::error::raised;
use crate::options::set;

/// Says that this server is ready, to whoever waits at `$NOTIFY_SOCKET`: spawnlock or systemd.
///
/// port    the port on which it listens, where it chose one itself
/// status  what it is doing, in one line for people
///
/// `False` when nobody has asked for it, or nobody listens any more.
#[pyfunction]
#[pyo3(signature = (*, port=None, status=None))]
pub(crate) fn notify_ready(py: Python<'_>, port: Option<i64>, status: Option<String>) -> PyResult<bool> {
    notify(py, true, port, status, false)
}

/// Says how far this server is, to whoever waits at `$NOTIFY_SOCKET`: spawnlock or systemd.
///
/// ready     it serves
/// port      the port on which it listens, where it chose one itself
/// status    what it is doing, in one line for people
/// stopping  it is about to end
///
/// `False` when nobody has asked for it, or nobody listens any more.
#[pyfunction]
#[pyo3(signature = (*, ready=false, port=None, status=None, stopping=false))]
pub(crate) fn notify(py: Python<'_>, ready: bool, port: Option<i64>, status: Option<String>, stopping: bool) -> PyResult<bool> {
    let told = || {
        let mut notice = Notice::new().ready(ready).stopping(stopping);
        let port = port.map(|port| spawnlock::whole("port", port)).transpose()?;
        set!(notice: port, status);
        spawnlock::notify(&notice)
    };
    py.detach(told).map_err(|error| raised(py, &error))
}
