//! Connections: addresses, how a server is reached, and what is said when it is not.

use std::fmt;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::Ordering;

use tokio::net::{TcpStream, lookup_host};

use super::{Asking, Miss};
use crate::engine::Finding;

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// A name, or an IP address without brackets.
    pub host: String,
    pub port: u16,
}

impl Address {
    /// Reads `HOST:PORT`; an IPv6 address stands in brackets.
    pub(super) fn parse(text: &str) -> Result<Self, Miss> {
        let wrong = || Miss::not_asked(format!("{text} is no address; write HOST:PORT"));
        let (host, port) = text.trim().rsplit_once(':').ok_or_else(wrong)?;
        let port = port.parse::<u16>().ok().filter(|&port| port != 0).ok_or_else(wrong)?;
        let host = match host.strip_prefix('[') {
            Some(inner) => {
                let inner = inner.strip_suffix(']').ok_or_else(wrong)?;
                inner.parse::<Ipv6Addr>().map_err(|_| wrong())?;
                inner
            }
            None => host,
        };
        if host.is_empty() || host.contains(char::is_whitespace) || (host.contains(':') && !text.contains('[')) {
            return Err(wrong());
        }
        Ok(Self { host: host.to_owned(), port })
    }

    /// Takes the host and the port of a URL.
    pub(super) fn of(url: &url::Url, default_port: u16) -> Result<Self, Miss> {
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| Miss::not_asked("the address names no host"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self { host, port: url.port().unwrap_or(default_port) })
    }

    /// Says whether it is this machine.
    pub(super) fn is_loopback(&self) -> bool {
        match self.host.parse::<IpAddr>() {
            Ok(ip) => ip.to_canonical().is_loopback(),
            Err(_) => self.host == "localhost" || self.host.ends_with(".localhost"),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Makes a new connection.
pub(super) async fn dial(address: &Address, asking: &Asking<'_>) -> Result<TcpStream, Miss> {
    let found = lookup_host((address.host.as_str(), address.port)).await;
    let found = found.map_err(|_| Miss::unreachable(format!("the name {} is not known", address.host)))?;
    let mut miss = Miss::unreachable(format!("the name {} has no address", address.host));
    for ip in found {
        match TcpStream::connect(ip).await {
            Ok(stream) => {
                asking.connected.store(true, Ordering::Relaxed);
                // Questions are short, and each waits for its answer.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            // Of several addresses, one where the machine answered says more than one that is out of reach.
            Err(error) if miss.finding != Finding::Refused => miss = no_connection(&error, &address.to_string()),
            Err(_) => {}
        }
    }
    Err(miss)
}

/// Says why there is no connection.
pub(super) fn no_connection(error: &std::io::Error, address: &str) -> Miss {
    match error.kind() {
        ErrorKind::ConnectionRefused => Miss::new(Finding::Refused, format!("nothing listens on {address}")),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
            Miss::unreachable(format!("there is no way to {address}"))
        }
        ErrorKind::TimedOut => Miss::unreachable(format!("no answer from {address}")),
        // Whatever else the system has in store: its own word for it.
        _ => Miss::unreachable(format!("no connection to {address}: {error}")),
    }
}

/// Says that a connection ended, or broke, where an answer should have been.
pub(super) fn broken(error: &std::io::Error, protocol: &str) -> Miss {
    match error.kind() {
        ErrorKind::UnexpectedEof
        | ErrorKind::ConnectionReset
        | ErrorKind::BrokenPipe
        | ErrorKind::ConnectionAborted => {
            Miss::not_understood(format!("it closed the connection instead of answering as {protocol} does"))
        }
        // Whatever else the system has in store: its own word for it.
        _ => Miss::not_understood(format!("it does not answer as {protocol} does: {error}")),
    }
}
