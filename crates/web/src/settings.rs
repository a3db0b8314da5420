//! The `web:` part of the configuration, and what makes it safe or not.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, Unexpected};

/// The shortest token that is accepted, in characters: what `openssl rand -hex 8` gives.
const TOKEN_LENGTH_MIN: usize = 16;

/// How the web interface is reached, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Address and port to listen on. Away from the loopback addresses a token is required.
    #[serde(deserialize_with = "listen")]
    pub listen: SocketAddr,
    /// The token that every caller must show, at least 16 characters. Without one, everybody who reaches the port may
    /// read and control.
    pub token: Option<Secret>,
    /// A file with the token; one line break at its end is ignored. `token` wins where both are given.
    pub token_file: Option<PathBuf>,
    /// Host names under which the page is reached besides `localhost` and the listen address, such as `gateway.local`.
    pub allowed_hosts: Vec<String>,
    /// Origins whose pages may send commands, such as `https://home.example`; needed behind a proxy that changes the
    /// `Host` header.
    pub allowed_origins: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8230)),
            token: None,
            token_file: None,
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
        }
    }
}

fn listen<'de, D: Deserializer<'de>>(source: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(source)?;
    text.parse().map_err(|_| {
        D::Error::invalid_value(
            Unexpected::Str(&text),
            &"an address with a port such as \"127.0.0.1:8230\", \"0.0.0.0:8230\" or \"[::1]:8230\"",
        )
    })
}

/// A text that never appears in logs.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text itself; for comparing, never for printing.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// What is wrong with the web settings, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Everybody in the network could control the house.
    #[error(
        "web.listen is {0}, which others in the network can reach, and no token is set: make one with \
         `openssl rand -hex 16 > FILE`, keep it readable only for the service, and set web.token_file to it; \
         or listen on 127.0.0.1"
    )]
    Open(SocketAddr),
    /// A token that can be guessed.
    #[error(
        "the web token has {0} characters, at least {TOKEN_LENGTH_MIN} are needed: make one with `openssl rand -hex 16`"
    )]
    ShortToken(usize),
    /// A token that cannot be sent in a header.
    #[error(
        "the web token contains a character that cannot be sent in an HTTP header: use letters and digits"
    )]
    UnsendableToken,
    /// The token file cannot be read.
    #[error("web.token_file {} cannot be read", path.display())]
    TokenFile {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// An entry of `allowed_hosts` that never matches.
    #[error(
        "web.allowed_hosts: {0:?} is no host name: expected a name such as \"gateway.local\", without scheme, port or path"
    )]
    Host(String),
    /// An entry of `allowed_origins` that never matches.
    #[error(
        "web.allowed_origins: {0:?} is no origin: expected one such as \"https://home.example\", without a path"
    )]
    Origin(String),
}

/// Refuses settings that would let strangers in, or that cannot work.
pub fn check(settings: &Settings) -> Result<(), SettingsError> {
    let token = settings.read_token()?;
    if let Some(token) = &token {
        check_token(token)?;
    } else if !is_loopback(settings.listen.ip()) {
        return Err(SettingsError::Open(settings.listen));
    }
    for host in &settings.allowed_hosts {
        if !is_host_name(host) {
            return Err(SettingsError::Host(host.clone()));
        }
    }
    for origin in &settings.allowed_origins {
        let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        if !host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '@', ' '])) {
            return Err(SettingsError::Origin(origin.clone()));
        }
    }
    Ok(())
}

impl Settings {
    /// The token, read from its file where it is in one. The file is trimmed of one line break.
    pub fn read_token(&self) -> Result<Option<Secret>, SettingsError> {
        if let Some(token) = &self.token {
            return Ok(Some(token.clone()));
        }
        let Some(path) = &self.token_file else { return Ok(None) };
        let text = std::fs::read_to_string(path)
            .map_err(|cause| SettingsError::TokenFile { path: path.clone(), cause })?;
        let text = text.strip_suffix('\n').unwrap_or(&text);
        Ok(Some(Secret(text.strip_suffix('\r').unwrap_or(text).to_owned())))
    }
}

fn check_token(token: &Secret) -> Result<(), SettingsError> {
    let length = token.0.chars().count();
    if length < TOKEN_LENGTH_MIN {
        return Err(SettingsError::ShortToken(length));
    }
    if token.0.chars().all(|c| c.is_ascii_graphic()) { Ok(()) } else { Err(SettingsError::UnsendableToken) }
}

/// Whether only this machine can reach the address.
pub(crate) fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

fn is_host_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    text.parse::<IpAddr>().is_ok() || (text.len() <= 253 && text.split('.').all(label))
}
