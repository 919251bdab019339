//! What the exit code says.

use spawnlock::{Error, ErrorCode};

/// Fine.
pub const OK: u8 = 0;
/// It failed.
pub const FAILED: u8 = 1;
/// The command line, or a variable, is wrong.
pub const USAGE: u8 = 2;
/// There is no such server running.
pub const NOT_RUNNING: u8 = 3;
/// It took too long.
const TIMEOUT: u8 = 124;
/// The command is there and cannot be run.
const CANNOT_RUN: u8 = 126;
/// The command is not there.
const NOT_FOUND: u8 = 127;
/// Added to the number of the signal that interrupted us.
const SIGNALLED: u8 = 128;

/// "No such file or directory", the same number on every system we run on.
const ENOENT: i32 = 2;

/// Every code of the core and what it comes to; a test walks through `ErrorCode::ALL`.
const TABLE: &[(ErrorCode, u8)] = &[
    (ErrorCode::Config, USAGE),
    (ErrorCode::Conflict, FAILED),
    (ErrorCode::Place, FAILED),
    (ErrorCode::LockTimeout, TIMEOUT),
    (ErrorCode::LockUnavailable, FAILED),
    (ErrorCode::Spawn, CANNOT_RUN),
    (ErrorCode::Exited, FAILED),
    (ErrorCode::Timeout, TIMEOUT),
    (ErrorCode::Unhealthy, FAILED),
    (ErrorCode::Unresponsive, FAILED),
    (ErrorCode::Foreign, FAILED),
    (ErrorCode::PortInUse, FAILED),
    (ErrorCode::Version, FAILED),
    (ErrorCode::CrashLoop, FAILED),
    (ErrorCode::Recursive, FAILED),
    (ErrorCode::Denied, FAILED),
    (ErrorCode::NotRunning, NOT_RUNNING),
    (ErrorCode::Running, OK),
    (ErrorCode::Stop, FAILED),
    (ErrorCode::Cancelled, FAILED),
    (ErrorCode::Native, FAILED),
];

/// The exit code of a command that was ended by this signal, as shells have it.
pub fn signalled(signal: i32) -> u8 {
    SIGNALLED.saturating_add(signal as u8)
}

/// The exit code for an error that the system gave when a command was to be run.
pub fn cannot_run(error: &std::io::Error) -> u8 {
    if error.raw_os_error() == Some(ENOENT) { NOT_FOUND } else { CANNOT_RUN }
}

/// The exit code for an error; `signal` is the one that interrupted us, if one did.
pub fn code(error: &Error, signal: Option<u8>) -> u8 {
    match (error.code(), signal) {
        (ErrorCode::Cancelled, Some(signal)) => SIGNALLED + signal,
        (ErrorCode::Spawn, _) if error.failure().errno == Some(ENOENT) => NOT_FOUND,
        (code, _) => TABLE.iter().find(|(known, _)| *known == code).map_or(FAILED, |(_, exit)| *exit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: ErrorCode, errno: Option<i32>) -> Error {
        let failure = serde_json::json!({ "code": code, "summary": "", "errno": errno });
        Error::from(serde_json::from_value::<spawnlock::Failure>(failure).expect("a failure needs a code and a summary only"))
    }

    #[test]
    fn every_code_of_the_core_has_exactly_one_exit_code() {
        for code in ErrorCode::ALL {
            let rows = TABLE.iter().filter(|(known, _)| known == code).count();
            assert_eq!(rows, 1, "{code} has {rows} rows");
        }
        assert_eq!(TABLE.len(), ErrorCode::ALL.len());
    }

    #[test]
    fn a_missing_program_is_told_from_one_that_cannot_be_run() {
        assert_eq!(code(&error(ErrorCode::Spawn, Some(ENOENT)), None), 127);
        assert_eq!(code(&error(ErrorCode::Spawn, Some(13)), None), 126);
        assert_eq!(code(&error(ErrorCode::Spawn, None), None), 126);
    }

    #[test]
    fn an_interruption_is_told_by_its_signal() {
        assert_eq!(code(&error(ErrorCode::Cancelled, None), Some(2)), 130);
        assert_eq!(code(&error(ErrorCode::Cancelled, None), Some(15)), 143);
        assert_eq!(code(&error(ErrorCode::Timeout, None), Some(15)), 124);
    }
}
