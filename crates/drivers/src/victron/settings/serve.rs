//! How the port-8088 interface of the device is served to other programs.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Unexpected, Visitor};

/// What stands for a value that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Empty {
    /// `null`.
    #[default]
    Null,
    /// `[]`, as in the original.
    List,
}

/// Where the interface listens and what it allows: an address, or a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServeDbusApi {
    /// Address and port; away from the loopback addresses a token is required.
    pub listen: SocketAddr,
    /// File with the token that every caller must show.
    pub token_file: Option<PathBuf>,
    /// Host names under which it is reached besides `localhost` and the address.
    pub allowed_hosts: Vec<String>,
    /// What stands for a value that is not there.
    pub empty: Empty,
    /// Whether `POST /value` hands in wishes for the device's settings.
    pub write: bool,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Long {
    listen: String,
    #[serde(default)]
    token_file: Option<PathBuf>,
    #[serde(default)]
    allowed_hosts: Vec<String>,
    #[serde(default)]
    empty: Empty,
    #[serde(default)]
    write: bool,
}

const EXPECTED: &str = "an address with a port such as 127.0.0.1:8088";

fn address<E: Error>(text: &str) -> Result<SocketAddr, E> {
    text.parse().map_err(|_| E::invalid_value(Unexpected::Str(text), &EXPECTED))
}

impl<'de> Deserialize<'de> for ServeDbusApi {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_any(Form)
    }
}

struct Form;

impl<'de> Visitor<'de> for Form {
    type Value = ServeDbusApi;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{EXPECTED}, or a map with listen, token_file, allowed_hosts, empty, write")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ServeDbusApi, E> {
        let listen = address(text)?;
        Ok(ServeDbusApi {
            listen,
            token_file: None,
            allowed_hosts: Vec::new(),
            empty: Empty::Null,
            write: false,
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ServeDbusApi, A::Error> {
        let Long { listen, token_file, allowed_hosts, empty, write } =
            Long::deserialize(MapAccessDeserializer::new(map))?;
        Ok(ServeDbusApi { listen: address(&listen)?, token_file, allowed_hosts, empty, write })
    }
}
