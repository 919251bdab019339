//! A spec with all that its caller, the variables and the project's file say.

use std::path::{Path, PathBuf};

use super::find::Project;
use super::form::Site;
use super::keys::KEYS;
use crate::environment;
use crate::error::{Error, ErrorCode, Result};
use crate::spec::ServerSpec;

/// A spec with everything filled in but the defaults.
pub(crate) struct Resolved {
    pub(crate) spec: ServerSpec,
    /// The same without what variables say: what a record keeps.
    pub(crate) declared: ServerSpec,
    /// The file that declares it, and its name there.
    pub(crate) file: Option<(Project, String)>,
}

impl ServerSpec {
    /// A server as the project declares it, to be changed further: from `SPAWNLOCK_CONFIG`, else from the nearest file that
    /// declares servers, from the working directory upward.
    ///
    /// A file is read only for a name that stands alone. A spec with a command, a shell line or a check is complete without
    /// one, and no file changes it; [`config`](ServerSpec::config) asks for one all the same.
    ///
    /// # Errors
    /// `CONFIG` when no file declares it, or what is declared makes no sense: the text names file, line and key.
    pub fn declared(name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        let project = Project::find(None)?.ok_or_else(|| nowhere(&format!("server \"{name}\"")))?;
        project.fill(&name, &mut ServerSpec::unnamed())?;
        // What variables say stands between the file and what is said to the spec, so it is read when the spec is used.
        Ok(ServerSpec::new(name).config(project.path()))
    }

    /// Adds what the file and the variables say.
    pub(crate) fn resolve(self) -> Result<Resolved> {
        if self.from_record {
            let spec = with_variables(&self)?;
            return Ok(Resolved { spec, declared: self, file: None });
        }
        let file = self.lookup()?;
        let variables = with_variables(&self)?;
        Ok(Resolved { declared: filled(self, file.as_ref())?, spec: filled(variables, file.as_ref())?, file })
    }

    /// Whether it says nothing but a name, or not even that.
    fn is_bare(&self) -> bool {
        self.command.is_empty() && self.shell.is_none() && self.ready.is_empty() && self.port.is_none() && self.host.is_none()
    }

    /// The file that declares it; `None` where none is asked for.
    fn lookup(&self) -> Result<Option<(Project, String)>> {
        if !self.is_bare() && self.config.is_none() {
            return Ok(None);
        }
        let elsewhere = self.name.as_deref().is_some_and(|name| environment::text(&environment::url_variable(name)).is_some());
        let project = match Project::find(self.config.as_deref())? {
            Some(project) => project,
            None if elsewhere => return Ok(None),
            None => return Err(self.declared_nowhere()),
        };
        let name = match &self.name {
            Some(name) if project.declares(name) => name.clone(),
            Some(_) if elsewhere => return Ok(None),
            Some(name) => return Err(project.not_declared(name)),
            None => project.only()?.to_owned(),
        };
        Ok(Some((project, name)))
    }

    fn declared_nowhere(&self) -> Error {
        let who = self.name.as_ref().map_or_else(|| "a server".to_owned(), |name| format!("server \"{name}\""));
        Error::config("ready", "is missing: say how to tell that the server is ready, as in http://localhost:1987/health")
            .hint(format!("or declare it, `server-init init` shows how; {}", nowhere(&who).failure().summary))
    }
}

/// That nobody declares a server.
fn nowhere(who: &str) -> Error {
    let here = environment::current_dir().map_or_else(|| "a directory that is gone".to_owned(), |dir| dir.display().to_string());
    Error::new(ErrorCode::Config, format!("no spawnlock.toml, package.json or pyproject.toml in {here} or above declares {who}"))
        .hint("`server-init init` writes a first entry")
}

/// Where the project declares that a server is kept, and its whole name. A file that makes no sense says nothing: it must not be in the
/// way of a stop.
pub(crate) fn kept(name: &str) -> Option<(Option<PathBuf>, String)> {
    let project = Project::find(None).ok().flatten().filter(|project| project.declares(name))?;
    let mut spec = ServerSpec::unnamed();
    project.fill(name, &mut spec).ok()?;
    Some((spec.state_dir, spec.name.unwrap_or_else(|| name.to_owned())))
}

/// The state directories in which the project declares that servers are kept.
pub(crate) fn kept_in() -> Vec<PathBuf> {
    let Some(project) = Project::find(None).ok().flatten() else { return Vec::new() };
    let dir = |name: &str| {
        let mut spec = ServerSpec::unnamed();
        project.fill(name, &mut spec).ok()?;
        spec.state_dir
    };
    project.names().filter_map(dir).collect()
}

/// Sets what variables say and the caller does not.
pub(crate) fn with_variables(spec: &ServerSpec) -> Result<ServerSpec> {
    let mut spec = spec.clone();
    for (key, variable) in KEYS.iter().filter_map(|key| Some((key, key.variable?))) {
        if let Some(text) = environment::text(variable) {
            key.set_text(&mut spec, text, Site { key: variable, dir: Path::new("") })?;
        }
    }
    Ok(spec)
}

fn filled(mut spec: ServerSpec, file: Option<&(Project, String)>) -> Result<ServerSpec> {
    let Some((project, name)) = file else { return Ok(spec) };
    // The file may give the name in it another one.
    let asked = spec.name.take();
    project.fill(name, &mut spec)?;
    spec.name = spec.name.take().or(asked).or_else(|| Some(name.clone()));
    Ok(spec)
}
