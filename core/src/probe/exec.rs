//! A command that says by its exit code whether the server is there.

use std::io;

use super::about::About;
use super::check::ExecCheck;
use super::{Answer, Unasked, Verdict};
use crate::cancel::Patience;
use crate::command::{self, Ended, Errand};
use crate::error::{Error, ErrorCode};
use crate::sys::{self, Ending};

/// What a shell exits with when it may not run a command, and when it finds none.
const SHELL_CANNOT_RUN: i32 = 126;
const SHELL_FINDS_NONE: i32 = 127;

/// Runs it once. A command that cannot be run at all says nothing of any server, now or later: that is an error.
pub(super) fn run(check: &ExecCheck, about: &About, patience: &Patience) -> Result<io::Result<Answer>, Unasked> {
    let argv = check.argv();
    let errand = Errand { argv: &argv, cwd: about.cwd.as_deref(), env: about.env.as_deref() };
    match command::run(&errand, patience) {
        Ok(ended) if check.is_shell_line() && found_nothing(&ended) => Err(cannot_run(check, None, ended.last_line)),
        Ok(ended) => Ok(Ok(judge(ended))),
        Err(error) if is_lasting(&error) && about.cwd.as_ref().is_none_or(|cwd| cwd.is_dir()) => Err(cannot_run(check, Some(error), None)),
        // The directory of the server is gone, and with it most likely the server.
        Err(error) if is_lasting(&error) => Ok(Ok(Answer::new(Verdict::Dead, "its working directory is gone".into()))),
        Err(error) => Ok(Err(error)),
    }
}

fn judge(ended: Ended) -> Answer {
    let (verdict, how) = match ended.how {
        Some(Ending::Code(0)) => (Verdict::Ready, "exit code 0".to_owned()),
        Some(Ending::Code(code)) => (Verdict::Dead, format!("exit code {code}")),
        // Who was ended by a signal has said nothing.
        Some(Ending::Signal(signal)) => (Verdict::Busy, format!("ended by {signal}")),
        None => (Verdict::Busy, "its exit code went to somebody else, who collects the children of this process".to_owned()),
    };
    let text = match ended.last_line {
        Some(line) => format!("{how}: {line}"),
        None => how,
    };
    Answer::new(verdict, text)
}

fn found_nothing(ended: &Ended) -> bool {
    matches!(ended.how, Some(Ending::Code(SHELL_CANNOT_RUN | SHELL_FINDS_NONE)))
}

/// Whether the next try would fail as this one did.
fn is_lasting(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied | io::ErrorKind::NotADirectory)
        || sys::is_no_program(error)
}

fn cannot_run(check: &ExecCheck, cause: Option<io::Error>, said: Option<String>) -> Unasked {
    let said = said.map_or_else(String::new, |line| format!(": {line}"));
    let error = Error::new(ErrorCode::Config, format!("the check `{check}` cannot be run{said}"));
    let error = error.hint(format!("`{}` must be a program that exists and may be run", check.program()));
    Unasked::Impossible(match cause {
        Some(cause) => error.caused_by(cause),
        None => error,
    })
}
