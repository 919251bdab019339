//! This machine and this process's part of it: loopback, limits, and what the environment says.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, TcpStream};
use std::time::Duration;

use super::Finding;
use crate::config;
use crate::environment;
use crate::error::Result;
use crate::spec::ServerSpec;
use crate::sys;

/// Longer than a connection to oneself takes.
const CONNECT: Duration = Duration::from_secs(1);
/// A server, its clients and our few descriptors want at least so many.
const FEW_DESCRIPTORS: u64 = 256;

pub(super) fn findings() -> Vec<Finding> {
    let v4 = loopback("loopback v4", IpAddr::V4(Ipv4Addr::LOCALHOST));
    let v6 = loopback("loopback v6", IpAddr::V6(Ipv6Addr::LOCALHOST));
    [v4, v6, watches(), descriptors()].into_iter().chain(proxies()).chain([overrides(), switches()].into_iter().flatten()).collect()
}

fn loopback(about: &'static str, address: IpAddr) -> Finding {
    match reach(address) {
        Ok(()) => Finding::ok(about, format!("{address} can be served and reached")),
        Err(error) if address.is_ipv6() => {
            Finding::warn(about, format!("{address} cannot be used: {error}"), "serve 127.0.0.1; `localhost` in a check tries both")
        }
        Err(error) => {
            Finding::fail(about, format!("{address} cannot be used: {error}"), "bring the loopback interface up: ip link set lo up")
        }
    }
}

fn reach(address: IpAddr) -> io::Result<()> {
    let listener = TcpListener::bind((address, 0))?;
    TcpStream::connect_timeout(&listener.local_addr()?, CONNECT).map(drop)
}

/// Waiters are woken by the kernel where it can be.
fn watches() -> Finding {
    const ABOUT: &str = "waking";
    match sys::Watch::on(&[sys::Wanted::Published(&std::path::absolute("/").unwrap_or_default())]) {
        Ok(_) => Finding::ok(ABOUT, "the kernel wakes those who wait"),
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Finding::ok(ABOUT, "those who wait look every few milliseconds"),
        Err(error) => Finding::warn(
            ABOUT,
            format!("no inotify to be had ({error}): those who wait look every few milliseconds"),
            "raise fs.inotify.max_user_instances and fs.inotify.max_user_watches",
        ),
    }
}

fn descriptors() -> Finding {
    const ABOUT: &str = "descriptors";
    match sys::descriptor_limit() {
        Some(limit) if limit < FEW_DESCRIPTORS => {
            Finding::warn(ABOUT, format!("{limit} open files a process"), "raise the limit: ulimit -n 1024")
        }
        Some(limit) => Finding::ok(ABOUT, format!("{limit} open files a process")),
        None => Finding::ok(ABOUT, "as many open files as a process likes"),
    }
}

fn proxies() -> Option<Finding> {
    let names: Vec<String> = environment::proxies().into_iter().map(|(key, _)| key).collect();
    (!names.is_empty()).then(|| Finding::ok("proxies", format!("{} set; health questions on this machine use none", names.join(", "))))
}

fn overrides() -> Option<Finding> {
    let set: Vec<String> = environment::overrides().into_iter().map(|(key, value)| format!("{key}={value}")).collect();
    (!set.is_empty()).then(|| Finding::ok("environment", set.join(", ")))
}

/// Variables that make starts impossible or are wrong.
fn switches() -> Option<Finding> {
    const ABOUT: &str = "variables";
    match is_switched_off() {
        Err(error) => Some(Finding::fail(ABOUT, &error.failure().summary, "correct it or unset it")),
        Ok(true) => Some(Finding::warn(
            ABOUT,
            format!("{} is set: nothing is started", environment::DISABLE),
            "unset it where servers are to be started",
        )),
        Ok(false) => None,
    }
}

/// Whether starting is switched off; an error for a variable that every call would refuse.
fn is_switched_off() -> Result<bool> {
    config::with_variables(&ServerSpec::unnamed())?;
    environment::scaled(Duration::ZERO)?;
    environment::disabled()
}
