//! Small servers on loopback for what a real one cannot be made to do: be silent, speak garbage, show a bad certificate.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// A server that ends with this value.
pub(super) struct Server {
    pub port: u16,
    /// What clients sent to a server that keeps it.
    pub heard: Arc<Mutex<String>>,
    task: JoinHandle<()>,
}

impl Server {
    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    async fn new<F>(answer: impl Fn(TcpStream, Arc<Mutex<String>>) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(String::new()));
        let keep = Arc::clone(&heard);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&keep)));
            }
        });
        Self { port, heard, task }
    }

    /// Sends these bytes at once, reads a while, and closes.
    pub(super) async fn saying(bytes: &'static [u8]) -> Self {
        Self::new(move |mut stream, _| async move {
            let _ = stream.write_all(bytes).await;
            let _ = stream.read(&mut [0; 1024]).await;
        })
        .await
    }

    /// Takes connections and never says a word.
    pub(super) async fn silent() -> Self {
        Self::new(|mut stream, _| async move {
            let mut buffer = [0; 1024];
            while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
        })
        .await
    }

    /// Answers the nth request with the nth of these, and the rest with the last.
    pub(super) async fn http(replies: Vec<String>) -> Self {
        let turn = Arc::new(Mutex::new(0));
        Self::new(move |stream, heard| {
            let at = {
                let mut turn = turn.lock().unwrap();
                *turn += 1;
                (*turn - 1).min(replies.len() - 1)
            };
            reply(stream, replies[at].clone(), heard)
        })
        .await
    }

    /// Answers over TLS.
    pub(super) async fn https(config: ServerConfig, text: String) -> Self {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Self::new(move |stream, heard| {
            let (acceptor, text) = (acceptor.clone(), text.clone());
            async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    reply(stream, text, heard).await;
                }
            }
        })
        .await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An HTTP answer.
pub(super) fn response(status: &str, more: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{more}\r\n{body}", body.len())
}

async fn reply(mut stream: impl AsyncRead + AsyncWrite + Unpin, text: String, heard: Arc<Mutex<String>>) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !whole(&request) {
        match stream.read(&mut buffer).await {
            Ok(read) if read > 0 => request.extend_from_slice(&buffer[..read]),
            Ok(_) | Err(_) => return,
        }
    }
    heard.lock().unwrap().push_str(&String::from_utf8_lossy(&request));
    let _ = stream.write_all(text.as_bytes()).await;
    let _ = stream.shutdown().await;
}

fn whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

/// A port that nothing listens on.
pub(super) async fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

/// A certificate authority.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, "Test CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Writes its certificate into a folder.
    pub(super) fn file(&self, folder: &Path) -> PathBuf {
        let path = folder.join("ca.crt");
        std::fs::write(&path, &self.pem).unwrap();
        path
    }

    /// A server with a certificate for this name that is good up to the end of that year.
    pub(super) fn server(&self, name: &str, last_year: i32) -> ServerConfig {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        (params.not_before, params.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(last_year, 12, 31));
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap()
    }
}
