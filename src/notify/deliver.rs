//! Delivers one message: to a program on its standard input, or by an HTTP POST.
//!
//! Both have the same short time. A program is started in a group of its own, with no terminal and nothing of ours but the
//! environment, and killed with its group when its time is over; what it prints is not looked at.

use std::process::Stdio;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::{Given, Rule};
use crate::exec;

/// How long a delivery may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The most bytes of a file with an address or a header.
const LARGEST: u64 = 64 << 10;

/// Delivers a message by a rule.
///
/// # Errors
/// Why it could not be: a few words, without address or header.
pub(super) async fn deliver(rule: &Rule, text: String) -> Result<(), String> {
    match (&rule.run, &rule.post) {
        (Some(words), _) => run(words, text).await,
        (None, Some(address)) => match timeout(PATIENCE, post(rule, address, text)).await {
            Ok(told) => told,
            Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
        },
        (None, None) => Ok(()),
    }
}

async fn run(words: &[String], text: String) -> Result<(), String> {
    let Some((program, rest)) = words.split_first() else { return Ok(()) };
    let mut child = Command::new(program)
        .args(rest)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("it cannot be started: {error}"))?;
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let stdin = child.stdin.take();
    let work = async {
        if let Some(mut stdin) = stdin {
            // Who does not read it to the end has heard enough.
            let _ = stdin.write_all(text.as_bytes()).await;
        }
        child.wait().await
    };
    let ended = timeout(PATIENCE, work).await;
    match ended {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(format!("it ended with {status}")),
        Ok(Err(error)) => Err(format!("its end was not seen: {error}")),
        Err(_) => {
            if let Some(group) = group {
                // What is gone already need not be killed.
                let _ = kill_process_group(group, Signal::KILL);
            }
            Err(format!("it did not end within {} s and was killed", PATIENCE.as_secs()))
        }
    }
}

async fn post(rule: &Rule, given: &Given, text: String) -> Result<(), String> {
    let url = address(&resolve(given).await?)?;
    let local = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let mut client = Client::builder()
        .tls_backend_preconfigured(exec::web_client().await?)
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .user_agent(concat!("runsheet/", env!("CARGO_PKG_VERSION")));
    if local {
        client = client.no_proxy();
    }
    let client = client.build().map_err(|_| "no request can be made".to_owned())?;
    let mut request = client.post(url).header(CONTENT_TYPE, "application/json");
    for (key, value) in &rule.headers {
        let name = HeaderName::try_from(key).map_err(|_| format!("{key} is no name of a header"))?;
        let value = HeaderValue::from_str(&resolve(value).await?);
        let mut value = value.map_err(|_| format!("the header {key} has a character that may not stand there"))?;
        value.set_sensitive(true);
        request = request.header(name, value);
    }
    // An error of the library names the address, which may be a secret.
    let response = request.body(text).send().await.map_err(|error| told(&error).to_owned())?;
    let status = response.status();
    if status.is_success() { Ok(()) } else { Err(format!("it answered with HTTP {}", status.as_u16())) }
}

fn told(error: &reqwest::Error) -> &'static str {
    if error.is_connect() {
        "no connection to it"
    } else if error.is_timeout() {
        "no answer from it"
    } else {
        "it does not answer as HTTP does"
    }
}

/// Reads an address.
///
/// # Errors
/// It is none that can be posted to: a few words that do not repeat it.
pub(super) fn address(text: &str) -> Result<Url, String> {
    let url = Url::parse(text.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| "the address is none; write https://HOST/PATH".to_owned())
}

/// Finds the text that is meant.
async fn resolve(given: &Given) -> Result<Zeroizing<String>, String> {
    match given {
        Given::Text(text) => Ok(Zeroizing::new(text.clone())),
        Given::Env { env } => {
            std::env::var(env).map(Zeroizing::new).map_err(|_| format!("the variable {env} is not set"))
        }
        Given::File { file } => {
            let cannot = |error: std::io::Error| format!("{} cannot be read: {error}", file.display());
            if tokio::fs::metadata(file).await.map_err(cannot)?.len() > LARGEST {
                return Err(format!("{} is too large", file.display()));
            }
            let text = Zeroizing::new(tokio::fs::read_to_string(file).await.map_err(cannot)?);
            Ok(Zeroizing::new(text.trim_end_matches(['\n', '\r']).to_owned()))
        }
    }
}
