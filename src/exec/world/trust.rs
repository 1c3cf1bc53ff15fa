//! TLS: whom a probe trusts, the handshake, and a plain word for each way in which it fails.
//!
//! One stack, rustls, with one provider, ring, named here and nowhere else; nothing is installed for the whole process. The
//! chain, the name and the dates are always checked; there is no switch to leave that out.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, UNIX_EPOCH};

use jiff::Timestamp;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, ProtocolVersion, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::Miss;
use super::connect::broken;
use crate::exec::scene::Scene;
use crate::playbook::plan::Template;

/// Whom a probe trusts.
pub(super) struct Trust {
    /// What a TLS client is made of.
    pub config: Arc<ClientConfig>,
    /// Where the certificates came from, in words.
    pub by: String,
}

/// The most bytes of a file with certificates.
const LARGEST: u64 = 4 << 20;

impl Trust {
    /// Reads the certificates of a `ca` file; those of the system when there is none, or when it is empty once filled in.
    pub(super) async fn load(ca: Option<&Template>, scene: &Scene) -> Result<Self, Miss> {
        let given = ca.map(|ca| scene.complete(ca)).transpose().map_err(Miss::not_asked)?;
        let (roots, by) = match given.filter(|path| !path.trim().is_empty()) {
            Some(path) => {
                let path = scene.base.join(path.trim());
                let by = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
                (Arc::new(of_file(&path).await.map_err(Miss::not_asked)?), by)
            }
            None => (of_system().await.map_err(Miss::not_asked)?, "the certificates of this machine".to_owned()),
        };
        Ok(Self { config: client(roots).map_err(Miss::not_asked)?, by })
    }

    /// Trusts nobody: for a client that must have a configuration and does not use it.
    pub(super) fn nobody() -> Result<Self, Miss> {
        let config = client(Arc::new(RootCertStore::empty())).map_err(Miss::not_asked)?;
        Ok(Self { config, by: String::new() })
    }

    /// Shakes hands with a server that must be `name`. Returns the connection and its TLS version.
    pub(super) async fn handshake(
        &self,
        tcp: TcpStream,
        name: &str,
    ) -> Result<(TlsStream<TcpStream>, &'static str), Miss> {
        let server = ServerName::try_from(name.to_owned())
            .map_err(|_| Miss::not_asked(format!("{name} is no name that a certificate can be for")))?;
        let stream =
            TlsConnector::from(Arc::clone(&self.config)).connect(server, tcp).await.map_err(
                |error| match rustls_error(&error) {
                    Some(inner) => self.refused(inner),
                    None => broken(&error, "TLS"),
                },
            )?;
        let version = version(stream.get_ref().1.protocol_version());
        Ok((stream, version))
    }

    /// Says why a handshake failed.
    pub(super) fn refused(&self, error: &rustls::Error) -> Miss {
        match error {
            rustls::Error::InvalidCertificate(wrong) => Miss::not_understood(self.certificate(wrong)),
            rustls::Error::InvalidMessage(_) => Miss::not_understood("it does not speak TLS"),
            rustls::Error::AlertReceived(alert) => {
                Miss::not_understood(format!("it broke the TLS handshake off: {alert:?}"))
            }
            rustls::Error::PeerIncompatible(why) => {
                Miss::not_understood(format!("it has no version or cipher of TLS that is still safe: {why:?}"))
            }
            // The many others do not call for a move of their own.
            other => Miss::not_understood(format!("the TLS handshake failed: {other}")),
        }
    }

    fn certificate(&self, wrong: &CertificateError) -> String {
        match wrong {
            CertificateError::Expired => "the certificate has expired".to_owned(),
            CertificateError::ExpiredContext { not_after, .. } => {
                format!("the certificate expired on {}", day(*not_after))
            }
            CertificateError::NotValidYet => "the certificate is not valid yet".to_owned(),
            CertificateError::NotValidYetContext { not_before, .. } => {
                format!("the certificate is not valid before {}", day(*not_before))
            }
            CertificateError::NotValidForName => "the certificate is for another name".to_owned(),
            CertificateError::NotValidForNameContext { expected, presented } => {
                format!("the certificate is not for {}, but for {}", expected.to_str(), names(presented))
            }
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                format!("the certificate is not trusted by {}", self.by)
            }
            CertificateError::Revoked => "the certificate was revoked".to_owned(),
            // The list is open, and none of the others is common.
            other => format!("the certificate is not accepted: {other}"),
        }
    }
}

/// Finds the TLS error inside an error of a connection. Libraries wrap such errors, some more than once.
pub(super) fn rustls_error(error: &std::io::Error) -> Option<&rustls::Error> {
    let inner = error.get_ref()?;
    inner.downcast_ref().or_else(|| inner.downcast_ref().and_then(rustls_error))
}

/// Makes what an HTTP client trusts that is no probe: the certificates of this machine. Where it has none, nobody is trusted.
///
/// # Errors
/// TLS cannot be used: a sentence.
pub async fn web_client() -> Result<ClientConfig, String> {
    let roots = of_system().await.unwrap_or_else(|_| Arc::new(RootCertStore::empty()));
    client(roots).map(Arc::unwrap_or_clone)
}

fn client(roots: Arc<RootCertStore>) -> Result<Arc<ClientConfig>, String> {
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be used: {error}"))?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

async fn of_file(path: &Path) -> Result<RootCertStore, String> {
    let show = path.display();
    let unreadable = |error: std::io::Error| format!("the certificates in {show} cannot be read: {error}");
    if tokio::fs::metadata(path).await.map_err(unreadable)?.len() > LARGEST {
        return Err(format!("{show} is too large for a file of certificates"));
    }
    let bytes = tokio::fs::read(path).await.map_err(unreadable)?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&bytes) {
        let certificate = certificate.map_err(|_| format!("{show} has a certificate that is damaged"))?;
        roots.add(certificate).map_err(|_| format!("{show} has a certificate that cannot be used"))?;
    }
    if roots.is_empty() {
        return Err(format!("there is no certificate in {show}; it must be a PEM file"));
    }
    Ok(roots)
}

/// Loads the system's certificates, the first time.
async fn of_system() -> Result<Arc<RootCertStore>, String> {
    static SYSTEM: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    if let Some(roots) = SYSTEM.get() {
        return Ok(Arc::clone(roots));
    }
    let load = || {
        let mut roots = RootCertStore::empty();
        // Some old ones in a system's store are not understood: no reason to trust none.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        roots
    };
    let roots = tokio::task::spawn_blocking(load).await.map_err(|_| "the certificates were not loaded".to_owned())?;
    if roots.is_empty() {
        return Err("this machine has no certificates to trust; install ca-certificates, or give `ca`".to_owned());
    }
    Ok(Arc::clone(SYSTEM.get_or_init(|| Arc::new(roots))))
}

fn version(version: Option<ProtocolVersion>) -> &'static str {
    match version {
        Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
        Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
        // No other one is offered.
        Some(_) | None => "TLS",
    }
}

/// Tells a day as `2026-03-01`.
fn day(time: UnixTime) -> String {
    let time = UNIX_EPOCH + Duration::from_secs(time.as_secs());
    Timestamp::try_from(time).map_or_else(|_| "a day long past".to_owned(), |at| at.strftime("%F").to_string())
}

fn names(presented: &[String]) -> String {
    // As rustls has them: DnsName("a.example") and IpAddress(127.0.0.1).
    let plain = |name: &String| match name.split_once('(') {
        Some((_, inner)) => inner.trim_end_matches(')').trim_matches('"').to_owned(),
        None => name.clone(),
    };
    match presented {
        [] => "no name at all".to_owned(),
        few if few.len() <= 3 => few.iter().map(plain).collect::<Vec<_>>().join(", "),
        [first, others @ ..] => format!("{} and {} others", plain(first), others.len()),
    }
}
