//! The configuration of one GX device.

mod authority;
mod modbus;
mod mqtt;
mod serve;

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use ohmstead_units::{Timespan, WattHours};
use serde::de::{Deserialize, Deserializer, Error, Unexpected};

use super::transport::Kind;
use super::watch::{self, Watch};
use crate::OpenError;
use crate::marstek::PhaseSetting;
pub use authority::{Authority, is_http_address};
use authority::{HTTP_PORT, MODBUS_PORT};
pub use modbus::Modbus;
pub(crate) use mqtt::is_portal;
pub use mqtt::{Mqtt, Tls, Trust};
pub use serve::{Empty, ServeDbusApi};

/// Settings of one GX device, as they stand under `victron:` in the configuration. Several ways to the same device may
/// be named: the best one that works is used. With none of them it is this machine's own bus.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The bus: `system` on the device itself, or an address such as `unix:path=/run/dbus/bus` or `tcp:host=gx,port=78`.
    pub dbus: Option<Bus>,
    /// The port-8088 interface: `http://gx:8088`.
    pub http: Option<Authority<HTTP_PORT>>,
    /// The device's MQTT broker: `gx`, `gx:1883`, or a map with `host` and more.
    pub mqtt: Option<Box<Mqtt>>,
    /// Modbus TCP: `gx:502`, or a map with `host` and more.
    pub modbus: Option<Modbus>,
    /// The order in which the ways are tried; without it `dbus`, `mqtt`, `http`, `modbus`.
    pub prefer: Vec<Kind>,
    /// Name for people; the key of the device where absent.
    pub name: Option<String>,
    /// How often the port-8088 interface and Modbus are asked: 1 s to 1 h. The other ways speak by themselves.
    #[serde(deserialize_with = "interval")]
    pub interval: Timespan,
    /// The phase of the house, for an installation with one phase in a house with three.
    pub phase: Option<PhaseSetting>,
    /// Usable energy of the battery when full, where the device does not know it.
    pub capacity: Option<WattHours>,
    /// The least time between two writes of one setting, 10 s to 24 h: each rewrites a file in the device's flash.
    #[serde(deserialize_with = "write_interval")]
    pub write_interval: Timespan,
    /// The most writes of one setting in 24 hours, 1 to 96: one in each quarter of an hour.
    #[serde(deserialize_with = "writes_per_day")]
    pub writes_per_day: u32,
    /// Paths of the device's own that become metrics.
    #[serde(deserialize_with = "watch::list")]
    pub watch: Vec<Watch>,
    /// Parts that were taken away for good, such as `solarcharger/258`: without it their absence makes sums unknown.
    #[serde(deserialize_with = "super::roster::removed")]
    pub removed: Vec<String>,
    /// Serves the port-8088 interface of the device to other programs.
    pub serve_dbus_api: Option<ServeDbusApi>,
    /// Whether this device is read-only, whatever the installation says.
    pub read_only: Option<bool>,
    /// Home Assistant entity id of the state of charge to keep, without the `sensor.`.
    pub entity_id: Option<String>,
    /// Device id in topics and discovery to keep.
    pub device_id: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            dbus: None,
            http: None,
            mqtt: None,
            modbus: None,
            prefer: Vec::new(),
            name: None,
            interval: Timespan::from_secs(5),
            phase: None,
            capacity: None,
            write_interval: Timespan::from_secs(60),
            writes_per_day: 24,
            watch: Vec::new(),
            removed: Vec::new(),
            serve_dbus_api: None,
            read_only: None,
            entity_id: None,
            device_id: None,
        }
    }
}

/// Which bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bus {
    /// The system's own.
    System,
    /// The one at this address.
    At(String),
}

impl Bus {
    /// Reads `system` or a D-Bus address.
    pub fn parse(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("system") {
            return Some(Self::System);
        }
        let known = text.starts_with("unix:") || text.starts_with("tcp:");
        (known && zbus::Address::try_from(text).is_ok()).then(|| Self::At(text.to_owned()))
    }

    /// The address, unless it is the system's own bus.
    pub(crate) fn address(&self) -> Option<String> {
        match self {
            Self::System => None,
            Self::At(address) => Some(address.clone()),
        }
    }
}

impl fmt::Display for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("system"),
            Self::At(address) => f.write_str(address),
        }
    }
}

impl<'de> Deserialize<'de> for Bus {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let text = String::deserialize(source)?;
        let expected = "system, or a bus address such as unix:path=/run/dbus/bus or tcp:host=gx,port=78";
        Self::parse(&text).ok_or_else(|| Error::invalid_value(Unexpected::Str(&text), &expected))
    }
}

fn interval<'de, D: Deserializer<'de>>(source: D) -> Result<Timespan, D::Error> {
    const RANGE: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3600);
    within(source, &RANGE, "an interval between 1 s and 1 h: a GX device that is kept busy reboots")
}

fn write_interval<'de, D: Deserializer<'de>>(source: D) -> Result<Timespan, D::Error> {
    const RANGE: RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_secs(86_400);
    let expected =
        "10 s to 24 h between two writes: each change of a setting rewrites a file in the GX device's flash";
    within(source, &RANGE, expected)
}

fn writes_per_day<'de, D: Deserializer<'de>>(source: D) -> Result<u32, D::Error> {
    let count = u32::deserialize(source)?;
    if (1..=96).contains(&count) {
        return Ok(count);
    }
    let expected = "1 to 96 writes a day: each change of a setting rewrites a file in the GX device's flash; \
                    `read_only: true` forbids all";
    Err(Error::invalid_value(Unexpected::Unsigned(count.into()), &expected))
}

fn within<'de, D: Deserializer<'de>>(
    source: D,
    range: &RangeInclusive<Duration>,
    expected: &str,
) -> Result<Timespan, D::Error> {
    let span = Timespan::deserialize(source)?;
    if range.contains(&span.0) {
        return Ok(span);
    }
    Err(Error::invalid_value(Unexpected::Str(&span.to_string()), &expected))
}

/// One way to the device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    Dbus(Bus),
    Mqtt(Mqtt),
    Http(Authority<HTTP_PORT>),
    Modbus(Modbus),
}

impl Route {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Dbus(_) => Kind::Dbus,
            Self::Mqtt(_) => Kind::Mqtt,
            Self::Http(_) => Kind::Http,
            Self::Modbus(_) => Kind::Modbus,
        }
    }
}

impl fmt::Display for Route {
    /// As it stands behind `victron://`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dbus(bus) => write!(f, "{bus}"),
            Self::Mqtt(mqtt) => write!(f, "{}://{}", mqtt.scheme(), mqtt.broker),
            Self::Http(authority) => write!(f, "http://{authority}"),
            Self::Modbus(modbus) => write!(f, "modbus://{}", modbus.server),
        }
    }
}

impl Settings {
    /// The ways in the order in which they are tried; never none.
    pub(crate) fn routes(&self) -> Vec<Route> {
        let mut routes: Vec<_> = [
            self.dbus.clone().map(Route::Dbus),
            self.mqtt.as_deref().cloned().map(Route::Mqtt),
            self.http.clone().map(Route::Http),
            self.modbus.clone().map(Route::Modbus),
        ]
        .into_iter()
        .flatten()
        .collect();
        if routes.is_empty() {
            routes.push(Route::Dbus(Bus::System));
        }
        let rank =
            |route: &Route| self.prefer.iter().position(|kind| *kind == route.kind()).unwrap_or(usize::MAX);
        routes.sort_by_key(|route| (rank(route), route.kind()));
        routes
    }

    /// Where the device is, as the first way has it.
    pub(crate) fn address(&self) -> String {
        self.routes().first().map(ToString::to_string).unwrap_or_default()
    }

    /// The key of the first way.
    pub(crate) fn place_key(&self) -> &'static str {
        self.routes().first().map_or("dbus", |route| route.kind().key())
    }

    /// The settings for an address: `victron://system`, `victron+dbus:unix:path=...`, `victron+http://gx:8088`,
    /// `victron+modbus://gx:502`, `victron+mqtt://gx:1883`, or the same behind `victron://`. `None` where it is not one of
    /// ours at all.
    pub(crate) fn from_address(address: &str) -> Option<Result<Self, OpenError>> {
        let rest = address.strip_prefix("victron")?;
        let rest = rest.strip_prefix("://").or_else(|| rest.strip_prefix('+'))?;
        let none = Self::default;
        let (scheme, place) = rest
            .split_once("://")
            .or_else(|| rest.strip_prefix("dbus:").map(|place| ("dbus", place)))
            .unwrap_or(("dbus", rest));
        let settings = match scheme {
            "dbus" => Bus::parse(if place.is_empty() { "system" } else { place })
                .map(|bus| Self { dbus: Some(bus), ..none() }),
            "http" => Authority::parse(place).map(|http| Self { http: Some(http), ..none() }),
            "modbus" => Authority::<MODBUS_PORT>::parse(place)
                .map(|server| Self { modbus: Some(Modbus::at(server)), ..none() }),
            "mqtt" => Authority::parse(place)
                .map(|broker| Self { mqtt: Some(Box::new(Mqtt::at(broker))), ..none() }),
            _ => None,
        };
        Some(settings.ok_or_else(|| OpenError::bad_address(address)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    fn read(value: serde_json::Value) -> Result<Settings, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_said_is_this_machines_bus() {
        assert_eq!(read(json!({})), Ok(Settings::default()));
        assert_eq!(Settings::default().routes(), [Route::Dbus(Bus::System)]);
    }

    #[test]
    fn the_best_way_comes_first_unless_another_is_preferred() {
        let all = json!({"modbus": "gx", "http": "http://gx:8088/", "mqtt": "gx", "dbus": "system"});
        let shown =
            |settings: &Settings| settings.routes().iter().map(ToString::to_string).collect::<Vec<_>>();
        let mut settings = read(all).expect("good settings");
        assert_eq!(shown(&settings), ["system", "mqtt://gx:1883", "http://gx:8088", "modbus://gx:502"]);
        settings.prefer = vec![Kind::Modbus, Kind::Http];
        assert_eq!(shown(&settings), ["modbus://gx:502", "http://gx:8088", "system", "mqtt://gx:1883"]);
    }

    #[test]
    fn a_broker_has_a_long_form_and_keeps_its_secret() {
        let settings = read(
            json!({"mqtt": {"host": "gx", "port": 8883, "username": "u", "password": "geheim", "portal": "c0619ab9929a"}}),
        );
        let mqtt = settings.expect("good settings").mqtt.expect("a broker");
        assert_eq!((mqtt.broker.port, mqtt.portal.as_deref()), (8883, Some("c0619ab9929a")));
        assert!(!format!("{mqtt:?}").contains("geheim"));
    }

    #[test]
    fn a_broker_with_tls_has_a_port_of_its_own() {
        let digest = "ab".repeat(32);
        let of = |more: serde_json::Value| {
            let mut map = json!({"host": "gx", "tls": {"fingerprint_sha256": digest}});
            map.as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
            let settings = read(json!({ "mqtt": map })).expect("good settings");
            settings.routes().first().map(ToString::to_string)
        };
        assert_eq!(of(json!({})).as_deref(), Some("mqtts://gx:8883"));
        assert_eq!(of(json!({"port": 1884})).as_deref(), Some("mqtts://gx:1884"));
        assert_eq!(of(json!({"host": "mqtts://gx:8884"})).as_deref(), Some("mqtts://gx:8884"));
        let colons = ["AB"; 32].join(":");
        assert_eq!(of(json!({"tls": {"fingerprint_sha256": colons}})).as_deref(), Some("mqtts://gx:8883"));
        assert_eq!(of(json!({"tls": {"ca_file": "/data/ca.pem"}})).as_deref(), Some("mqtts://gx:8883"));
    }

    #[test]
    fn modbus_may_be_limited_to_units() {
        let modbus = |value: serde_json::Value| read(json!({ "modbus": value })).map(|read| read.modbus);
        let long = modbus(json!({"host": "gx", "units": [100, 51, 100]})).expect("good").expect("a server");
        assert_eq!((long.server.port, long.units), (502, vec![100, 51]));
        assert_eq!(
            modbus(json!("gx:1502")),
            modbus(json!({"host": "gx", "port": 1502})),
            "the short form means the same"
        );
    }

    #[rstest]
    #[case(json!({"dbus": "session bus"}), "expected system, or a bus address")]
    #[case(json!({"dbus": "unix:nonsense"}), "expected system, or a bus address")]
    #[case(json!({"http": "http://"}), "expected a host with a port")]
    #[case(json!({"modbus": "gx:0"}), "expected a host with a port")]
    #[case(json!({"modbus": "gx:70000"}), "expected a host with a port")]
    #[case(json!({"mqtt": {"host": "gx", "portal": "a/b"}}), "expected a portal id")]
    #[case::tls_hidden_in_a_scheme(json!({"mqtt": {"host": "mqtts://gx", "port": 8883, "username": "u", "password": "p"}}), "expected a host name or IP address, without a scheme or with mqtt://; TLS is asked for with `tls:`")]
    #[case::tls_in_short(json!({"mqtt": "mqtts://gx:8883"}), "expected a broker such as gx:1883")]
    #[case::tls_that_is_not_spoken(json!({"http": "https://gx"}), "expected a host with a port, such as gx:8088 or http://gx:8088")]
    #[case(json!({"http": "mqtt://gx"}), "expected a host with a port, such as gx:8088")]
    #[case(json!({"modbus": "http://gx"}), "expected a host with a port, such as gx:502 or modbus://gx:502")]
    #[case(json!({"mqtt": {"host": "mqtt://gx", "tls": {"ca_file": "/x"}}}), "expected a host name or IP address, without a scheme or with mqtts://")]
    #[case(json!({"mqtt": {"host": "gx", "tls": true}}), "expected a map with ca_file or fingerprint_sha256")]
    #[case::whom_to_trust(json!({"mqtt": {"host": "gx", "tls": {}}}), "expected a map with ca_file or fingerprint_sha256")]
    #[case(json!({"mqtt": {"host": "gx", "tls": {"ca_file": "/x", "fingerprint_sha256": "00"}}}), "expected a map with ca_file or fingerprint_sha256")]
    #[case(json!({"mqtt": {"host": "gx", "tls": {"fingerprint_sha256": "00:11"}}}), "expected the SHA-256 of the certificate, 64 hex digits")]
    #[case(json!({"mqtt": {"host": "gx", "tls": {"insecure": true}}}), "unknown field `insecure`")]
    #[case(json!({"modbus": {"host": "gx", "units": [0]}}), "expected a unit from 1 to 247")]
    #[case(json!({"modbus": {"host": "gx", "units": [100, 248]}}), "expected a unit from 1 to 247")]
    #[case(json!({"write_interval": "0 s"}), "expected 10 s to 24 h between two writes: each change of a setting rewrites a file")]
    #[case(json!({"write_interval": "25 h"}), "expected 10 s to 24 h between two writes")]
    #[case(json!({"writes_per_day": 0}), "expected 1 to 96 writes a day: each change of a setting rewrites a file in the GX device's flash; `read_only: true` forbids all")]
    #[case(json!({"writes_per_day": 1_000_000}), "expected 1 to 96 writes a day")]
    #[case(json!({"interval": "100 ms"}), "expected an interval between 1 s and 1 h")]
    #[case(json!({"prefer": ["telnet"]}), "unknown variant `telnet`")]
    #[case(json!({"removed": ["solarcharger"]}), "expected a part such as solarcharger/258")]
    #[case(json!({"removed": ["Shed/1"]}), "expected a part such as solarcharger/258")]
    #[case(json!({"host": "gx"}), "unknown field `host`")]
    fn what_cannot_be_meant_is_refused(#[case] settings: serde_json::Value, #[case] why: &str) {
        let refused = read(settings).expect_err("bad settings");
        assert!(refused.contains(why), "{refused}");
    }

    #[rstest]
    #[case("victron://system", Some("system"))]
    #[case("victron://", Some("system"))]
    #[case("victron+dbus:unix:path=/run/x", Some("unix:path=/run/x"))]
    #[case("victron://unix:path=/run/x", Some("unix:path=/run/x"))]
    #[case("victron://tcp:host=gx,port=78", Some("tcp:host=gx,port=78"))]
    #[case("victron+http://gx:8088", Some("http://gx:8088"))]
    #[case("victron://http://gx", Some("http://gx:8088"))]
    #[case("victron+modbus://gx:502", Some("modbus://gx:502"))]
    #[case("victron+modbus://[fe80::1]:1502", Some("modbus://[fe80::1]:1502"))]
    #[case("victron+mqtt://gx", Some("mqtt://gx:1883"))]
    #[case("victron+mqtt://mqtt://gx", Some("mqtt://gx:1883"))]
    #[case("victron+mqtt://mqtts://gx", None)]
    #[case("victron+mqtts://gx", None)]
    #[case("victron+https://gx", None)]
    #[case("victron+ftp://gx", None)]
    #[case("victron://gx", None)]
    #[case("victronx://gx", None)]
    fn addresses(#[case] address: &str, #[case] shown: Option<&str>) {
        let settings = Settings::from_address(address).and_then(Result::ok);
        assert_eq!(settings.as_ref().map(Settings::address).as_deref(), shown);
        if let Some(settings) = settings {
            // What is shown as the address of a device leads to the device again.
            let again = Settings::from_address(&format!("victron://{}", settings.address()))
                .expect("ours")
                .expect("good");
            assert_eq!(again, settings);
        }
    }
}
