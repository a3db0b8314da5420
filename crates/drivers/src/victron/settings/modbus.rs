//! The device's Modbus TCP server: an address, or a map.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Unexpected, Visitor};

use super::authority::{Authority, MODBUS_PORT};

/// Where the server is, and what of it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Modbus {
    /// Where it is.
    pub server: Authority<MODBUS_PORT>,
    /// The only units at which services are looked for besides unit 100; all where empty.
    pub units: Vec<u8>,
}

impl Modbus {
    /// A server with whatever units it has.
    pub(crate) fn at(server: Authority<MODBUS_PORT>) -> Self {
        Self { server, units: Vec::new() }
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Long {
    host: String,
    #[serde(default)]
    port: Option<u16>,
    #[serde(default)]
    units: Vec<u64>,
}

impl<'de> Deserialize<'de> for Modbus {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_any(Form)
    }
}

struct Form;

const EXPECTED: &str = "a host with a port, such as gx:502 or modbus://gx:502";

fn server<E: Error>(text: &str) -> Result<Authority<MODBUS_PORT>, E> {
    Authority::parse(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &EXPECTED))
}

/// Each unit once.
fn units<E: Error>(named: Vec<u64>) -> Result<Vec<u8>, E> {
    let mut units = Vec::new();
    for unit in named {
        let number = u8::try_from(unit).ok().filter(|unit| (1..=247).contains(unit));
        let number =
            number.ok_or_else(|| E::invalid_value(Unexpected::Unsigned(unit), &"a unit from 1 to 247"))?;
        if !units.contains(&number) {
            units.push(number);
        }
    }
    Ok(units)
}

impl<'de> Visitor<'de> for Form {
    type Value = Modbus;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{EXPECTED}, or a map with host, port, units")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Modbus, E> {
        server(text).map(Modbus::at)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Modbus, A::Error> {
        let Long { host, port, units: named } = Long::deserialize(MapAccessDeserializer::new(map))?;
        let mut server = server(&host)?;
        match port {
            Some(0) => {
                return Err(A::Error::invalid_value(Unexpected::Unsigned(0), &"a port from 1 to 65535"));
            }
            Some(port) => server.port = port,
            None => {}
        }
        Ok(Modbus { server, units: units(named)? })
    }
}
