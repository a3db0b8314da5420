//! TLS to the broker with rustls and ring: a CA file or the system's authorities, optionally a client certificate.

use std::path::Path;
use std::sync::Arc;

use ohmstead_outside::tls::{self, believing, roots_of, roots_of_the_system};
use rumqttc::TlsConfiguration;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::settings::{SettingsError, Tls};

/// Reads the files of `settings` into what the connection needs.
pub(crate) fn configuration(settings: &Tls) -> Result<TlsConfiguration, SettingsError> {
    let identity = identity(settings)?;
    let roots = authorities(settings)?;
    let refused = |error: rustls::Error| SettingsError::Tls { reason: error.to_string() };
    let builder = believing(roots).map_err(refused)?;
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

fn authorities(settings: &Tls) -> Result<RootCertStore, SettingsError> {
    let refused = |reason: String| SettingsError::Tls { reason };
    if let Some(path) = &settings.ca_file {
        return roots_of(certificates("tls.ca_file", path)?).map_err(|error| refused(error.to_string()));
    }
    let roots = roots_of_the_system();
    if roots.is_empty() {
        return Err(refused(
            "this system has no list of trusted authorities; set mqtt.tls.ca_file".to_owned(),
        ));
    }
    Ok(roots)
}

fn certificates(key: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, SettingsError> {
    let pem = read(key, path)?;
    tls::certificates(&pem).ok_or_else(|| SettingsError::NotPem {
        key,
        path: path.to_owned(),
        expected: "certificate",
    })
}

fn read(key: &'static str, path: &Path) -> Result<Vec<u8>, SettingsError> {
    std::fs::read(path).map_err(|source| SettingsError::Unreadable { key, path: path.to_owned(), source })
}
