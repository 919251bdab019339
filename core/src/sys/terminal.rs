//! The terminal.

use rustix::stdio::{self as standard};

/// How wide the terminal behind the standard error is.
pub(crate) fn columns() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(standard::stderr()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}
