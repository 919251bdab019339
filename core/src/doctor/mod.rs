//! A look at everything that a start depends on, and what to do about it. Nothing is repaired.

mod machine;
mod name;
mod state;
mod versions;

use crate::error::Result;
use crate::names::StateDir;
use crate::plan;
use crate::words::words;

words! {
    /// How a [`Finding`] is to be taken.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum Grade {
        /// All is well.
        Ok = "ok",
        /// It works, and not as well as it could.
        Warn = "warn",
        /// It does not work.
        Fail = "fail",
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// How it is to be taken.
    pub grade: Grade,
    /// What was looked at, in a word or two.
    pub about: &'static str,
    /// What was found.
    pub text: String,
    /// What to do about it, where something is to be done.
    pub advice: Option<String>,
}

impl Finding {
    fn new(grade: Grade, about: &'static str, text: impl Into<String>) -> Self {
        Finding { grade, about, text: text.into(), advice: None }
    }

    fn ok(about: &'static str, text: impl Into<String>) -> Self {
        Finding::new(Grade::Ok, about, text)
    }

    fn warn(about: &'static str, text: impl Into<String>, advice: impl Into<String>) -> Self {
        Finding { advice: Some(advice.into()), ..Finding::new(Grade::Warn, about, text) }
    }

    fn fail(about: &'static str, text: impl Into<String>, advice: impl Into<String>) -> Self {
        Finding { advice: Some(advice.into()), ..Finding::new(Grade::Fail, about, text) }
    }
}

impl StateDir {
    /// Looks at everything that a start depends on: the state directory and its locks, this machine, the environment, versions, and
    /// what was left behind; with a name, also at its server. Takes well under a second.
    ///
    /// # Errors
    /// `CONFIG` for a name that is none. All else is a finding.
    pub fn doctor(&self, name: Option<&str>) -> Result<Vec<Finding>> {
        if let Some(name) = name {
            plan::checked_name(name)?;
        }
        let mut findings = state::findings(self.path());
        findings.extend(machine::findings());
        findings.extend(versions::findings());
        match name.map(|name| self.meant(name)) {
            None => {}
            Some(Ok((place, name))) => findings.extend(name::findings(&place, &name)),
            Some(Err(error)) => findings.push(Finding::fail("place", &error.failure().summary, state::advice_of(&error))),
        }
        Ok(findings)
    }
}
