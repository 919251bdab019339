//! What goes wrong: a part that is not here is skipped, anything else is a failure.

use std::error::Error;
use std::fmt;

pub type Trouble = Box<dyn Error + Send + Sync>;

pub type Result<T> = std::result::Result<T, Trouble>;

/// A part that a row needs and this machine or checkout lacks.
#[derive(Debug)]
pub struct Missing(pub String);

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Missing {}
