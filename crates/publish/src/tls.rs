//! TLS to the broker with rustls and ring: a CA file or the system's authorities, optionally a client certificate.

use std::path::Path;
use std::sync::Arc;

use rumqttc::TlsConfiguration;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::settings::{SettingsError, Tls};

/// Reads the files of `settings` into what the connection needs.
pub(crate) fn configuration(settings: &Tls) -> Result<TlsConfiguration, SettingsError> {
    let identity = identity(settings)?;
    let roots = match &settings.ca_file {
        Some(path) => roots_of(path)?,
        None => roots_of_the_system()?,
    };
    let refused = |error: rustls::Error| SettingsError::Tls { reason: error.to_string() };
    // Named here, not taken from the process: nobody has to install a provider first.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(refused)?
        .with_root_certificates(roots);
    let config = match identity {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key).map_err(refused)?,
        None => builder.with_no_client_auth(),
    };
    Ok(TlsConfiguration::Rustls(Arc::new(config)))
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn identity(settings: &Tls) -> Result<Option<Identity>, SettingsError> {
    match (&settings.cert_file, &settings.key_file) {
        (None, None) => Ok(None),
        (Some(_), None) => Err(SettingsError::HalfIdentity { missing: "key_file" }),
        (None, Some(_)) => Err(SettingsError::HalfIdentity { missing: "cert_file" }),
        (Some(cert), Some(key)) => {
            let chain = certificates("tls.cert_file", cert)?;
            let pem = read("tls.key_file", key)?;
            let private = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| SettingsError::NotPem {
                key: "tls.key_file",
                path: key.clone(),
                expected: "private key",
            })?;
            Ok(Some((chain, private)))
        }
    }
}

fn roots_of(path: &Path) -> Result<RootCertStore, SettingsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("tls.ca_file", path)? {
        roots.add(certificate).map_err(|error| SettingsError::Tls { reason: error.to_string() })?;
    }
    Ok(roots)
}

fn roots_of_the_system() -> Result<RootCertStore, SettingsError> {
    let mut roots = RootCertStore::empty();
    // A system may carry a few certificates that rustls does not understand; the others still count.
    let (usable, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if usable == 0 {
        let reason = "this system has no list of trusted authorities; set mqtt.tls.ca_file".to_owned();
        return Err(SettingsError::Tls { reason });
    }
    Ok(roots)
}

fn certificates(key: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, SettingsError> {
    let pem = read(key, path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    found.ok().filter(|found| !found.is_empty()).ok_or_else(|| SettingsError::NotPem {
        key,
        path: path.to_owned(),
        expected: "certificate",
    })
}

fn read(key: &'static str, path: &Path) -> Result<Vec<u8>, SettingsError> {
    std::fs::read(path).map_err(|source| SettingsError::Unreadable { key, path: path.to_owned(), source })
}
