//! The probe `postgres`: a login on a new connection, and a query.
//!
//! Whether TLS is used: with `ca`, or `sslmode` `require`, `verify-ca` or `verify-full` in the address, always. With
//! `sslmode=disable`, never. With neither, always too, but for a server on this machine that does not offer it. Where TLS is
//! used, chain and name are checked: there is no way to encrypt to somebody unknown. TLS is negotiated here rather than by
//! the client library, so that every failure has the same words as in the other probes; what is lost by that is channel
//! binding, which a checked certificate makes up for.

use std::time::Instant;

use percent_encoding::percent_decode_str;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Config, NoTls, SimpleQueryMessage};
use url::Url;

use super::connect::{Address, broken, dial};
use super::trust::Trust;
use super::{Asking, Heard, Miss, took};
use crate::exec::expect::Answer;
use crate::playbook::plan::DatabaseSpec;

/// What is asked when the playbook does not say.
const QUERY: &str = "select 1";

/// The first message: may we speak TLS?
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// Whether the connection is to be encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tls {
    Never,
    Always,
    IfOffered,
}

/// Logs in and asks.
pub(super) async fn ask(spec: &DatabaseSpec, asking: &Asking<'_>) -> Result<Heard, Miss> {
    let scene = asking.scene;
    let url = scene.complete(&spec.url).map_err(Miss::not_asked)?;
    let ca = spec.ca.as_ref().map(|ca| scene.complete(ca)).transpose().map_err(Miss::not_asked)?;
    let (address, mut config, tls) = read_url(&url, ca.is_some_and(|ca| !ca.trim().is_empty()))?;
    if let Some(name) = &spec.password {
        config.password(scene.secret(name).map_err(Miss::not_asked)?.expose());
    }
    let query = match &spec.query {
        Some(query) => scene.complete(query).map_err(Miss::not_asked)?,
        None => QUERY.to_owned(),
    };
    let trust = if tls == Tls::Never { None } else { Some(Trust::load(spec.ca.as_ref(), scene).await?) };

    let begin = Instant::now();
    let mut tcp = dial(&address, asking).await?;
    let offered = match &trust {
        Some(trust) if offers_tls(&mut tcp).await? => Some(trust),
        Some(_) if tls == Tls::Always => {
            return Err(Miss::not_understood("the server does not offer TLS"));
        }
        Some(_) | None => None,
    };
    let (said, version) = match offered {
        Some(trust) => {
            let (stream, version) = trust.handshake(tcp, &address.host).await?;
            (talk(stream, &config, &query).await?, version)
        }
        None => (talk(tcp, &config, &query).await?, "no TLS"),
    };
    Ok(Heard {
        answer: Answer { text: said.first, rows: Some(said.rows), ..Answer::default() },
        saw: format!("PostgreSQL {}, {version}, {}", said.server, took(begin.elapsed())),
        shown: spec.query.is_some().then_some(", answer "),
        ..Heard::default()
    })
}

fn read_url(url: &str, ca: bool) -> Result<(Address, Config, Tls), Miss> {
    let wrong = |why: &str| Miss::not_asked(format!("the address {why}"));
    let url = Url::parse(url).map_err(|_| wrong("is none; write postgres://USER@HOST:PORT/DATABASE"))?;
    if !matches!(url.scheme(), "postgres" | "postgresql") {
        return Err(wrong("does not begin with postgres://"));
    }
    if url.password().is_some() {
        return Err(wrong("has a password in it; give its name as `password`"));
    }
    let address = Address::of(&url, 5432)?;
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let user = decoded(url.username());
    if user.is_empty() {
        return Err(wrong("names no user; write postgres://USER@HOST"));
    }
    let mut config = Config::new();
    config.user(&user).application_name("runsheet");
    let database = decoded(url.path().trim_start_matches('/'));
    config.dbname(if database.is_empty() { &user } else { &database });
    let mut tls = match (ca, address.is_loopback()) {
        (false, true) => Tls::IfOffered,
        (true, _) | (_, false) => Tls::Always,
    };
    for (key, value) in url.query_pairs() {
        match (&*key, &*value) {
            ("sslmode", "disable") if ca => {
                return Err(wrong("says sslmode=disable, so `ca` has no use; leave one out"));
            }
            ("sslmode", "disable") => tls = Tls::Never,
            ("sslmode", "allow" | "prefer") => {}
            ("sslmode", "require" | "verify-ca" | "verify-full") => tls = Tls::Always,
            ("options", options) => {
                config.options(options);
            }
            ("application_name", name) => {
                config.application_name(name);
            }
            ("sslmode", other) => return Err(wrong(&format!("says sslmode={other}, which is not known"))),
            (other, _) => {
                return Err(wrong(&format!("has {other}; only sslmode, options and application_name may stand there")));
            }
        }
    }
    Ok((address, config, tls))
}

/// Asks whether the server speaks TLS.
async fn offers_tls(tcp: &mut TcpStream) -> Result<bool, Miss> {
    let asked = async {
        tcp.write_all(&SSL_REQUEST).await?;
        // Exactly one byte: whatever somebody sent along with it must not be taken for part of the conversation.
        tcp.read_u8().await
    };
    match asked.await.map_err(|error| broken(&error, "PostgreSQL"))? {
        b'S' => Ok(true),
        b'N' => Ok(false),
        _ => Err(Miss::not_understood("it does not answer as PostgreSQL does")), // any byte may come
    }
}

struct Said {
    server: String,
    first: String,
    rows: u64,
}

async fn talk<S>(stream: S, config: &Config, query: &str) -> Result<Said, Miss>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (client, connection) = config.connect_raw(stream, NoTls).await.map_err(|error| failed(&error))?;
    let server = connection.parameter("server_version").unwrap_or("of unknown version").to_owned();
    // Debian adds its own package's version.
    let server = server.split(" (").next().unwrap_or_default().to_owned();
    let asked = async move {
        let answer = client.simple_query(query).await;
        drop(client);
        answer
    };
    let (answer, _) = tokio::join!(asked, connection);
    let (mut first, mut rows) = (None, 0);
    for message in answer.map_err(|error| failed(&error))? {
        if let SimpleQueryMessage::Row(row) = message {
            rows += 1;
            first.get_or_insert_with(|| row.get(0).unwrap_or_default().to_owned());
        }
    }
    Ok(Said { server, first: first.unwrap_or_default(), rows })
}

fn failed(error: &tokio_postgres::Error) -> Miss {
    if let Some(said) = error.as_db_error() {
        let refused = [SqlState::INVALID_PASSWORD, SqlState::INVALID_AUTHORIZATION_SPECIFICATION];
        return if refused.contains(said.code()) {
            Miss::denied(said.message())
        } else {
            Miss::differs(format!("it answered with error {}: {}", said.code().code(), said.message()))
        };
    }
    let source = std::error::Error::source(error);
    if let Some(io) = source.and_then(|source| source.downcast_ref::<std::io::Error>()) {
        return broken(io, "PostgreSQL");
    }
    let cause = source.map(ToString::to_string).unwrap_or_default();
    if cause == "password missing" {
        return Miss::differs("it asks for a password, and the probe has none; give its name as `password`");
    }
    // The library keeps its kinds to itself; none of its texts holds what we sent.
    Miss::not_understood(format!("it does not answer as PostgreSQL does: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tls(url: &str, ca: bool) -> Result<Tls, String> {
        read_url(url, ca).map(|(_, _, tls)| tls).map_err(|miss| miss.saw)
    }

    #[test]
    fn encrypted_unless_said_or_at_home() {
        for (url, ca, wanted) in [
            ("postgres://u@db.example/d", false, Tls::Always),
            ("postgres://u@db.example/d?sslmode=prefer", false, Tls::Always),
            ("postgres://u@db.example/d?sslmode=disable", false, Tls::Never),
            ("postgres://u@127.0.0.1/d", false, Tls::IfOffered),
            ("postgres://u@[::1]:5433", false, Tls::IfOffered),
            ("postgresql://u@localhost/d?sslmode=require", false, Tls::Always),
            ("postgres://u@localhost/d", true, Tls::Always),
        ] {
            assert_eq!(tls(url, ca), Ok(wanted), "{url}");
        }
        for (url, ca, word) in [
            ("postgres://u@localhost/d?sslmode=disable", true, "leave one out"),
            ("postgres://u@localhost/d?sslmode=off", false, "sslmode=off"),
            ("postgres://localhost/d", false, "no user"),
            ("postgres://u:CANARY-1@localhost/d", false, "has a password"),
            ("http://u@localhost", false, "postgres://"),
            ("x", false, "postgres://USER"),
        ] {
            let said = tls(url, ca).unwrap_err();
            assert!(said.contains(word) && !said.contains("CANARY"), "{url}: {said}");
        }
    }

    #[test]
    fn the_parts_of_an_address_are_decoded() {
        let (address, config, _) = read_url("postgres://do%40admin@db.example:25060/de%20f", false).unwrap();
        assert_eq!(address.to_string(), "db.example:25060");
        assert_eq!((config.get_user(), config.get_dbname()), (Some("do@admin"), Some("de f")));
        let (address, config, _) = read_url("postgres://doadmin@[::1]", false).unwrap();
        assert_eq!(address.to_string(), "[::1]:5432");
        assert_eq!(config.get_dbname(), Some("doadmin"));
    }
}
