//! Every run that stands in the table, with the verdict it must come to.

pub mod bad;
pub mod existence;
pub mod kernel;
pub mod mixed;
pub mod tools;

use crate::setup::{Mutex, Setup, Who};

/// One row.
pub struct Case {
    /// What it is about.
    pub title: &'static str,
    /// Who takes part, and by which rules.
    pub setup: Setup,
    /// The property that must be seen to break; none when everything must hold.
    pub breaks: Option<&'static str>,
}

impl Case {
    fn holds(title: &'static str, setup: Setup) -> Case {
        Case { title, setup, breaks: None }
    }

    fn breaks(title: &'static str, property: &'static str, setup: Setup) -> Case {
        Case { title, setup, breaks: Some(property) }
    }
}

/// All of them, in the order of the table.
pub fn all() -> Vec<Case> {
    let parts = [bad::all(), kernel::all(), tools::all(), existence::all(), mixed::all()];
    parts.into_iter().flatten().collect()
}

const KERNEL: Who = Who::Ours(Mutex::Kernel);
const EXISTENCE: Who = Who::Ours(Mutex::Existence);
