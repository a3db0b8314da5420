//! The configuration of one GX device.

mod serve;

use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use ohmstead_units::{Timespan, WattHours};
use serde::de::{Deserialize, Deserializer, Error, Unexpected};

use super::transport::Kind;
use super::watch::{self, Watch};
use crate::OpenError;
use crate::marstek::PhaseSetting;
pub use serve::{Empty, ServeDbusApi};

/// Ports that Victron and the port-8088 interface use.
const HTTP_PORT: u16 = 8088;
const MODBUS_PORT: u16 = 502;
const MQTT_PORT: u16 = 1883;

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
    pub mqtt: Option<Mqtt>,
    /// Modbus TCP: `gx:502`.
    pub modbus: Option<Authority<MODBUS_PORT>>,
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
    /// The least time between two writes of one setting: the device keeps settings in flash.
    pub write_interval: Timespan,
    /// The most writes of one setting in 24 hours.
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

/// A host with a port; `PORT` where none is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority<const PORT: u16> {
    /// Host name or IP address, an IPv6 address without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl<const PORT: u16> Authority<PORT> {
    /// Reads `host`, `host:port`, `[ip]:port`, with any scheme in front and a slash behind.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.split_once("://").map_or(text, |(_, rest)| rest).trim_end_matches('/');
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
            Error::invalid_value(
                Unexpected::Str(&text),
                &"a host with a port, such as gx:502 or http://192.0.2.9:8088",
            )
        })
    }
}

/// Whether a text is an address of the port-8088 interface.
pub fn is_http_address(text: &str) -> bool {
    Authority::<HTTP_PORT>::parse(text).is_some()
}

/// The device's MQTT broker.
#[derive(Clone, PartialEq, Eq)]
pub struct Mqtt {
    /// Where it is.
    pub broker: Authority<MQTT_PORT>,
    /// User name, where the broker wants one.
    pub username: Option<String>,
    /// Password; better in a file.
    pub password: Option<String>,
    /// File whose first line is the password.
    pub password_file: Option<PathBuf>,
    /// The portal id, 12 hex digits. Found by itself where absent.
    pub portal: Option<String>,
}

impl fmt::Debug for Mqtt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mqtt")
            .field("broker", &self.broker)
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
        Self { broker, username: None, password: None, password_file: None, portal: None }
    }
}

/// The long form of [`Mqtt`].
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct MqttMap {
    host: String,
    #[serde(default)]
    port: Option<u16>,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    password: Option<String>,
    #[serde(default)]
    password_file: Option<PathBuf>,
    #[serde(default)]
    portal: Option<String>,
}

impl<'de> Deserialize<'de> for Mqtt {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_any(MqttVisitor)
    }
}

struct MqttVisitor;

impl<'de> serde::de::Visitor<'de> for MqttVisitor {
    type Value = Mqtt;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a broker such as gx:1883, or a map with host, port, username, password_file, portal")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Mqtt, E> {
        Authority::parse(text).map(Mqtt::at).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Mqtt, A::Error> {
        let map = MqttMap::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
        let mut broker = Authority::parse(&map.host).ok_or_else(|| {
            A::Error::invalid_value(Unexpected::Str(&map.host), &"a host name or IP address")
        })?;
        broker.port = map.port.unwrap_or(broker.port);
        let is_portal = |portal: &str| {
            (1..=64).contains(&portal.len()) && portal.chars().all(|c| c.is_ascii_alphanumeric())
        };
        if let Some(portal) = map.portal.as_deref().filter(|portal| !is_portal(portal)) {
            return Err(A::Error::invalid_value(
                Unexpected::Str(portal),
                &"a portal id such as c0619ab9929a",
            ));
        }
        Ok(Mqtt {
            broker,
            username: map.username,
            password: map.password,
            password_file: map.password_file,
            portal: map.portal,
        })
    }
}

fn interval<'de, D: Deserializer<'de>>(source: D) -> Result<Timespan, D::Error> {
    const RANGE: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3600);
    let span = Timespan::deserialize(source)?;
    if RANGE.contains(&span.0) {
        return Ok(span);
    }
    let expected = "an interval between 1 s and 1 h: a GX device that is kept busy reboots";
    Err(Error::invalid_value(Unexpected::Str(&span.to_string()), &expected))
}

/// One way to the device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    Dbus(Bus),
    Mqtt(Mqtt),
    Http(Authority<HTTP_PORT>),
    Modbus(Authority<MODBUS_PORT>),
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
            Self::Mqtt(mqtt) => write!(f, "mqtt://{}", mqtt.broker),
            Self::Http(authority) => write!(f, "http://{authority}"),
            Self::Modbus(authority) => write!(f, "modbus://{authority}"),
        }
    }
}

impl Settings {
    /// The ways in the order in which they are tried; never none.
    pub(crate) fn routes(&self) -> Vec<Route> {
        let mut routes: Vec<_> = [
            self.dbus.clone().map(Route::Dbus),
            self.mqtt.clone().map(Route::Mqtt),
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
            "modbus" => Authority::parse(place).map(|modbus| Self { modbus: Some(modbus), ..none() }),
            "mqtt" => Authority::parse(place).map(|broker| Self { mqtt: Some(Mqtt::at(broker)), ..none() }),
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

    #[rstest]
    #[case(json!({"dbus": "session bus"}), "expected system, or a bus address")]
    #[case(json!({"dbus": "unix:nonsense"}), "expected system, or a bus address")]
    #[case(json!({"http": "http://"}), "expected a host with a port")]
    #[case(json!({"modbus": "gx:0"}), "expected a host with a port")]
    #[case(json!({"modbus": "gx:70000"}), "expected a host with a port")]
    #[case(json!({"mqtt": {"host": "gx", "portal": "a/b"}}), "expected a portal id")]
    #[case(json!({"mqtt": {"host": "gx", "tls": true}}), "unknown field `tls`")]
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
