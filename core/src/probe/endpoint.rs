//! Where a server answers.

use std::fmt;
use std::path::PathBuf;

/// Where a server answers: what makes two callers of one name agree or conflict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Tcp { scheme: &'static str, host: String, port: u16 },
    Unix(PathBuf),
}

impl Endpoint {
    /// Whether a caller who means `other` means this server. The names and addresses of this machine are one.
    pub(crate) fn same_as(&self, other: &Endpoint) -> bool {
        match (self, other) {
            (Endpoint::Unix(one), Endpoint::Unix(two)) => one == two,
            (Endpoint::Tcp { host: one, port, .. }, Endpoint::Tcp { host: two, port: other, .. }) => {
                port == other && (one.eq_ignore_ascii_case(two) || (is_loopback(one) && is_loopback(two)))
            }
            _ => false,
        }
    }

    pub(crate) fn host(&self) -> Option<&str> {
        match self {
            Endpoint::Tcp { host, .. } => Some(host),
            Endpoint::Unix(_) => None,
        }
    }

    /// The port, when it is one of this machine.
    pub(crate) fn loopback_port(&self) -> Option<u16> {
        match self {
            Endpoint::Tcp { host, port, .. } => is_loopback(host).then_some(*port),
            Endpoint::Unix(_) => None,
        }
    }

    pub(crate) fn port(&self) -> Option<u16> {
        match self {
            Endpoint::Tcp { port, .. } => Some(*port),
            Endpoint::Unix(_) => None,
        }
    }

    /// The name of a server that was given none: `localhost_1987`.
    pub(crate) fn default_name(&self) -> String {
        match self {
            Endpoint::Tcp { host, port, .. } if is_loopback(host) => format!("localhost_{port}"),
            Endpoint::Tcp { host, port, .. } => format!("{host}_{port}"),
            Endpoint::Unix(path) => path.display().to_string(),
        }
    }

    /// Reads what [`Display`](fmt::Display) wrote.
    pub(crate) fn read(text: &str) -> Option<Endpoint> {
        if let Some(path) = text.strip_prefix("unix:") {
            return Some(Endpoint::Unix(path.into()));
        }
        let (scheme, rest) = text.split_once("://")?;
        let (host, port) = split_authority(rest).ok()?;
        Some(Endpoint::Tcp { scheme: if scheme == "http" { "http" } else { "tcp" }, host, port })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Tcp { scheme, host, port } => write!(f, "{scheme}://{}", authority(host, *port)),
            Endpoint::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// `host:port`, `[v6]:port`.
pub(super) fn split_authority(text: &str) -> std::result::Result<(String, u16), String> {
    let (host, port) = text.rsplit_once(':').ok_or("it has no port")?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let port = port.parse().ok().filter(|port| *port > 0).ok_or_else(|| format!("`{port}` is no port"))?;
    if host.is_empty() || host.contains(['/', '[', ']', ' ']) {
        return Err(format!("`{host}` is no host"));
    }
    Ok((host.to_owned(), port))
}

pub(super) fn authority(host: &str, port: u16) -> String {
    format!("{}:{port}", url_host(host))
}

/// The host as it stands in an address: one of version 6 in brackets.
pub(crate) fn url_host(host: &str) -> String {
    if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() }
}

/// Where a server answers of which only host and port are known.
pub(crate) fn endpoint_of(scheme: &'static str, host: &str, port: u16) -> Endpoint {
    Endpoint::Tcp { scheme, host: host.to_owned(), port }
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback() || address.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::Endpoint;

    #[test]
    fn the_addresses_of_this_machine_are_one() {
        let at = |text| Endpoint::read(text).unwrap();
        assert!(at("http://localhost:1987").same_as(&at("tcp://127.0.0.1:1987")));
        assert!(at("http://[::1]:1987").same_as(&at("http://localhost:1987")));
        assert!(!at("http://localhost:1987").same_as(&at("http://localhost:1988")));
        assert!(!at("http://localhost:1987").same_as(&at("http://example.org:1987")));
        assert_eq!(at("http://[::1]:1987").default_name(), "localhost_1987");
    }

    #[test]
    fn an_endpoint_reads_what_it_wrote() {
        for text in ["http://localhost:1987", "tcp://[::1]:22", "unix:/run/a b.sock"] {
            assert_eq!(Endpoint::read(text).unwrap().to_string(), text);
        }
    }
}
