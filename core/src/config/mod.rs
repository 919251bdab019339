//! Servers that a project declares in a file, and where each setting of a call comes from.
//!
//! A setting is what the caller says, else what a variable says, else what the file says, else the default.

mod find;
mod form;
mod keys;
mod nearest;
mod read;
mod resolve;
mod schema;
mod settings;
mod slot;

pub use find::Project;
pub use settings::{Setting, SettingSource};

pub(crate) use resolve::{Resolved, kept, kept_in, with_variables};

/// Reads a file of this name and content as a project's, for those who try to break it.
pub(crate) fn try_to_read(name: &str, text: &str) -> bool {
    let path = std::path::Path::new("/project").join(name);
    let Ok(Some(project)) = Project::parse(&path, text) else { return false };
    project.names().all(|name| project.fill(name, &mut crate::spec::ServerSpec::unnamed()).is_ok())
}
