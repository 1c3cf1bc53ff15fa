//! The probe `tls`: a handshake, the chain and name checked, and how long the certificate is still good for.
//!
//! Its text, for `json` and captures, is an object with `version`, `subject`, `issuer`, `days_left` and `not_after`.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde_json::json;
use x509_parser::prelude::{FromDer, X509Certificate, X509Name};

use super::connect::{Address, dial};
use super::trust::Trust;
use super::{Asking, Heard, Miss, took};
use crate::exec::expect::Answer;
use crate::playbook::plan::TlsSpec;

/// The seconds of a day.
const DAY: i64 = 24 * 60 * 60;

/// Shakes hands and reads the server's certificate.
pub(super) async fn ask(spec: &TlsSpec, asking: &Asking<'_>) -> Result<Heard, Miss> {
    let scene = asking.scene;
    let address = Address::parse(&scene.complete(&spec.address).map_err(Miss::not_asked)?)?;
    let name = spec.name.as_ref().map(|name| scene.complete(name)).transpose().map_err(Miss::not_asked)?;
    let name = name.filter(|name| !name.is_empty()).unwrap_or_else(|| address.host.clone());
    let trust = Trust::load(spec.ca.as_ref(), scene).await?;

    let begin = Instant::now();
    let tcp = dial(&address, asking).await?;
    let (stream, version) = trust.handshake(tcp, &name).await?;
    let took = took(begin.elapsed());
    let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
    let unreadable = || Miss::not_understood("its certificate cannot be read");
    let first = certificates.first().ok_or_else(unreadable)?;
    let (_, certificate) = X509Certificate::from_der(first).map_err(|_| unreadable())?;

    let (subject, issuer) = (short(certificate.subject()), short(certificate.issuer()));
    let days_left = days_left(certificate.validity().not_after.timestamp());
    let days = if days_left == 1 { "day" } else { "days" };
    let text = json!({
        "version": version,
        "subject": subject,
        "issuer": issuer,
        "days_left": days_left,
        "not_after": certificate.validity().not_after.to_datetime().date().to_string(),
    });
    let wrong = spec.days_left.filter(|&least| days_left < i64::from(least));
    Ok(Heard {
        answer: Answer { text: text.to_string(), ..Answer::default() },
        saw: format!("{version}, certificate for {subject} by {issuer}, {days_left} {days} left, {took}"),
        wrong: wrong.map(|least| format!("expected {least} days left or more")).into_iter().collect(),
        ..Heard::default()
    })
}

/// Counts the whole days until then.
fn days_left(then: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    (then - i64::try_from(now).unwrap_or(i64::MAX)).div_euclid(DAY)
}

/// The common name, or the whole where there is none.
fn short(name: &X509Name<'_>) -> String {
    let common = name.iter_common_name().next().and_then(|name| name.as_str().ok());
    match common.map(str::to_owned).unwrap_or_else(|| name.to_string()) {
        empty if empty.is_empty() => "(no name)".to_owned(),
        name => name,
    }
}
