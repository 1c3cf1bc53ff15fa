//! A private certificate authority with one server certificate, for `localhost` and `127.0.0.1`.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};

use super::process::write_private;

/// The files of an authority.
#[derive(Debug)]
pub(crate) struct Authority {
    /// The authority's own certificate: what a client has to trust.
    pub(crate) ca: PathBuf,
    /// The server's certificate.
    pub(crate) cert: PathBuf,
    /// The server's key.
    pub(crate) key: PathBuf,
}

impl Authority {
    /// Makes an authority and its server certificate in a folder.
    pub(crate) fn make(folder: &Path) -> Self {
        fs::create_dir_all(folder).expect("make the folder of the authority");
        let mut params = CertificateParams::new(Vec::new()).expect("parameters of the authority");
        params.distinguished_name.push(DnType::CommonName, "Project CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let ca_key = KeyPair::generate().expect("make the authority's key");
        let ca_cert = params.self_signed(&ca_key).expect("sign the authority");
        let issuer = Issuer::new(params, ca_key);

        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut params = CertificateParams::new(names).expect("parameters of the server");
        params.distinguished_name.push(DnType::CommonName, "localhost");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().expect("make the server's key");
        let cert = params.signed_by(&key, &issuer).expect("sign the server");

        let authority =
            Self { ca: folder.join("ca.crt"), cert: folder.join("server.crt"), key: folder.join("server.key") };
        fs::write(&authority.ca, ca_cert.pem()).expect("write the authority");
        fs::write(&authority.cert, cert.pem()).expect("write the certificate");
        write_private(&authority.key, &key.serialize_pem());
        authority
    }
}
