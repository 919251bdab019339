//! What reads bytes that others wrote, for those who try to break it. Not for use: nothing here is stable.

use crate::holder::Holder;
use crate::lock;
use crate::probe::{Check, Endpoint};
use crate::record::{FailedAttempt, Record};

/// The holder that a lock file names.
pub fn lock_file(content: &[u8]) -> Option<Holder> {
    lock::parse(content)
}

/// Whether the bytes are a record of a server or of a failed start; what is read is written and read again.
pub fn record(content: &[u8]) -> bool {
    let record = serde_json::from_slice::<Record>(content).ok();
    if let Some(record) = &record {
        let _ = (record.living_process(), record.endpoint.as_deref().and_then(Endpoint::read));
        let again = serde_json::to_vec(record).ok().and_then(|text| serde_json::from_slice::<Record>(&text).ok());
        assert!(again.is_some(), "what was written can be read");
    }
    let failed = serde_json::from_slice::<FailedAttempt>(content).ok();
    record.is_some() || failed.is_some_and(|failed| !crate::Error::from(failed.failure).to_string().is_empty())
}

/// Whether the text is a check, as a line or as JSON; what is read keeps its meaning when it is written down.
pub fn check(text: &str) -> bool {
    let from_text = Check::parse(text).ok();
    let from_json = serde_json::from_str(text).ok().and_then(|value| Check::from_value(&value).ok());
    for check in from_text.iter().chain(&from_json) {
        let _ = check.endpoint().map(|endpoint| (endpoint.default_name(), endpoint.to_string()));
        if let Some(value) = check.to_value() {
            let again = Check::from_value(&value).ok().and_then(|again| again.to_value());
            assert_eq!(again, Some(value), "a check that was written can be read");
        }
    }
    from_text.is_some() || from_json.is_some()
}

/// The folder of a name: one component, whatever the name is.
pub fn folder(name: &str) -> String {
    crate::place::folder(name)
}

/// Whether a project's file of this name declares servers that make sense.
pub fn config(name: &str, text: &str) -> bool {
    crate::config::try_to_read(name, text)
}
