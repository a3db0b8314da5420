//! TLS with rustls and ring: a CA file or the system's authorities.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use crate::settings::Tls;

/// What a connection needs, or what is wrong in words.
pub(crate) fn configuration(settings: &Tls) -> Result<ClientConfig, String> {
    let roots = match &settings.ca_file {
        None => roots_of_the_system()?,
        Some(path) => {
            let pem =
                std::fs::read(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
            roots_of(&pem).ok_or_else(|| format!("{} contains no certificate in PEM form", path.display()))?
        }
    };
    with(roots)
}

/// For a client that makes no TLS connection.
pub(crate) fn without_roots() -> Result<ClientConfig, String> {
    with(RootCertStore::empty())
}

fn with(roots: RootCertStore) -> Result<ClientConfig, String> {
    // Named here, not taken from the process: nobody has to install a provider first.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn roots_of(pem: &[u8]) -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        roots.add(certificate.ok()?).ok()?;
    }
    (!roots.is_empty()).then_some(roots)
}

fn roots_of_the_system() -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    // A system may carry a few certificates that rustls does not understand; the others still count.
    let (usable, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if usable == 0 {
        return Err("this system has no list of trusted authorities; set tls.ca_file".to_owned());
    }
    Ok(roots)
}
