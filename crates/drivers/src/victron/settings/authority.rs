//! A host with a port, as one of the ways to the device has it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Unexpected};

/// Ports that Victron and the port-8088 interface use.
pub(super) const HTTP_PORT: u16 = 8088;
pub(super) const MODBUS_PORT: u16 = 502;
pub(super) const MQTT_PORT: u16 = 1883;
pub(super) const MQTTS_PORT: u16 = 8883;

/// A host with a port; `PORT` where none is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority<const PORT: u16> {
    /// Host name or IP address, an IPv6 address without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl<const PORT: u16> Authority<PORT> {
    /// What may stand in front of it. Another scheme asks for something that would not be done, such as TLS.
    pub(super) const SCHEME: &'static str = match PORT {
        HTTP_PORT => "http",
        MODBUS_PORT => "modbus",
        MQTTS_PORT => "mqtts",
        _ => "mqtt",
    };

    /// Reads `host`, `host:port`, `[ip]:port`, with its own scheme in front or none, and a slash behind.
    pub fn parse(text: &str) -> Option<Self> {
        let text = match text.split_once("://") {
            Some((scheme, rest)) => scheme.eq_ignore_ascii_case(Self::SCHEME).then_some(rest)?,
            None => text,
        };
        let text = text.trim_end_matches('/');
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => rest.split_once(']').map(|(host, port)| (host, port.strip_prefix(':')))?,
            None if text.matches(':').count() > 1 => (text, None),
            None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
        };
        let port = port.map_or(Some(PORT), |port| port.parse().ok()).filter(|port| *port != 0)?;
        let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
        (!host.is_empty() && host.len() <= 253 && host.chars().all(is_host))
            .then(|| Self { host: host.to_owned(), port })
    }
}

impl<const PORT: u16> fmt::Display for Authority<PORT> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (host, port) = (&self.host, self.port);
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

impl<'de, const PORT: u16> Deserialize<'de> for Authority<PORT> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let text = String::deserialize(source)?;
        Self::parse(&text).ok_or_else(|| {
            let scheme = Self::SCHEME;
            let expected = format!("a host with a port, such as gx:{PORT} or {scheme}://gx:{PORT}");
            Error::invalid_value(Unexpected::Str(&text), &expected.as_str())
        })
    }
}

/// Whether a text is an address of the port-8088 interface.
pub fn is_http_address(text: &str) -> bool {
    Authority::<HTTP_PORT>::parse(text).is_some()
}
