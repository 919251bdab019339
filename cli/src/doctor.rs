//! `server-init doctor`.

use serde::Serialize;
use spawnlock::{Finding, Grade, StateDir};

use crate::args::{Common, Doctor};
use crate::exit;
use crate::output::Output;
use crate::trouble::Result;

/// All that was looked at.
#[derive(Serialize)]
struct Report<'a> {
    ok: bool,
    findings: Vec<Facts<'a>>,
}

#[derive(Serialize)]
struct Facts<'a> {
    grade: &'static str,
    about: &'static str,
    text: &'a str,
    advice: Option<&'a str>,
}

impl<'a> From<&'a Finding> for Facts<'a> {
    fn from(finding: &'a Finding) -> Self {
        Facts { grade: finding.grade.as_str(), about: finding.about, text: &finding.text, advice: finding.advice.as_deref() }
    }
}

pub fn run(args: &Doctor, common: &Common, output: &Output) -> Result<u8> {
    let findings = StateDir::new(common.state_dir.as_deref())?.doctor(args.name.as_deref())?;
    let ok = findings.iter().all(|finding| finding.grade != Grade::Fail);
    let text = findings.iter().map(line).collect::<Vec<_>>().join("\n");
    output.result(text, &Report { ok, findings: findings.iter().map(Facts::from).collect() })?;
    Ok(if ok { exit::OK } else { exit::FAILED })
}

/// `warn  locks            this file system has no flock …`, and below what to do.
fn line(finding: &Finding) -> String {
    let advice = finding.advice.as_ref().map(|advice| format!("\n{:23}do: {advice}", "")).unwrap_or_default();
    format!("{:<6}{:<17}{}{advice}", finding.grade.as_str(), finding.about, finding.text)
}
