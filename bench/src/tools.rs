//! The programs that are measured, and those beside them. One that is missing skips its rows.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::trouble::{Missing, Result};

/// Variables that would slow down or turn aside what is measured.
const OUT_OF_THE_WAY: &[&str] = &[
    "NODE_EXTRA_CA_CERTS",
    "NODE_OPTIONS",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "PYTHONPATH",
    "SPAWNLOCK_STATE_DIR",
    "SPAWNLOCK_DISABLE",
    "SPAWNLOCK_READY_TIMEOUT",
];

/// Where everything is.
pub struct Tools {
    /// The checkout.
    pub root: PathBuf,
    /// The release build this program belongs to.
    built: PathBuf,
    /// This program, for the roles it plays.
    pub ourselves: PathBuf,
}

impl Tools {
    pub fn find() -> Result<Self> {
        let root = std::env::current_dir()?;
        if !root.join("bench/run.sh").is_file() {
            return Err("run bench/run.sh, or start from the root of the checkout".into());
        }
        let ourselves = std::env::current_exe()?;
        let built = ourselves.parent().unwrap_or(&ourselves).to_owned();
        Ok(Tools { root, built, ourselves })
    }

    pub fn node(&self) -> Result<PathBuf> {
        in_path("node")
    }

    pub fn curl(&self) -> Result<PathBuf> {
        in_path("curl")
    }

    /// The interpreter of the environment that our module is installed in.
    pub fn python(&self) -> Result<PathBuf> {
        existing(self.root.join("build/venv/bin/python"), "no Python environment was made")
    }

    /// The interpreter of the environment that pip installed the peers in.
    pub fn python_with_peers(&self) -> Result<PathBuf> {
        existing(self.root.join("build/bench/venv/bin/python"), "pip did not install the peers")
    }

    /// The folder that pip put the peers into, for an interpreter that is not theirs.
    pub fn python_peers_path(&self) -> Result<PathBuf> {
        let python = self.python_with_peers()?;
        let output = run(&python).args(["-c", "import sysconfig; print(sysconfig.get_path('platlib'))"]).output()?;
        Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
    }

    pub fn command(&self) -> Result<PathBuf> {
        existing(self.built.join("server-init"), "server-init is not built")
    }

    pub fn fixture(&self) -> Result<PathBuf> {
        existing(self.built.join("fixture-server"), "the fixture server is not built")
    }

    /// The addon that `require` of this checkout loads.
    pub fn addon(&self) -> Result<PathBuf> {
        let found = files_in(&self.root.join("bindings-node/prebuilt")).into_iter().find(|file| has_ending(file, "node"));
        found.ok_or_else(|| Missing("the Node addon is not built".into()).into())
    }

    pub fn wheel(&self) -> Result<PathBuf> {
        let found = files_in(&self.root.join("build/wheel")).into_iter().find(|file| has_ending(file, "whl"));
        found.ok_or_else(|| Missing("no wheel was built".into()).into())
    }

    /// Whether `import spawnlock` works in the environment of the bench.
    pub fn module(&self) -> Result<()> {
        let imported = run(&self.python()?).args(["-c", "import spawnlock"]).stderr(Stdio::null()).status()?;
        if imported.success() { Ok(()) } else { Err(Missing("the Python module is not installed".into()).into()) }
    }

    /// The modules that npm installed beside the scripts.
    pub fn node_peer(&self, name: &str) -> Result<()> {
        existing(self.root.join("bench/node_modules").join(name), &format!("npm did not install {name}")).map(drop)
    }

    pub fn script(&self, name: &str) -> PathBuf {
        self.root.join("bench").join(name)
    }
}

/// A command without the variables that would spoil the figures.
pub fn run(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null());
    for variable in OUT_OF_THE_WAY {
        command.env_remove(variable);
    }
    command
}

/// What a program says of its version, in one line.
pub fn version(program: Result<PathBuf>) -> String {
    let said = program.and_then(|program| Ok(run(&program).arg("--version").output()?));
    match said {
        Ok(output) => String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned(),
        Err(trouble) => trouble.to_string(),
    }
}

fn in_path(name: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file());
    found.ok_or_else(|| Missing(format!("{name} is not in PATH")).into())
}

fn existing(path: PathBuf, otherwise: &str) -> Result<PathBuf> {
    if path.exists() { Ok(path) } else { Err(Missing(otherwise.to_owned()).into()) }
}

/// The files of a folder and of the folders in it.
fn files_in(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files_in(&path) } else { vec![path] }).collect()
}

fn has_ending(file: &Path, ending: &str) -> bool {
    file.extension().is_some_and(|extension| extension == ending)
}
