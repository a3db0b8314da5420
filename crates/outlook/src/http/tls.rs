//! TLS with rustls and ring, and the authorities of the system.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

/// What a connection needs, or what is wrong in words.
pub(super) fn configuration() -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    // A system may carry a few certificates that rustls does not understand; the others still count. Without any, only
    // plain connections work, and an attempt at another says so.
    let _ = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    // Named here, not taken from the process: nobody has to install a provider first.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
