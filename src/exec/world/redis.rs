//! The probe `redis`: a login on Redis or Valkey over a new connection, and a command; `PING` when none is given.
//!
//! `rediss://` is TLS with a checked certificate, `redis://` is not encrypted.

use std::time::Instant;

use percent_encoding::percent_decode_str;
use tokio::io::{AsyncRead, AsyncWrite};
use url::Url;

use super::connect::{Address, broken, dial};
use super::resp::{Reply, Talk};
use super::trust::Trust;
use super::{Asking, Heard, Miss, took};
use crate::exec::expect::Answer;
use crate::playbook::plan::DatabaseSpec;
use crate::secret::Secret;

/// What is said to the server.
struct Question {
    user: Option<String>,
    password: Option<Secret>,
    database: Option<u32>,
    words: Vec<String>,
}

/// Logs in and asks.
pub(super) async fn ask(spec: &DatabaseSpec, asking: &Asking<'_>) -> Result<Heard, Miss> {
    let scene = asking.scene;
    let url = scene.complete(&spec.url).map_err(Miss::not_asked)?;
    let (address, encrypted, mut question) = read_url(&url)?;
    let ca = spec.ca.as_ref().map(|ca| scene.complete(ca)).transpose().map_err(Miss::not_asked)?;
    if !encrypted && ca.is_some_and(|ca| !ca.trim().is_empty()) {
        return Err(Miss::not_asked("redis:// is not encrypted, so `ca` has no use; write rediss://"));
    }
    question.password = spec.password.as_ref().map(|name| scene.secret(name)).transpose().map_err(Miss::not_asked)?;
    if let Some(query) = &spec.query {
        question.words =
            scene.complete(query).map_err(Miss::not_asked)?.split_whitespace().map(str::to_owned).collect();
    }
    if question.words.is_empty() {
        return Err(Miss::not_asked("`query` is empty"));
    }
    let trust = if encrypted { Some(Trust::load(spec.ca.as_ref(), scene).await?) } else { None };

    let begin = Instant::now();
    let tcp = dial(&address, asking).await?;
    let (said, version) = match &trust {
        Some(trust) => {
            let (stream, version) = trust.handshake(tcp, &address.host).await?;
            (converse(stream, &question).await?, version)
        }
        None => (converse(tcp, &question).await?, "no TLS"),
    };
    let pong = spec.query.is_some() || said.text == "PONG";
    Ok(Heard {
        answer: Answer { text: said.text, rows: Some(said.rows), ..Answer::default() },
        saw: format!("{}, {version}, {}", said.server, took(begin.elapsed())),
        shown: (spec.query.is_some() || !pong).then_some(", answer "),
        wrong: if pong { Vec::new() } else { vec!["expected PONG".to_owned()] },
        ..Heard::default()
    })
}

fn read_url(url: &str) -> Result<(Address, bool, Question), Miss> {
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
    Ok((
        Address::of(&url, 6379)?,
        encrypted,
        Question { user, password: None, database, words: vec!["PING".to_owned()] },
    ))
}

struct Said {
    server: String,
    text: String,
    rows: u64,
}

async fn converse<S>(stream: S, question: &Question) -> Result<Said, Miss>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut talk = Talk::new(stream);
    if let Some(password) = &question.password {
        let mut login = vec!["AUTH"];
        login.extend(question.user.as_deref());
        login.push(password.expose());
        say(&mut talk, &login).await?;
    }
    if let Some(database) = question.database {
        say(&mut talk, &["SELECT", &database.to_string()]).await?;
    }
    let words: Vec<&str> = question.words.iter().map(String::as_str).collect();
    let answer = say(&mut talk, &words).await?;
    // Not every user may ask for it; the probe does not depend on it.
    let server = say(&mut talk, &["INFO", "server"]).await.ok();
    Ok(Said { server: name(server.as_ref()), text: answer.text(), rows: answer.rows() })
}

async fn say<S>(talk: &mut Talk<S>, words: &[&str]) -> Result<Reply, Miss>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match talk.say(words).await {
        Ok(Reply::Error(said)) => match said.split(' ').next() {
            Some("WRONGPASS" | "NOAUTH") => Err(Miss::denied(&said)),
            Some(_) | None => Err(Miss::differs(format!("it answered with {said}"))),
        },
        Ok(reply @ (Reply::Text(_) | Reply::Nil | Reply::List(_))) => Ok(reply),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            Err(Miss::not_understood("it does not answer as Redis does"))
        }
        Err(error) => Err(broken(&error, "Redis")),
    }
}

/// Names the server by what `INFO` says. A Valkey gives the version of the Redis that it is like, too.
fn name(info: Option<&Reply>) -> String {
    let text = info.map(Reply::text).unwrap_or_default();
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
        let (address, encrypted, question) = read_url("rediss://default@cache.example:25061/3").unwrap();
        assert_eq!((address.to_string().as_str(), encrypted), ("cache.example:25061", true));
        assert_eq!((question.user.as_deref(), question.database), (Some("default"), Some(3)));
        let (address, encrypted, question) = read_url("redis://localhost").unwrap();
        assert_eq!((address.to_string().as_str(), encrypted, question.user), ("localhost:6379", false, None));
        for url in
            ["redis://:CANARY-1@localhost", "http://localhost", "redis://localhost/a", "redis://localhost?a=b", "x"]
        {
            assert!(!read_url(url).err().unwrap().saw.contains("CANARY"), "{url}");
        }
    }

    #[test]
    fn a_valkey_is_called_one() {
        let info = |text: &str| name(Some(&Reply::Text(text.to_owned())));
        assert_eq!(info("# Server\r\nredis_version:7.2.4\r\nvalkey_version:8.1.1\r\n"), "Valkey 8.1.1");
        assert_eq!(info("# Server\r\nredis_version:7.0.15\r\n"), "Redis 7.0.15");
        assert_eq!(name(None), "Redis of unknown version");
    }
}
