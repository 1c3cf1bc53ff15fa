//! The probe `http`: a request, its status and its body. Redirects are shown, not followed.
//!
//! The status must be one from 200 to 299 unless the playbook says otherwise. 401 and 403 are a denial. The proxy of the
//! environment is used, but never for this machine.

use std::error::Error;
use std::io::ErrorKind;
use std::time::{Duration, Instant};

use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Response, Url};
use zeroize::Zeroizing;

use super::connect::{Address, no_connection};
use super::trust::{Trust, rustls_error};
use super::{Asking, Heard, Miss, took};
use crate::engine::Finding;
use crate::exec::expect::Answer;
use crate::exec::scene::Scene;
use crate::playbook::plan::{Expect, Given, HttpBody, HttpSpec};

/// The most bytes of a body that are read.
const LARGEST: usize = 1 << 20;

/// Sends the request and reads the answer.
pub(super) async fn ask(spec: &HttpSpec, asking: &Asking<'_>) -> Result<Heard, Miss> {
    let scene = asking.scene;
    let text = scene.complete(&spec.url).map_err(Miss::not_asked)?;
    let url = Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let url = url.ok_or_else(|| Miss::not_asked("the address is none; write https://HOST/PATH"))?;
    if url.password().is_some() {
        return Err(Miss::not_asked("the address has a password in it; give its name by `basic`"));
    }
    let address = Address::of(&url, url.port_or_known_default().unwrap_or(80))?;
    let trust = if url.scheme() == "https" { Trust::load(spec.ca.as_ref(), scene).await? } else { Trust::nobody()? };
    let client = client(&trust, &address)?;
    let request = request(&client, spec, scene, url)?;

    let begin = Instant::now();
    let response = request.send().await.map_err(|error| failed(&error, &address, &trust))?;
    let time = begin.elapsed();
    let status = response.status().as_u16();
    let saw = facts(&response, time);
    let body = read(response).await.map_err(|error| failed(&error, &address, &trust))?;

    let mut wrong = Vec::new();
    let expects = &asking.spec.expect;
    if !(200..300).contains(&status)
        && !expects.iter().any(|expect| matches!(expect, Expect::Status(_) | Expect::Denied))
    {
        wrong.push("expected a status from 200 to 299".to_owned());
    }
    let needs_body = !asking.spec.capture.is_empty()
        || expects.iter().any(|expect| !matches!(expect, Expect::Status(_) | Expect::Denied));
    if body.is_none() && needs_body {
        wrong.push(format!("its body is longer than {} MiB, too long to be judged", LARGEST >> 20));
    }
    let text = body.map(|body| String::from_utf8_lossy(&body).into_owned()).unwrap_or_default();
    Ok(Heard {
        answer: Answer { text, status: Some(status), denied: matches!(status, 401 | 403), ..Answer::default() },
        saw,
        shown: Some(", body "),
        wrong,
        ..Heard::default()
    })
}

fn client(trust: &Trust, address: &Address) -> Result<Client, Miss> {
    let mut client = Client::builder()
        .tls_backend_preconfigured((*trust.config).clone())
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .pool_max_idle_per_host(0)
        .user_agent(concat!("runsheet/", env!("CARGO_PKG_VERSION")));
    if address.is_loopback() {
        client = client.no_proxy();
    }
    client.build().map_err(|error| Miss::not_asked(format!("no request can be made: {error}")))
}

fn request(client: &Client, spec: &HttpSpec, scene: &Scene, url: Url) -> Result<RequestBuilder, Miss> {
    let method = match (&spec.method, &spec.body) {
        (Some(method), _) => Method::from_bytes(method.to_ascii_uppercase().as_bytes())
            .map_err(|_| Miss::not_asked(format!("{method} is no method")))?,
        (None, Some(_)) => Method::POST,
        (None, None) => Method::GET,
    };
    let mut request = client.request(method, url);
    request = match &spec.body {
        None => request,
        Some(HttpBody::Form(fields)) => {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            for (key, value) in fields {
                form.append_pair(key, scene.given(value).map_err(Miss::not_asked)?.expose());
            }
            request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form.finish())
        }
        Some(HttpBody::Json(fields)) => {
            let mut object = serde_json::Map::new();
            for (key, value) in fields {
                let value = scene.given(value).map_err(Miss::not_asked)?;
                object.insert(key.clone(), value.expose().into());
            }
            let text = serde_json::Value::Object(object).to_string();
            request.header(CONTENT_TYPE, "application/json").body(text)
        }
    };
    // After the body: what the playbook says about its type counts.
    let mut headers = reqwest::header::HeaderMap::new();
    for (key, value) in &spec.headers {
        let name = HeaderName::try_from(key).map_err(|_| Miss::not_asked(format!("{key} is no name of a header")))?;
        headers.insert(name, header(key, value, scene)?);
    }
    request = request.headers(headers);
    if let Some(token) = &spec.bearer {
        request = request.bearer_auth(scene.secret(token).map_err(Miss::not_asked)?.expose());
    }
    if let Some((user, password)) = &spec.basic {
        let user = scene.complete(user).map_err(Miss::not_asked)?;
        request = request.basic_auth(user, Some(scene.secret(password).map_err(Miss::not_asked)?.expose()));
    }
    Ok(request)
}

fn header(key: &str, value: &Given, scene: &Scene) -> Result<HeaderValue, Miss> {
    let value = scene.given(value).map_err(Miss::not_asked)?;
    let mut value = HeaderValue::from_str(value.expose())
        .map_err(|_| Miss::not_asked(format!("the header {key} has a character that may not stand there")))?;
    value.set_sensitive(true);
    Ok(value)
}

fn facts(response: &Response, time: Duration) -> String {
    let mut saw = format!("HTTP {} in {}", response.status().as_u16(), took(time));
    if response.status().is_redirection()
        && let Some(to) = response.headers().get(LOCATION).and_then(|to| to.to_str().ok())
    {
        // What comes after the path may well be a token.
        let to = to.split(['?', '#']).next().unwrap_or_default();
        saw = format!("{saw}, redirects to {to}");
    }
    saw
}

/// Reads the body; nothing when it is too long.
async fn read(mut response: Response) -> Result<Option<Zeroizing<Vec<u8>>>, reqwest::Error> {
    let mut body = Zeroizing::new(Vec::new());
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > LARGEST {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

/// Says whether the other side closed a connection that was there: libraries wrap that, some more than once.
fn hung_up(io: &std::io::Error) -> bool {
    let inner = io.get_ref().and_then(|inner| inner.downcast_ref());
    matches!(io.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) || inner.is_some_and(hung_up)
}

/// Says why there is no answer, by the first cause that is understood.
fn failed(error: &reqwest::Error, address: &Address, trust: &Trust) -> Miss {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(inner) = cause {
        if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
            return trust.refused(tls);
        }
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            if let Some(tls) = rustls_error(io) {
                return trust.refused(tls);
            }
            if error.is_connect() && hung_up(io) {
                return Miss::not_understood("it closed the connection instead of answering");
            }
            if error.is_connect() {
                let unknown = io.raw_os_error().is_none() && io.to_string().contains("lookup");
                let miss = no_connection(io, &address.to_string());
                return if unknown && miss.finding != Finding::Refused {
                    Miss::unreachable(format!("the name {} is not known", address.host))
                } else {
                    miss
                };
            }
        }
        cause = inner.source();
    }
    if error.is_timeout() {
        Miss::unreachable(format!("no answer from {address}"))
    } else if error.is_connect() {
        Miss::unreachable(format!("no connection to {address}"))
    } else {
        Miss::not_understood("it does not answer as HTTP does")
    }
}
