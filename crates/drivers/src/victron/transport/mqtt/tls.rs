//! TLS to the device's broker with rustls and ring: an authority from a file, or one certificate known by its fingerprint.
//!
//! A GX device makes its certificate itself, for no name in particular: there only the fingerprint tells it from another.

use std::path::Path;
use std::sync::Arc;

use ring::digest::{SHA256, digest};
use rumqttc::TlsConfiguration;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use crate::victron::settings::Trust;

/// What the connection needs to believe those whom the owner trusts, and nobody else.
pub(super) fn configuration(trust: &Trust) -> Result<TlsConfiguration, String> {
    // Named here, not taken from the process: nobody has to install a provider first.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be used: {error}"))?;
    let builder = match trust {
        Trust::Authorities(file) => builder.with_root_certificates(authorities(file)?),
        Trust::Fingerprint(sha256) => {
            let pinned = Pinned { sha256: *sha256, provider };
            builder.dangerous().with_custom_certificate_verifier(Arc::new(pinned))
        }
    };
    Ok(TlsConfiguration::Rustls(Arc::new(builder.with_no_client_auth())))
}

fn authorities(file: &Path) -> Result<RootCertStore, String> {
    let wrong = |what: &str| format!("tls.ca_file {}: {what}", file.display());
    let pem = std::fs::read(file).map_err(|error| wrong(&error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|_| wrong("it has a certificate that is not in PEM form"))?;
        roots.add(certificate).map_err(|error| wrong(&error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(wrong("it has no certificate in PEM form"));
    }
    Ok(roots)
}

/// Believes one certificate. Its name and its dates do not count: a GX device has none that could be checked, and its clock
/// may be wrong. That the other end has the key is checked as ever.
#[derive(Debug)]
struct Pinned {
    sha256: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = digest(&SHA256, end_entity);
        if shown.as_ref() == self.sha256 {
            return Ok(ServerCertVerified::assertion());
        }
        let shown: Vec<_> = shown.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
        let shown = shown.join(":");
        Err(Error::General(format!(
            "the broker shows the certificate {shown}, which is not the one in tls.fingerprint_sha256; if the device has \
             a new one, compare it there"
        )))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
