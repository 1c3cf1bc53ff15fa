//! The probe `redis`: a login on Redis or Valkey over a new connection, and a command; `PING` when none is given.
//!
//! `rediss://` is TLS with a checked certificate, `redis://` is not encrypted. The login is a command of our own rather than
//! the client library's, so that the server's own words for a refusal are seen.

use std::time::Instant;

use percent_encoding::percent_decode_str;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, ErrorKind, RedisConnectionInfo, RedisError, Value};
use tokio::io::{AsyncRead, AsyncWrite};
use url::Url;

use super::connect::{Address, dial};
use super::trust::Trust;
use super::{Asking, Heard, Miss, took};
use crate::exec::expect::Answer;
use crate::playbook::plan::DatabaseSpec;
use crate::secret::Secret;

/// What is said to the server.
struct Talk {
    user: Option<String>,
    password: Option<Secret>,
    database: Option<u32>,
    words: Vec<String>,
}

/// Logs in and asks.
pub(super) async fn ask(spec: &DatabaseSpec, asking: &Asking<'_>) -> Result<Heard, Miss> {
    let scene = asking.scene;
    let url = scene.complete(&spec.url).map_err(Miss::not_asked)?;
    let (address, encrypted, mut talk) = read_url(&url)?;
    let ca = spec.ca.as_ref().map(|ca| scene.complete(ca)).transpose().map_err(Miss::not_asked)?;
    if !encrypted && ca.is_some_and(|ca| !ca.trim().is_empty()) {
        return Err(Miss::not_asked("redis:// is not encrypted, so `ca` has no use; write rediss://"));
    }
    talk.password = spec.password.as_ref().map(|name| scene.secret(name)).transpose().map_err(Miss::not_asked)?;
    if let Some(query) = &spec.query {
        talk.words = scene.complete(query).map_err(Miss::not_asked)?.split_whitespace().map(str::to_owned).collect();
    }
    if talk.words.is_empty() {
        return Err(Miss::not_asked("`query` is empty"));
    }
    let trust = if encrypted { Some(Trust::load(spec.ca.as_ref(), scene).await?) } else { None };

    let begin = Instant::now();
    let tcp = dial(&address, asking).await?;
    let (said, version) = match &trust {
        Some(trust) => {
            let (stream, version) = trust.handshake(tcp, &address.host).await?;
            (converse(stream, &talk).await?, version)
        }
        None => (converse(tcp, &talk).await?, "no TLS"),
    };
    let pong = spec.query.is_some() || said.text == "PONG";
    Ok(Heard {
        answer: Answer { text: said.text, rows: Some(said.rows), ..Answer::default() },
        saw: format!("{}, {version}, {}", said.server, took(begin.elapsed())),
        shown: (spec.query.is_some() || !pong).then_some("answer"),
        wrong: if pong { Vec::new() } else { vec!["expected PONG".to_owned()] },
        ..Heard::default()
    })
}

fn read_url(url: &str) -> Result<(Address, bool, Talk), Miss> {
    let wrong = |why: &str| Miss::not_asked(format!("the address {why}"));
    let url = Url::parse(url).map_err(|_| wrong("is none; write rediss://USER@HOST:PORT"))?;
    let encrypted = match url.scheme() {
        "redis" => false,
        "rediss" => true,
        _ => return Err(wrong("begins neither with rediss:// nor with redis://")), // any text may stand there
    };
    if url.password().is_some() {
        return Err(wrong("has a password in it; give its name as `password`"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("has something after the database; nothing may stand there"));
    }
    let database = match url.path().trim_matches('/') {
        "" => None,
        number => Some(number.parse().map_err(|_| wrong("names a database that is no number"))?),
    };
    let user = percent_decode_str(url.username()).decode_utf8_lossy().into_owned();
    let user = Some(user).filter(|user| !user.is_empty());
    Ok((Address::of(&url, 6379)?, encrypted, Talk { user, password: None, database, words: vec!["PING".to_owned()] }))
}

struct Said {
    server: String,
    text: String,
    rows: u64,
}

async fn converse<S>(stream: S, talk: &Talk) -> Result<Said, Miss>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let info = RedisConnectionInfo::default().set_skip_set_lib_name();
    // The attempt has a time limit of its own.
    let config = AsyncConnectionConfig::new().set_response_timeout(None);
    let (mut connection, driver) =
        MultiplexedConnection::new_with_config(&info, stream, config).await.map_err(|error| failed(&error))?;
    let asked = async {
        if let Some(password) = &talk.password {
            let mut login = redis::cmd("AUTH");
            login.arg(talk.user.as_deref()).arg(password.expose());
            send(&login, &mut connection).await?;
        }
        if let Some(database) = talk.database {
            send(redis::cmd("SELECT").arg(database), &mut connection).await?;
        }
        let mut command = Cmd::new();
        command.arg(&talk.words);
        let answer = send(&command, &mut connection).await?;
        // Not every user may ask for it; the probe does not depend on it.
        let server = send(redis::cmd("INFO").arg("server"), &mut connection).await.ok();
        let mut lines = Vec::new();
        text(&answer, &mut lines);
        let rows = match &answer {
            Value::Nil => 0,
            Value::Array(list) | Value::Set(list) => list.len(),
            Value::Map(pairs) => pairs.len(),
            _ => 1, // any single value
        };
        Ok(Said { server: name(server.as_ref()), text: lines.join("\n"), rows: rows as u64 })
    };
    tokio::select! {
        biased;
        said = asked => said,
        () = driver => Err(closed()),
    }
}

async fn send(command: &Cmd, connection: &mut MultiplexedConnection) -> Result<Value, Miss> {
    command.query_async(connection).await.map_err(|error| failed(&error))
}

fn closed() -> Miss {
    Miss::not_understood("it closed the connection instead of answering as Redis does")
}

fn failed(error: &RedisError) -> Miss {
    let code = error.code().unwrap_or_default();
    let detail = error.detail().unwrap_or_default();
    match error.kind() {
        ErrorKind::Server(_) | ErrorKind::Extension if matches!(code, "WRONGPASS" | "NOAUTH") => {
            Miss::denied(&format!("{code} {detail}"))
        }
        ErrorKind::Server(_) | ErrorKind::Extension => Miss::differs(format!("it answered with {code} {detail}")),
        ErrorKind::Io => closed(),
        // The list is open; the rest is an answer that the library cannot read.
        _ => Miss::not_understood("it does not answer as Redis does"),
    }
}

/// Writes an answer as text, a line an entry.
fn text(value: &Value, lines: &mut Vec<String>) {
    match value {
        Value::Nil => {}
        Value::Int(number) => lines.push(number.to_string()),
        Value::BulkString(bytes) | Value::BigNumber(bytes) => lines.push(String::from_utf8_lossy(bytes).into_owned()),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => lines.push(text.clone()),
        Value::Okay => lines.push("OK".to_owned()),
        Value::Double(number) => lines.push(number.to_string()),
        Value::Boolean(yes) => lines.push(yes.to_string()),
        Value::Array(list) | Value::Set(list) | Value::Push { data: list, .. } => {
            list.iter().for_each(|value| text(value, lines));
        }
        Value::Map(pairs) => {
            for (key, value) in pairs {
                text(key, lines);
                text(value, lines);
            }
        }
        Value::Attribute { data, .. } => text(data, lines),
        Value::ServerError(error) => lines.push(error.to_string()),
        _ => lines.push("(of a kind that is not known)".to_owned()), // the list is open
    }
}

/// Names the server by what `INFO` says. A Valkey gives the version of the Redis that it is like, too.
fn name(info: Option<&Value>) -> String {
    let mut lines = Vec::new();
    if let Some(info) = info {
        text(info, &mut lines);
    }
    let text = lines.join("\n");
    let field = |key: &str| text.lines().find_map(|line| line.trim().strip_prefix(key)).map(str::to_owned);
    match (field("valkey_version:"), field("redis_version:")) {
        (Some(version), _) => format!("Valkey {version}"),
        (None, Some(version)) => format!("Redis {version}"),
        (None, None) => "Redis of unknown version".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let (address, encrypted, talk) = read_url("rediss://default@cache.example:25061/3").unwrap();
        assert_eq!((address.to_string().as_str(), encrypted), ("cache.example:25061", true));
        assert_eq!((talk.user.as_deref(), talk.database), (Some("default"), Some(3)));
        let (address, encrypted, talk) = read_url("redis://localhost").unwrap();
        assert_eq!((address.to_string().as_str(), encrypted, talk.user), ("localhost:6379", false, None));
        for url in
            ["redis://:CANARY-1@localhost", "http://localhost", "redis://localhost/a", "redis://localhost?a=b", "x"]
        {
            assert!(!read_url(url).err().unwrap().saw.contains("CANARY"), "{url}");
        }
    }

    #[test]
    fn a_valkey_is_called_one() {
        let info = |text: &str| name(Some(&Value::BulkString(text.as_bytes().to_vec())));
        assert_eq!(info("# Server\r\nredis_version:7.2.4\r\nvalkey_version:8.1.1\r\n"), "Valkey 8.1.1");
        assert_eq!(info("# Server\r\nredis_version:7.0.15\r\n"), "Redis 7.0.15");
        assert_eq!(name(None), "Redis of unknown version");
    }
}
