//! Whom a connection to a database believes: a CA file or the system's authorities.

use ohmstead_outside::tls::{believing, certificates, roots_of, roots_of_the_system};
use rustls::{ClientConfig, RootCertStore};

use crate::settings::Tls;

/// What a connection needs, or what is wrong in words.
pub(crate) fn configuration(settings: &Tls) -> Result<ClientConfig, String> {
    let Some(path) = &settings.ca_file else {
        let roots = roots_of_the_system();
        if roots.is_empty() {
            return Err("this system has no list of trusted authorities; set tls.ca_file".to_owned());
        }
        return with(roots);
    };
    let pem = std::fs::read(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    let roots = certificates(&pem).and_then(|found| roots_of(found).ok());
    with(roots.ok_or_else(|| format!("{} contains no certificate in PEM form", path.display()))?)
}

/// For a client that makes no TLS connection.
pub(crate) fn without_roots() -> Result<ClientConfig, String> {
    with(RootCertStore::empty())
}

fn with(roots: RootCertStore) -> Result<ClientConfig, String> {
    Ok(believing(roots).map_err(|error| error.to_string())?.with_no_client_auth())
}
