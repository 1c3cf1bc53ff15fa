//! The probe `mysql`: a login on MySQL or MariaDB over a new connection, and a query.
//!
//! Whether TLS is used: with `ca`, or `ssl-mode` `REQUIRED`, `VERIFY_CA` or `VERIFY_IDENTITY` in the address, always. With
//! `ssl-mode=DISABLED`, never. With neither, always too, but for a server on this machine that does not offer it. Where TLS
//! is used, chain and name are checked. With `socket=PATH` in the address, over that Unix socket and without TLS.
//!
//! A password is proven, not sent; see [`login`].

mod login;
mod packet;
mod talk;

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Instant;

use percent_encoding::percent_decode_str;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use url::Url;

use self::packet::Packets;
use self::talk::{Greeting, Login, Over, Table, Talk};
use super::connect::{Address, dial, no_connection};
use super::trust::Trust;
use super::{Asking, Heard, Miss, took};
use crate::engine::Finding;
use crate::exec::expect::Answer;
use crate::playbook::plan::DatabaseSpec;

/// What is asked when the playbook does not say.
const QUERY: &str = "select 1";

/// Where the server is, and whether the connection is to be encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Way {
    Socket(PathBuf),
    Plain(Address),
    Tls(Address),
    /// Encrypted if the server offers it.
    Either(Address),
}

/// Logs in and asks.
pub(super) async fn ask(spec: &DatabaseSpec, asking: &Asking<'_>) -> Result<Heard, Miss> {
    let scene = asking.scene;
    let url = scene.complete(&spec.url).map_err(Miss::not_asked)?;
    let ca = spec.ca.as_ref().map(|ca| scene.complete(ca)).transpose().map_err(Miss::not_asked)?;
    let (way, mut login) = read_url(&url, ca.is_some_and(|ca| !ca.trim().is_empty()))?;
    login.password = spec.password.as_ref().map(|name| scene.secret(name)).transpose().map_err(Miss::not_asked)?;
    let query = match &spec.query {
        Some(query) => scene.complete(query).map_err(Miss::not_asked)?,
        None => QUERY.to_owned(),
    };

    let begin = Instant::now();
    let (said, version) = match way {
        Way::Socket(path) => {
            let mut packets = Packets::new(reach(&scene.base.join(path), asking).await?);
            let greeting = talk::greeting(&mut packets).await?;
            (converse(packets, &greeting, &login, Over::Socket, &query).await?, "a socket")
        }
        Way::Plain(address) => {
            let mut packets = Packets::new(dial(&address, asking).await?);
            let greeting = talk::greeting(&mut packets).await?;
            (converse(packets, &greeting, &login, Over::Open, &query).await?, "no TLS")
        }
        Way::Tls(address) => {
            let trust = Trust::load(spec.ca.as_ref(), scene).await?;
            let mut packets = Packets::new(dial(&address, asking).await?);
            let greeting = talk::greeting(&mut packets).await?;
            if !greeting.offers_tls {
                return Err(Miss::not_understood("the server does not offer TLS"));
            }
            by_tls(packets, &trust, &address, &greeting, &login, &query).await?
        }
        Way::Either(address) => {
            let mut packets = Packets::new(dial(&address, asking).await?);
            let greeting = talk::greeting(&mut packets).await?;
            if greeting.offers_tls {
                let trust = Trust::load(None, scene).await?;
                by_tls(packets, &trust, &address, &greeting, &login, &query).await?
            } else {
                (converse(packets, &greeting, &login, Over::Open, &query).await?, "no TLS")
            }
        }
    };
    Ok(Heard {
        answer: Answer { text: said.table.first, rows: Some(said.table.rows), ..Answer::default() },
        saw: format!("{} as {}, {version}, {}", said.server, said.account, took(begin.elapsed())),
        shown: spec.query.is_some().then_some(", answer "),
        ..Heard::default()
    })
}

fn read_url(url: &str, ca: bool) -> Result<(Way, Login), Miss> {
    let wrong = |why: &str| Miss::not_asked(format!("the address {why}"));
    let url = Url::parse(url).map_err(|_| wrong("is none; write mysql://USER@HOST:PORT/DATABASE"))?;
    if !matches!(url.scheme(), "mysql" | "mariadb") {
        return Err(wrong("begins neither with mysql:// nor with mariadb://"));
    }
    if url.password().is_some() {
        return Err(wrong("has a password in it; give its name as `password`"));
    }
    let address = Address::of(&url, 3306)?;
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let user = decoded(url.username());
    if user.is_empty() {
        return Err(wrong("names no user; write mysql://USER@HOST"));
    }
    let database = Some(decoded(url.path().trim_start_matches('/'))).filter(|name| !name.is_empty());
    if [Some(&user), database.as_ref()].into_iter().flatten().any(|name| name.contains('\0')) {
        return Err(wrong("has a NUL in a name"));
    }
    let (mut socket, mut mode) = (None, None);
    for (key, value) in url.query_pairs() {
        match &*key {
            "ssl-mode" => mode = Some(value.to_ascii_uppercase()),
            "socket" if !value.is_empty() => socket = Some(PathBuf::from(&*value)),
            other => return Err(wrong(&format!("has {other}; only ssl-mode and socket may stand there"))),
        }
    }
    let login = Login { user, database, password: None };
    let way = match (mode.as_deref(), socket) {
        (Some("DISABLED") | None, Some(_)) if ca => {
            return Err(wrong("goes over a socket, so `ca` has no use; leave one out"));
        }
        (Some("DISABLED") | None, Some(path)) => Way::Socket(path),
        (Some(_), Some(_)) => return Err(wrong("goes over a socket, which has no TLS; leave ssl-mode out")),
        (Some("DISABLED"), None) if ca => {
            return Err(wrong("says ssl-mode=DISABLED, so `ca` has no use; leave one out"));
        }
        (Some("DISABLED"), None) => Way::Plain(address),
        (Some("PREFERRED") | None, None) if address.is_loopback() && !ca => Way::Either(address),
        (Some("REQUIRED" | "VERIFY_CA" | "VERIFY_IDENTITY" | "PREFERRED") | None, None) => Way::Tls(address),
        (Some(other), None) => return Err(wrong(&format!("says ssl-mode={other}, which is not known"))),
    };
    Ok((way, login))
}

/// Connects to a Unix socket.
async fn reach(path: &std::path::Path, asking: &Asking<'_>) -> Result<UnixStream, Miss> {
    let shown = path.display().to_string();
    let stream = UnixStream::connect(path).await.map_err(|error| match error.kind() {
        ErrorKind::NotFound => Miss::new(Finding::Refused, format!("there is no socket {shown}")),
        // The rest is as over a network.
        _ => no_connection(&error, &shown),
    })?;
    asking.connected.store(true, Ordering::Relaxed);
    Ok(stream)
}

struct Said {
    server: String,
    /// The account that the server took the login for, `user@host`.
    account: String,
    table: Table,
}

async fn by_tls(
    mut packets: Packets<TcpStream>,
    trust: &Trust,
    address: &Address,
    greeting: &Greeting,
    login: &Login,
    query: &str,
) -> Result<(Said, &'static str), Miss> {
    talk::ask_for_tls(&mut packets, login).await?;
    let (tcp, next) = packets.into_parts();
    let (stream, version) = trust.handshake(tcp, &address.host).await?;
    let said = converse(Packets::go_on(stream, next), greeting, login, Over::Tls, query).await?;
    Ok((said, version))
}

async fn converse<S>(
    packets: Packets<S>,
    greeting: &Greeting,
    login: &Login,
    over: Over,
    query: &str,
) -> Result<Said, Miss>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut talk = Talk::begin(packets, greeting, login, over).await?;
    // Of several accounts of one name, the one with the most exact host wins: which it was is worth knowing.
    let account = talk.ask("select current_user()").await?.first;
    let table = talk.ask(query).await?;
    talk.end().await;
    Ok(Said { server: greeting.server.clone(), account, table })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(url: &str, ca: bool) -> Result<Way, String> {
        read_url(url, ca).map(|(way, _)| way).map_err(|miss| miss.saw)
    }

    #[test]
    fn encrypted_unless_said_or_at_home() {
        let at = |host: &str, port| Address { host: host.to_owned(), port };
        for (url, ca, wanted) in [
            ("mysql://u@db.example/d", false, Way::Tls(at("db.example", 3306))),
            ("mysql://u@db.example:1/d?ssl-mode=preferred", false, Way::Tls(at("db.example", 1))),
            ("mysql://u@db.example/d?ssl-mode=DISABLED", false, Way::Plain(at("db.example", 3306))),
            ("mariadb://u@127.0.0.1", false, Way::Either(at("127.0.0.1", 3306))),
            ("mysql://u@localhost?ssl-mode=REQUIRED", false, Way::Tls(at("localhost", 3306))),
            ("mysql://u@localhost/d", true, Way::Tls(at("localhost", 3306))),
            ("mysql://u@localhost/d?socket=/run/my%20sql", false, Way::Socket(PathBuf::from("/run/my sql"))),
        ] {
            assert_eq!(way(url, ca), Ok(wanted), "{url}");
        }
        for (url, ca, word) in [
            ("mysql://u@localhost/d?ssl-mode=DISABLED", true, "leave one out"),
            ("mysql://u@localhost/d?socket=/s", true, "leave one out"),
            ("mysql://u@localhost/d?socket=/s&ssl-mode=REQUIRED", false, "has no TLS"),
            ("mysql://u@localhost/d?ssl-mode=off", false, "ssl-mode=OFF"),
            ("mysql://u@localhost/d?compress=1", false, "has compress"),
            ("mysql://localhost/d", false, "no user"),
            ("mysql://u%00@localhost/d", false, "NUL"),
            ("mysql://u:CANARY-1@localhost/d", false, "has a password"),
            ("postgres://u@localhost", false, "mysql://"),
            ("x", false, "mysql://USER"),
        ] {
            let said = way(url, ca).unwrap_err();
            assert!(said.contains(word) && !said.contains("CANARY"), "{url}: {said}");
        }
    }

    #[test]
    fn the_parts_of_an_address_are_decoded() {
        let (_, login) = read_url("mysql://key%40stone@db.example/ks%5F1", false).unwrap();
        assert_eq!((login.user.as_str(), login.database.as_deref()), ("key@stone", Some("ks_1")));
        assert_eq!(read_url("mysql://u@db.example/", false).unwrap().1.database, None);
    }
}
