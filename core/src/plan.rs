//! A checked spec: every default and every check of an option, written once.

use std::time::Duration;

use crate::cancel::{Cancel, Patience};
use crate::config::Resolved;
use crate::deadline::{self, Deadline};
use crate::environment;
use crate::error::{Error, ErrorCode, Result};
use crate::event::Listener;
use crate::listen::{Listen, Listening};
use crate::lock::StartLock;
use crate::place::{self, Place};
use crate::policy::OnLockUnavailable;
use crate::policy::Policy;
use crate::port::Port;
use crate::probe::{Check, CheckSource, Endpoint, Probe, endpoint_of, parse_identity};
use crate::record::Declared;
use crate::scope::{self, Scope};
use crate::spec::ServerSpec;
use crate::start::Start;
use crate::stop_when::StopWhen;

/// How long a start may take.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);
/// How long one health question may take.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a server may take to end after the polite signal.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// Stands for a port that is not known yet, where options are only checked.
const UNKNOWN: u16 = 1;

/// A checked spec.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) endpoint: Option<Endpoint>,
    pub(crate) probe: Probe,
    /// Somebody else runs it: the variable that says so, and where. Then it is only looked at, and our records do not matter.
    pub(crate) elsewhere: Option<(String, String)>,
    /// Where its port is reached, and its port, once that is known.
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    pub(crate) listen: Vec<Listen>,
    /// How to start it; `None` when this call may only look.
    pub(crate) start: Option<Start>,
    pub(crate) patience: Patience,
    pub(crate) timeout: Duration,
    pub(crate) lock: StartLock,
    pub(crate) lock_patience: Option<Duration>,
    pub(crate) on_lock_unavailable: OnLockUnavailable,
    pub(crate) stop_timeout: Duration,
    /// The same before the scale of this machine, for a later call.
    pub(crate) stop_timeout_asked: Duration,
    pub(crate) stop: StopWhen,
    pub(crate) policy: Policy,
    pub(crate) listener: Listener,
    /// What a record keeps, for a restart.
    pub(crate) declared: Declared,
    /// What all this was made from, by its whole name, for when the port becomes known.
    pub(crate) spec: Box<ServerSpec>,
}

impl Plan {
    /// Learns the port, or that there is none. What the call has begun with stays: its time, its name, what was declared.
    pub(crate) fn move_to(&mut self, port: Option<u16>) -> Result<()> {
        if self.port == port {
            return Ok(());
        }
        let fresh = self.spec.as_ref().clone().plan_at(port, Declared::default())?;
        let (patience, timeout, declared) = (self.patience.clone(), self.timeout, std::mem::take(&mut self.declared));
        *self = Plan { patience, timeout, declared, ..fresh };
        Ok(())
    }

    /// What the server is told of its address, where a port is declared.
    pub(crate) fn address_variables(&self) -> Vec<(String, String)> {
        let port = self.port.filter(|_| self.spec.port.is_some());
        let told = port.map(|port| [(environment::PORT.to_owned(), port.to_string()), (environment::HOST.to_owned(), self.host.clone())]);
        told.into_iter().flatten().collect()
    }

    /// Whether somebody's queue takes connections at the server's address before the server does.
    pub(crate) fn is_queued_for(&self) -> bool {
        self.endpoint.as_ref().is_some_and(|endpoint| self.listen.iter().any(|listen| listen.is_at(endpoint)))
    }
}

impl ServerSpec {
    /// Adds what files and variables say, checks every option and fills in the defaults.
    pub(crate) fn plan(self) -> Result<Plan> {
        let Resolved { spec, declared, file } = self.resolve()?;
        let declared_at = file.and_then(|(project, name)| project.place_of(&name, None));
        let declared = Declared::of(&declared.with_usual_check());
        let port = spec.port.and_then(Port::number);
        spec.with_usual_check().plan_at(port, declared).map_err(|error| match declared_at {
            Some(at) if error.code() == ErrorCode::Config => error.hint(format!("the server is declared in {at}")),
            _ => error,
        })
    }

    /// The plan with this port; without one it is not known where to ask, and nobody is taken to be there.
    fn plan_at(mut self, port: Option<u16>, declared: Declared) -> Result<Plan> {
        self.check_addresses()?;
        let filled = if self.port.or(port.map(Port::Number)).is_some() { self.filled(port.unwrap_or(UNKNOWN)) } else { self.clone() };
        let mut plan = filled.planned(port)?;
        self.name = Some(plan.name.clone());
        self.scope = Some(Scope::User);
        if self.port.is_some() && port.is_none() && plan.elsewhere.is_none() {
            (plan.endpoint, plan.probe.checks) = (None, Vec::new());
        }
        Ok(Plan { declared, spec: Box::new(self), ..plan })
    }

    /// What can be said of the addresses as they were written.
    fn check_addresses(&self) -> Result<()> {
        match self.port {
            None if self.host.is_some() => Err(Error::config("host", "needs `port` as well")),
            None if self.listen.iter().any(Listening::asks_for_chosen) => {
                Err(Error::config("listen", "asks for a port that is chosen at the start: say port `auto` as well"))
            }
            Some(Port::Number(0)) => Err(Error::config("port", "is 0: write a number from 1 to 65535, or `auto`")),
            Some(Port::Auto) if self.name.is_none() => {
                Err(Error::config("name", "is missing: by its name others find the port that is chosen"))
            }
            _ => Ok(()),
        }
    }

    fn planned(self, port: Option<u16>) -> Result<Plan> {
        let checks = self.ready.iter().map(CheckSource::read).collect::<Result<Vec<Check>>>()?;
        let missing = || Error::config("ready", "is missing: say how to tell that the server is ready, as in http://localhost:1987/health");
        if checks.is_empty() && self.name.is_none() {
            return Err(missing());
        }
        let host = self.host_or_usual().to_owned();
        let listen = self.listen.iter().map(|at| at.read(port.or(Some(UNKNOWN)), &host)).collect::<Result<Vec<Listen>>>()?;
        let of_port = || port.map(|port| endpoint_of("tcp", &host, port));
        let name = self.checked_name(checks.iter().find_map(Check::endpoint).or_else(of_port).as_ref())?;
        let elsewhere = self.elsewhere(&name);
        let checks = match &elsewhere {
            Some((variable, url)) => Check::elsewhere(checks, variable, url)?,
            None if checks.is_empty() => return Err(missing()),
            None => checks,
        };
        if let Some(check) = checks.iter().find(|check| elsewhere.is_none() && listen.iter().any(|listen| listen.fools(check))) {
            return Err(Error::config(
                "ready",
                format!(
                    "is `{check}`, where `listen` has a connection accepted before the server is up: ask for a page, as in http://localhost:1987/health"
                ),
            ));
        }
        let endpoint = checks.iter().find_map(Check::endpoint).or_else(of_port);
        let place = Place::of(&place::state_dir(self.state_dir.as_deref())?, &name)?;
        let over_http = checks.iter().any(|check| matches!(check, Check::Http(_)));
        let identity = self.identity.as_ref().filter(|_| over_http || elsewhere.is_none()).map(parse_identity).transpose()?;
        if identity.is_some() && !over_http {
            return Err(Error::config("identity", "needs a check over HTTP: it looks at the fields of an answer"));
        }
        if self.version_field.is_some() && !over_http {
            return Err(Error::config("versionField", "needs a check over HTTP: it is a field of an answer"));
        }
        let policy = self.checked_policy()?;
        let timeout = environment::scaled(at_least_some("timeout", self.timeout.unwrap_or(TIMEOUT))?)?;
        let probe_timeout = environment::scaled(at_least_some("probeTimeout", self.probe_timeout.unwrap_or(PROBE_TIMEOUT))?)?;
        let stop_timeout_asked = self.stop_timeout.unwrap_or(STOP_TIMEOUT);
        Ok(Plan {
            start: if elsewhere.is_some() || environment::disabled()? { None } else { self.checked_start()? },
            probe: Probe { checks, identity, version_field: self.version_field.clone(), timeout: probe_timeout },
            patience: Patience::new(Deadline::after(timeout), self.cancel.clone().unwrap_or_else(Cancel::never)),
            timeout,
            lock: StartLock::of(
                &place,
                self.lock.unwrap_or_default(),
                self.lock_file.as_deref().map(|file| place::file_path("lockFile", file)).transpose()?,
            ),
            lock_patience: self.lock_patience.map(environment::scaled).transpose()?,
            on_lock_unavailable: self.on_lock_unavailable.unwrap_or_default(),
            stop_timeout: environment::scaled(stop_timeout_asked)?,
            stop_timeout_asked,
            stop: self.checked_stop()?,
            policy,
            listener: self.listener.clone(),
            declared: Declared::default(),
            spec: Box::default(),
            host,
            port,
            listen,
            endpoint,
            elsewhere,
            name,
            place,
        })
    }

    /// The variable that says where somebody else runs the server, and what it says. What a record tells of runs here.
    fn elsewhere(&self, name: &str) -> Option<(String, String)> {
        let variable = environment::url_variable(name);
        let url = environment::text(&variable).filter(|_| !self.from_record)?;
        Some((variable, url))
    }

    fn checked_name(&self, endpoint: Option<&Endpoint>) -> Result<String> {
        let name = match (&self.name, endpoint) {
            (Some(name), _) => name.clone(),
            (None, Some(endpoint)) => endpoint.default_name(),
            (None, None) => return Err(Error::config("name", "is missing, and no check has an address to make one from")),
        };
        let project = self.scope.map_or(self.port == Some(Port::Auto), |scope| scope == Scope::Project);
        let name = if project { scope::in_project(&name)? } else { name };
        checked_name(&name)?;
        Ok(name)
    }

    fn checked_stop(&self) -> Result<StopWhen> {
        match (self.stop, self.linger) {
            (Some(StopWhen::Never), Some(_)) => {
                Err(Error::config("linger", "needs `stop` to be `last`: a server that is never stopped does not linger"))
            }
            _ => Ok(self.stop_when()),
        }
    }

    /// When it is to be stopped, with the defaults of a lingering server and of a scope.
    pub(crate) fn stop_when(&self) -> StopWhen {
        let by_default = if self.linger.is_some() || self.in_scope { StopWhen::Last } else { StopWhen::Never };
        self.stop.unwrap_or(by_default)
    }
}

/// A name that a person can type again.
pub(crate) fn checked_name(name: &str) -> Result<()> {
    if name.is_empty() {
        return Err(Error::config("name", "is empty"));
    }
    if name.len() > 1024 || name.chars().any(char::is_control) {
        return Err(Error::config("name", "must be at most 1024 bytes of text without control characters"));
    }
    Ok(())
}

/// How long a server gets to end, when it is stopped by its name.
pub(crate) fn stop_timeout(asked: Option<Duration>) -> Result<Duration> {
    time_for(asked, environment::STOP_TIMEOUT, STOP_TIMEOUT)
}

/// How long a call may take that is about no server of a spec, and one question of it.
pub(crate) fn timeouts(call: Option<Duration>, question: Option<Duration>) -> Result<(Duration, Duration)> {
    let call = at_least_some("timeout", time_for(call, environment::READY_TIMEOUT, TIMEOUT)?)?;
    let question = at_least_some("probeTimeout", time_for(question, environment::PROBE_TIMEOUT, PROBE_TIMEOUT)?)?;
    Ok((call, question))
}

/// What was asked for, else what the variable says, else the default; by the scale of this machine.
fn time_for(asked: Option<Duration>, variable: &str, by_default: Duration) -> Result<Duration> {
    let asked = match (asked, environment::text(variable)) {
        (None, Some(text)) => deadline::duration(variable, &text)?,
        (asked, _) => asked.unwrap_or(by_default),
    };
    environment::scaled(asked)
}

fn at_least_some(option: &str, time: Duration) -> Result<Duration> {
    if time.is_zero() {
        return Err(Error::config(option, "must be longer than nothing"));
    }
    Ok(time)
}
