//! The probe `nats`: a login on NATS over a new connection, a subject that is tried, and `JetStream` asked.
//!
//! `tls://` and `ca` demand TLS; without them it is used where the server wants it. Where it is used, chain and name are
//! checked. What must stay true: a login counts as proven only by a server that asks for one; a refused login, and a
//! subject that the user may not use, are denials; nothing else is.
//!
//! Its text, for `json` and captures, is the answer to a request; without one an object with `version`, `server`,
//! `tls`, and with `jetstream` what the account has there: `streams`, `consumers`, `memory`, `storage`.

mod login;
mod talk;

use std::time::Instant;

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use ulid::Ulid;
use url::Url;

use self::login::{Creds, Login, connect};
use self::talk::{Said, Talk, first};
use super::connect::{Address, broken, dial};
use super::trust::Trust;
use super::{Asking, Heard, Miss, took};
use crate::exec::expect::Answer;
use crate::exec::scene::Scene;
use crate::playbook::plan::{NatsLogin, NatsSpec, NatsUse};

/// Where an account asks what it has in `JetStream`.
const JETSTREAM: &str = "$JS.API.INFO";

/// What a server says about itself before it is asked anything.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "that is how a server tells it")]
struct Info {
    version: String,
    server_name: String,
    auth_required: bool,
    tls_required: bool,
    tls_available: bool,
    headers: bool,
    nonce: Option<String>,
}

/// What is tried once logged in.
struct Question {
    subject: Option<(NatsUse, String)>,
    jetstream: bool,
}

/// What came of it.
#[derive(Default)]
struct Found {
    jetstream: Option<Map<String, Value>>,
    reply: Option<String>,
}

/// Logs in and asks.
pub(super) async fn ask(spec: &NatsSpec, asking: &Asking<'_>) -> Result<Heard, Miss> {
    let scene = asking.scene;
    let url = scene.complete(&spec.url).map_err(Miss::not_asked)?;
    let (address, mut demanded, user) = read_url(&url)?;
    let login = login(spec, scene, user)?;
    let subject = match &spec.subject {
        Some((usage, subject)) => {
            let subject = scene.complete(subject).map_err(Miss::not_asked)?;
            hold_subject(*usage, &subject)?;
            Some((*usage, subject))
        }
        None => None,
    };
    let ca = spec.ca.as_ref().map(|ca| scene.complete(ca)).transpose().map_err(Miss::not_asked)?;
    demanded |= ca.is_some_and(|ca| !ca.trim().is_empty());
    let question = Question { subject, jetstream: spec.jetstream };

    let begin = Instant::now();
    let mut tcp = dial(&address, asking).await?;
    let info = read_info(&mut tcp).await?;
    if demanded && !info.tls_required && !info.tls_available {
        return Err(Miss::not_understood("the server does not offer TLS"));
    }
    let (found, tls) = if demanded || info.tls_required {
        let trust = Trust::load(spec.ca.as_ref(), scene).await?;
        let (stream, version) = trust.handshake(tcp, &address.host).await?;
        (converse(stream, &login, &info, true, &question).await?, version)
    } else {
        (converse(tcp, &login, &info, false, &question).await?, "no TLS")
    };
    Ok(tell(&login, &info, &question, found, tls, &took(begin.elapsed())))
}

fn read_url(url: &str) -> Result<(Address, bool, Option<String>), Miss> {
    let wrong = |why: &str| Miss::not_asked(format!("the address {why}"));
    let url = Url::parse(url).map_err(|_| wrong("is none; write nats://HOST:PORT"))?;
    let encrypted = match url.scheme() {
        "nats" => false,
        "tls" => true,
        _ => return Err(wrong("begins neither with nats:// nor with tls://")), // any text may stand there
    };
    if url.password().is_some() {
        return Err(wrong("has a password in it; give its name as `password`"));
    }
    if !url.path().trim_matches('/').is_empty() || url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("has something after the port; nothing may stand there"));
    }
    let user = percent_decode_str(url.username()).decode_utf8_lossy().into_owned();
    Ok((Address::of(&url, 4222)?, encrypted, Some(user).filter(|user| !user.is_empty())))
}

fn login(spec: &NatsSpec, scene: &Scene, user: Option<String>) -> Result<Login, Miss> {
    let secret = |name| scene.secret(name).map_err(Miss::not_asked);
    match (&spec.login, user) {
        (None, None) => Ok(Login::None),
        (Some(NatsLogin::Password(name)), Some(user)) => Ok(Login::Password { user, password: secret(name)? }),
        (Some(NatsLogin::Token(name)), None) => Ok(Login::Token(secret(name)?)),
        (Some(NatsLogin::Creds(name)), None) => {
            let creds = Creds::read(secret(name)?.expose());
            Ok(Login::Creds(creds.map_err(|why| Miss::not_asked(format!("{name} is no .creds file: {why}")))?))
        }
        (Some(NatsLogin::Password(_)), None) => {
            Err(Miss::not_asked("the address names no user; write nats://USER@HOST:PORT"))
        }
        (Some(NatsLogin::Token(_) | NatsLogin::Creds(_)), Some(_)) => {
            Err(Miss::not_asked("the address names a user, and such a login has none; take it out of the address"))
        }
        (None, Some(_)) => {
            Err(Miss::not_asked("the address names a user, and the probe has no password; give its name as `password`"))
        }
    }
}

/// Refuses what is no subject: it becomes a part of a line.
fn hold_subject(usage: NatsUse, subject: &str) -> Result<(), Miss> {
    let plain = |letter: char| !letter.is_whitespace() && !letter.is_control();
    if subject.is_empty() || !subject.chars().all(plain) || subject.split('.').any(str::is_empty) {
        return Err(Miss::not_asked(format!("{subject:?} is no subject")));
    }
    let wild = subject.split('.').any(|token| matches!(token, "*" | ">"));
    match usage {
        NatsUse::Publish | NatsUse::Request if wild => {
            Err(Miss::not_asked(format!("nothing can be sent to {subject}: it stands for many subjects")))
        }
        NatsUse::Publish | NatsUse::Request | NatsUse::Subscribe => Ok(()),
    }
}

async fn read_info(tcp: &mut (impl AsyncRead + Unpin)) -> Result<Info, Miss> {
    match first(tcp).await {
        Ok(Said::Info(text)) => {
            serde_json::from_str(&text).map_err(|_| Miss::not_understood("it does not answer as NATS does"))
        }
        Ok(Said::Error(said)) => Err(Miss::differs(format!("it answered with {said}"))),
        Ok(Said::Pong | Said::Message { .. }) => Err(Miss::not_understood("it does not answer as NATS does")),
        Err(error) => Err(lost(&error)),
    }
}

/// Says why nothing was heard.
fn lost(error: &std::io::Error) -> Miss {
    if error.kind() == std::io::ErrorKind::InvalidData {
        Miss::not_understood("it does not answer as NATS does")
    } else {
        broken(error, "NATS")
    }
}

async fn converse<S>(stream: S, login: &Login, info: &Info, encrypted: bool, ask: &Question) -> Result<Found, Miss>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut line = connect(login, info, encrypted).map_err(Miss::differs)?;
    line.extend_from_slice(b"PING\r\n");
    let mut talk = Talk::new(stream);
    talk.say(&line).await;
    settled(&mut talk).await.map_err(Trouble::at_login)?;

    let mut found = Found::default();
    if ask.jetstream {
        let said =
            request(&mut talk, JETSTREAM).await.map_err(|trouble| trouble.within("JetStream cannot be asked"))?;
        let said = said.ok_or_else(|| Miss::differs("JetStream is off on this server, or for this account"))?;
        found.jetstream = Some(account(&said)?);
    }
    match &ask.subject {
        None => {}
        Some((NatsUse::Publish, subject)) => {
            talk.say(format!("PUB {subject} 0\r\n\r\nPING\r\n").as_bytes()).await;
            settled(&mut talk).await.map_err(|trouble| trouble.with(subject))?;
        }
        Some((NatsUse::Subscribe, subject)) => {
            talk.say(format!("SUB {subject} 1\r\nUNSUB 1\r\nPING\r\n").as_bytes()).await;
            settled(&mut talk).await.map_err(|trouble| trouble.with(subject))?;
        }
        Some((NatsUse::Request, subject)) => {
            let reply = request(&mut talk, subject).await.map_err(|trouble| trouble.with(subject))?;
            let nobody = || Miss::differs(format!("nobody answers requests to {subject}"));
            found.reply = Some(reply.ok_or_else(nobody)?);
        }
    }
    Ok(found)
}

/// Why something was not done.
enum Trouble {
    /// The server refused it, in these words.
    Refused(String),
    Lost(Miss),
}

impl Trouble {
    /// At a login: a refused one is a denial.
    fn at_login(self) -> Miss {
        self.judged(|said| said.contains("authorization violation") || said.contains("authentication"))
    }

    /// At a use of a subject: that the user may not use it is a denial.
    fn with(self, subject: &str) -> Miss {
        let wanted = format!("\"{}\"", subject.to_lowercase());
        self.judged(|said| said.starts_with("permissions violation") && said.contains(&wanted))
    }

    fn within(self, what: &str) -> Miss {
        match self {
            Self::Refused(said) => Miss::differs(format!("{what}: {said}")),
            Self::Lost(miss) => miss,
        }
    }

    fn judged(self, denial: impl Fn(&str) -> bool) -> Miss {
        match self {
            // "Authentication Timeout" is about a slow line, not about who we are.
            Self::Refused(said) if denial(&said.to_lowercase()) && !said.ends_with("Timeout") => Miss::denied(&said),
            Self::Refused(said) => Miss::differs(format!("it answered with {said}")),
            Self::Lost(miss) => miss,
        }
    }
}

/// Waits until all that was said has been taken in.
async fn settled<S: AsyncRead + AsyncWrite + Unpin>(talk: &mut Talk<S>) -> Result<(), Trouble> {
    loop {
        match talk.hear().await {
            Ok(Said::Pong) => return Ok(()),
            Ok(Said::Error(said)) => return Err(Trouble::Refused(said)),
            // News of the cluster, or what came on a subject meanwhile.
            Ok(Said::Info(_) | Said::Message { .. }) => {}
            Err(error) => return Err(Trouble::Lost(lost(&error))),
        }
    }
}

/// Sends an empty request and waits for its answer; there is none when nobody listens there.
async fn request<S: AsyncRead + AsyncWrite + Unpin>(
    talk: &mut Talk<S>,
    subject: &str,
) -> Result<Option<String>, Trouble> {
    let inbox = format!("_INBOX.{}", Ulid::new());
    // The subscription ends by itself after one message.
    talk.say(format!("SUB {inbox} 2\r\nUNSUB 2 1\r\nPUB {subject} {inbox} 0\r\n\r\n").as_bytes()).await;
    loop {
        match talk.hear().await {
            Ok(Said::Message { status: Some(503), .. }) => return Ok(None),
            Ok(Said::Message { body, .. }) => return Ok(Some(body)),
            Ok(Said::Error(said)) => return Err(Trouble::Refused(said)),
            Ok(Said::Info(_) | Said::Pong) => {}
            Err(error) => return Err(Trouble::Lost(lost(&error))),
        }
    }
}

/// Reads what an account has in `JetStream`.
fn account(said: &str) -> Result<Map<String, Value>, Miss> {
    let answer: Value =
        serde_json::from_str(said).map_err(|_| Miss::not_understood("it does not answer as JetStream does"))?;
    if let Some(error) = answer.get("error") {
        let why = error.get("description").and_then(Value::as_str).unwrap_or("no reason given");
        return Err(Miss::differs(format!("JetStream refused: {why}")));
    }
    let known = ["streams", "consumers", "memory", "storage"].into_iter();
    Ok(known.filter_map(|key| Some((key.to_owned(), answer.get(key)?.clone()))).collect())
}

fn tell(login: &Login, info: &Info, question: &Question, found: Found, tls: &str, time: &str) -> Heard {
    let mut saw = format!("NATS {}, {tls}", if info.version.is_empty() { "of unknown version" } else { &info.version });
    let mut text = json!({ "version": info.version, "server": info.server_name, "tls": tls });
    if let (Some(account), Some(text)) = (found.jetstream, text.as_object_mut()) {
        let streams = account.get("streams").and_then(Value::as_u64).unwrap_or_default();
        saw = format!("{saw}, JetStream with {streams} {}", if streams == 1 { "stream" } else { "streams" });
        text.insert("jetstream".to_owned(), Value::Object(account));
    }
    match &question.subject {
        Some((NatsUse::Publish, subject)) => saw = format!("{saw}, published to {subject}"),
        Some((NatsUse::Subscribe, subject)) => saw = format!("{saw}, subscribed to {subject}"),
        Some((NatsUse::Request, subject)) => saw = format!("{saw}, {subject} answered"),
        None => {}
    }
    let unproven = !info.auth_required && !matches!(login, Login::None);
    let wrong = unproven.then(|| "this server asks nobody for a login, so this one was not tested".to_owned());
    Heard {
        shown: found.reply.is_some().then_some(", answer "),
        answer: Answer { text: found.reply.unwrap_or_else(|| text.to_string()), ..Answer::default() },
        saw: format!("{saw}, {time}"),
        wrong: wrong.into_iter().collect(),
        ..Heard::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Finding;

    #[test]
    fn addresses() {
        let (address, encrypted, user) = read_url("tls://a%20b@nats.example:4223").unwrap();
        assert_eq!((address.to_string().as_str(), encrypted), ("nats.example:4223", true));
        assert_eq!(user.as_deref(), Some("a b"));
        let (address, encrypted, user) = read_url("nats://localhost").unwrap();
        assert_eq!((address.to_string().as_str(), encrypted, user), ("localhost:4222", false, None));
        for url in ["nats://:CANARY-1@localhost", "http://localhost", "nats://localhost/a", "nats://h?a=b", "x"] {
            assert!(!read_url(url).err().unwrap().saw.contains("CANARY"), "{url}");
        }
    }

    #[test]
    fn a_subject_is_one_word() {
        for good in ["a", "a.b", "$JS.API.INFO", "_INBOX.x"] {
            assert!(hold_subject(NatsUse::Publish, good).is_ok(), "{good}");
        }
        for bad in ["", ".", "a..b", "a b", "a\r\nPUB b 0\r\n", "a\u{0}"] {
            assert!(hold_subject(NatsUse::Subscribe, bad).is_err(), "{bad:?}");
        }
        assert!(hold_subject(NatsUse::Subscribe, "a.>").is_ok());
        assert!(hold_subject(NatsUse::Publish, "a.*.b").is_err());
    }

    #[test]
    fn refusals_are_told_apart() {
        let refused = |said: &str| Trouble::Refused(said.to_owned());
        for said in ["Authorization Violation", "User Authentication Revoked", "User Authentication Expired"] {
            assert_eq!(refused(said).at_login().finding, Finding::Denied, "{said}");
        }
        for said in ["Authentication Timeout", "maximum connections exceeded", "Secure Connection - TLS Required"] {
            assert_eq!(refused(said).at_login().finding, Finding::Differs, "{said}");
        }
        let said = "Permissions Violation for Publish to \"smoke.Test\"";
        assert_eq!(refused(said).with("smoke.Test").finding, Finding::Denied);
        assert_eq!(refused(said).with("smoke").finding, Finding::Differs);
        assert_eq!(refused(said).within("x").finding, Finding::Differs);
    }

    #[test]
    fn what_jetstream_says_of_an_account() {
        let told = account(r#"{"type":"x","memory":1,"storage":2,"streams":3,"consumers":4,"limits":{}}"#).unwrap();
        assert_eq!(Value::Object(told), json!({ "streams": 3, "consumers": 4, "memory": 1, "storage": 2 }));
        let off = account(r#"{"error":{"code":503,"description":"JetStream not enabled for account"}}"#);
        assert_eq!(off.err().unwrap().saw, "JetStream refused: JetStream not enabled for account");
        assert_eq!(account("no json").err().unwrap().finding, Finding::NotUnderstood);
    }
}
