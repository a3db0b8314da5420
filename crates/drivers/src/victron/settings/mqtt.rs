//! The device's MQTT broker: an address, or a map.

use std::fmt;
use std::path::PathBuf;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Unexpected, Visitor};

use super::authority::{Authority, MQTT_PORT, MQTTS_PORT};

/// The device's MQTT broker.
#[derive(Clone, PartialEq, Eq)]
pub struct Mqtt {
    /// Where it is.
    pub broker: Authority<MQTT_PORT>,
    /// TLS, and whom it trusts. Without it everything is sent in clear.
    pub tls: Option<Tls>,
    /// User name, where the broker wants one.
    pub username: Option<String>,
    /// Password; better in a file.
    pub password: Option<String>,
    /// File whose first line is the password.
    pub password_file: Option<PathBuf>,
    /// The portal id, 12 hex digits. Found by itself where absent.
    pub portal: Option<String>,
}

/// TLS to the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// Which certificate is believed.
    pub trust: Trust,
}

/// Which certificate is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// One for the host's name, issued by an authority in this file (PEM).
    Authorities(PathBuf),
    /// The one with this SHA-256, whoever issued it to whatever name: a GX device makes its own.
    Fingerprint([u8; 32]),
}

impl fmt::Debug for Mqtt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mqtt")
            .field("broker", &self.broker)
            .field("tls", &self.tls)
            .field("username", &self.username)
            .field("password", &self.password.as_ref().map(|_| "..."))
            .field("password_file", &self.password_file)
            .field("portal", &self.portal)
            .finish()
    }
}

impl Mqtt {
    /// A broker that asks for nothing.
    pub(crate) fn at(broker: Authority<MQTT_PORT>) -> Self {
        Self { broker, tls: None, username: None, password: None, password_file: None, portal: None }
    }

    pub(super) fn scheme(&self) -> &'static str {
        match self.tls {
            None => Authority::<MQTT_PORT>::SCHEME,
            Some(_) => Authority::<MQTTS_PORT>::SCHEME,
        }
    }
}

/// The long form of [`Mqtt`].
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Long {
    host: String,
    #[serde(default)]
    port: Option<u16>,
    #[serde(default)]
    tls: Option<Tls>,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    password: Option<String>,
    #[serde(default)]
    password_file: Option<PathBuf>,
    #[serde(default)]
    portal: Option<String>,
}

impl Long {
    fn broker<E: Error>(&self) -> Result<Authority<MQTT_PORT>, E> {
        let (broker, expected) = if self.tls.is_some() {
            let broker = Authority::<MQTTS_PORT>::parse(&self.host);
            let broker = broker.map(|broker| Authority { host: broker.host, port: broker.port });
            (broker, "a host name or IP address, without a scheme or with mqtts://")
        } else {
            let expected =
                "a host name or IP address, without a scheme or with mqtt://; TLS is asked for with `tls:`";
            (Authority::parse(&self.host), expected)
        };
        let mut broker = broker.ok_or_else(|| E::invalid_value(Unexpected::Str(&self.host), &expected))?;
        broker.port = self.port.unwrap_or(broker.port);
        Ok(broker)
    }
}

impl<'de> Deserialize<'de> for Mqtt {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_any(Form)
    }
}

struct Form;

impl<'de> Visitor<'de> for Form {
    type Value = Mqtt;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a broker such as gx:1883, or a map with host, port, tls, username, password_file, portal",
        )
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Mqtt, E> {
        Authority::parse(text).map(Mqtt::at).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Mqtt, A::Error> {
        let map = Long::deserialize(MapAccessDeserializer::new(map))?;
        let broker = map.broker()?;
        if let Some(portal) = map.portal.as_deref().filter(|portal| !is_portal(portal)) {
            let expected = "a portal id such as c0619ab9929a";
            return Err(A::Error::invalid_value(Unexpected::Str(portal), &expected));
        }
        Ok(Mqtt {
            broker,
            tls: map.tls,
            username: map.username,
            password: map.password,
            password_file: map.password_file,
            portal: map.portal,
        })
    }
}

/// Whether a text may be a portal id.
pub(crate) fn is_portal(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric())
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct LongTls {
    #[serde(default)]
    ca_file: Option<PathBuf>,
    #[serde(default)]
    fingerprint_sha256: Option<String>,
}

impl<'de> Deserialize<'de> for Tls {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_any(TlsForm)
    }
}

struct TlsForm;

impl<'de> Visitor<'de> for TlsForm {
    type Value = Tls;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map with ca_file or fingerprint_sha256, one of the two: whose certificate is believed")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Tls, A::Error> {
        let LongTls { ca_file, fingerprint_sha256 } = LongTls::deserialize(MapAccessDeserializer::new(map))?;
        let trust = match (ca_file, fingerprint_sha256) {
            (Some(file), None) => Trust::Authorities(file),
            (None, Some(text)) => Trust::Fingerprint(fingerprint(&text).ok_or_else(|| {
                let expected = "the SHA-256 of the certificate, 64 hex digits with or without colons";
                A::Error::invalid_value(Unexpected::Str(&text), &expected)
            })?),
            _ => return Err(A::Error::invalid_value(Unexpected::Map, &self)),
        };
        Ok(Tls { trust })
    }
}

/// Reads `AB:CD:...` or `abcd...`.
fn fingerprint(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| *c != ':')
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> =
        digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect();
    <[u8; 32]>::try_from(bytes).ok().filter(|_| digits.len() == 64)
}
