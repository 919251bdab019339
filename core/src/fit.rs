//! Whether a server that runs will do, and replacing it where it will not.

use std::cmp::Ordering;

use crate::call::Because;
use crate::end::{self, Ours};
use crate::ended::EndReason;
use crate::ensure::Next;
use crate::error::{Error, ErrorCode, Result};
use crate::event::EventKind;
use crate::flow::Flow;
use crate::life::Known;
use crate::lock::others_hold_leases;
use crate::policy::{OnMismatch, Reuse};
use crate::probe::Endpoint;
use crate::record::{FailedAttempt, Record};
use crate::server::Origin;
use crate::sys;
use crate::version::order;

/// What to do with a healthy server.
pub(crate) enum Fit {
    AsItIs,
    Replace(Because),
}

impl Flow {
    /// Whether a healthy server of ours will do.
    pub(crate) fn fit(&self, record: &Record) -> Result<Fit> {
        let plan = &self.call.plan;
        if plan.policy.reuse == Reuse::Never && !self.awaits(record) {
            return Ok(Fit::Replace(Because { reason: EndReason::Replaced, why: "reuse never".to_owned(), outlives: None }));
        }
        let Some(wanted) = plan.policy.version.as_deref() else { return Ok(Fit::AsItIs) };
        // What was started for this version is this version, whatever it says of itself: else it would be replaced for ever.
        if record.version.as_deref() == Some(wanted) {
            return Ok(Fit::AsItIs);
        }
        let running = self.call.last().and_then(|answer| answer.version.clone()).or_else(|| record.version.clone());
        self.fit_version(wanted, running, record)
    }

    fn fit_version(&self, wanted: &str, running: Option<String>, record: &Record) -> Result<Fit> {
        let plan = &self.call.plan;
        let shown = running.as_deref().unwrap_or("unknown");
        let newer = running.as_deref().map_or(Some(Ordering::Greater), |running| order(wanted, running));
        if newer == Some(Ordering::Equal) {
            return Ok(Fit::AsItIs);
        }
        let keep = match plan.policy.on_mismatch {
            OnMismatch::Error => return Err(self.call.report().version(wanted, running.as_deref(), record.pid)),
            OnMismatch::Reuse => Some("as it is asked for"),
            OnMismatch::Restart if newer == Some(Ordering::Less) => Some("which is newer"),
            OnMismatch::Restart if newer.is_none() && record.outlived.iter().any(|old| old == wanted) => {
                Some("which took the place of the other one before")
            }
            OnMismatch::Restart if plan.start.is_none() => Some("because this call starts nothing"),
            OnMismatch::Restart if others_hold_leases(&plan.place) => Some("because others hold leases on it"),
            OnMismatch::Restart => None,
        };
        match keep {
            Some(why) => {
                self.call.warn(format!("server \"{}\" is of version {shown} and not {wanted}: using it, {why}", plan.name));
                Ok(Fit::AsItIs)
            }
            None => {
                let why = format!("version {shown} → {wanted}");
                Ok(Fit::Replace(Because { reason: EndReason::Outdated, why, outlives: running }))
            }
        }
    }

    /// Whether a healthy server that is none of ours will do. It is never stopped.
    pub(crate) fn accept_foreign(&self) -> Result<()> {
        let policy = &self.call.plan.policy;
        if policy.reuse != Reuse::Healthy {
            return Err(self.call.report().not_owned(policy.reuse));
        }
        let Some(wanted) = policy.version.as_deref() else { return Ok(()) };
        let running = self.call.last().and_then(|answer| answer.version.as_deref());
        let order = running.map(|running| order(wanted, running));
        let fails = match (policy.on_mismatch, order) {
            (_, Some(Some(Ordering::Equal))) => return Ok(()),
            (OnMismatch::Error, _) => true,
            (OnMismatch::Restart, Some(order)) => order != Some(Ordering::Less),
            (OnMismatch::Restart, None) | (OnMismatch::Reuse, _) => false,
        };
        if fails {
            return Err(self.call.report().version(wanted, running, None).hint("somebody else started it, so it is not ours to replace"));
        }
        let shown = running.unwrap_or("unknown");
        self.call.warn(format!("server \"{}\" is of version {shown} and not {wanted}: somebody else started it", self.call.plan.name));
        Ok(())
    }

    /// With `reuse` owned, one that has our alive lock may still not be the one that answers.
    pub(crate) fn refuse_other_users(&self) -> Result<()> {
        let plan = &self.call.plan;
        let port = plan.endpoint.as_ref().and_then(Endpoint::loopback_port).filter(|_| plan.policy.reuse != Reuse::Healthy);
        match port.and_then(sys::listener_uid).filter(|uid| *uid != sys::user_id()) {
            Some(_) => Err(self.call.report().not_owned(plan.policy.reuse)),
            None => Ok(()),
        }
    }

    /// Under the lock: takes what was found, or ends it and looks again.
    pub(crate) fn settle(&mut self, next: Next) -> Result<Next> {
        let record = match next {
            Next::Found(None, origin) => {
                self.accept_foreign()?;
                return Ok(Next::Found(None, origin));
            }
            Next::Found(Some(record), origin) => match self.fit(&record)? {
                Fit::AsItIs => {
                    self.refuse_other_users()?;
                    return Ok(Next::Found(Some(record), if self.replaces.is_some() { Origin::Joined } else { origin }));
                }
                Fit::Replace(because) => {
                    self.call.because = Some(because);
                    record
                }
            },
            next => return Ok(next),
        };
        let wanted = || others_hold_leases(&self.call.plan.place);
        if !self.end_replaced(&record, wanted).inspect_err(|error| self.publish_of_replacement(&record, error))? {
            self.call.warn(format!("server \"{}\" got other users just now: using it as it is", record.name));
            self.call.because = None;
            return Ok(Next::Found(Some(record), Origin::Reused));
        }
        // Its address is free when nobody answers there: what answers now is none of ours.
        let next = self.weigh()?;
        if matches!(next, Next::Found(None, _)) {
            self.accept_foreign()?;
        }
        Ok(next)
    }

    /// A server of ours that does not answer, and is to be replaced. Only its alive lock proves that it is ours.
    pub(crate) fn replace_unresponsive(&mut self, known: &Known) -> Result<()> {
        self.call.because = Some(Because { reason: EndReason::Replaced, why: "unresponsive".to_owned(), outlives: None });
        self.end_replaced(&known.record, || false).map(drop)
    }

    fn end_replaced(&self, record: &Record, wanted: impl Fn() -> bool) -> Result<bool> {
        let Some(because) = &self.call.because else { return Ok(true) };
        self.end_for(record, because.reason, &format!("to replace it: {}", because.why), wanted)
    }

    /// Ends a server that another start takes the place of, but not from within it; `false` when it is wanted after all.
    pub(crate) fn end_for(&self, record: &Record, reason: EndReason, purpose: &str, wanted: impl Fn() -> bool) -> Result<bool> {
        let call = &self.call;
        if Ours::of(&call.plan.place, record, false).includes(std::process::id()) {
            return Err(call.report().recursive());
        }
        call.tell(EventKind::Stopping, format!("stopping server \"{}\", {purpose}", record.name), record.pid);
        end::end_server(&call.plan.place, record, reason, call.plan.stop_timeout, &call.plan.patience, wanted)
    }

    fn publish_of_replacement(&self, record: &Record, error: &Error) {
        if self.is_everybodys(error) && error.code() == ErrorCode::Stop {
            let _ = FailedAttempt::publish_restart(&self.call.plan.place, record.generation, error);
        }
    }
}
