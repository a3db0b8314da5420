//! The configuration of one Marstek battery.

use std::net::IpAddr;

use ohmstead_model::Phase;
use ohmstead_units::{Timespan, WattHours, Watts};

use super::wire::{Method, normal_mac};
use crate::OpenError;

/// UDP port of the local API unless the owner chose another in the vendor's app.
pub const PORT: u16 = 30000;

/// Settings of one battery, as they stand under `marstek:` in the configuration.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// IP address or host name.
    pub host: String,
    /// UDP port of the local API.
    #[serde(default = "defaults::port")]
    pub port: u16,
    /// Name for people; the key of the device where absent.
    #[serde(default)]
    pub name: Option<String>,
    /// How often power, state of charge and mode are read.
    #[serde(default = "defaults::interval")]
    pub interval: Timespan,
    /// How long to wait for one answer.
    #[serde(default = "defaults::timeout")]
    pub timeout: Timespan,
    /// How often a lost request is sent again.
    #[serde(default = "defaults::retries")]
    pub retries: u32,
    /// Silence to keep after an answer before the next request; the firmware drops what comes sooner.
    #[serde(default = "defaults::quiet_gap")]
    pub quiet_gap: Timespan,
    /// The only methods to read with, such as `[ES.GetMode]`. Learning never leaves this list.
    #[serde(default)]
    pub methods: Option<Vec<Method>>,
    /// The phase of the house the battery is plugged into.
    #[serde(default)]
    pub phase: Option<PhaseSetting>,
    /// Usable energy when full, where the unit reports a wrong one.
    #[serde(default)]
    pub capacity: Option<WattHours>,
    /// The power the unit may use; it cannot be read from the unit. A request above it is clamped.
    #[serde(default)]
    pub power_max: Option<Watts>,
    /// Peak power of the panels on the unit's own inputs; its presence makes the unit count as a solar generator.
    #[serde(default)]
    pub pv_peak: Option<Watts>,
    /// The unit's Bluetooth MAC, 12 hex digits. A unit with another one is refused; found by itself where absent.
    #[serde(default, deserialize_with = "mac")]
    pub ble_mac: Option<String>,
    /// Home Assistant entity id of the state of charge to keep, without the `sensor.`.
    #[serde(default)]
    pub entity_id: Option<String>,
    /// Device id in topics and discovery to keep.
    #[serde(default)]
    pub device_id: Option<String>,
    /// Where to look for the unit when its address has changed; the unit's neighbourhood where absent, nowhere with `[]`.
    #[serde(default)]
    pub rediscover: Option<Vec<IpAddr>>,
    /// Whether this battery is read-only, whatever the installation says.
    #[serde(default)]
    pub read_only: Option<bool>,
}

/// A phase as written in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
pub enum PhaseSetting {
    /// First phase.
    L1,
    /// Second phase.
    L2,
    /// Third phase.
    L3,
}

impl From<PhaseSetting> for Phase {
    fn from(phase: PhaseSetting) -> Self {
        match phase {
            PhaseSetting::L1 => Self::L1,
            PhaseSetting::L2 => Self::L2,
            PhaseSetting::L3 => Self::L3,
        }
    }
}

fn mac<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = <Option<String> as serde::Deserialize>::deserialize(deserializer)?;
    match text {
        Some(text) if normal_mac(&text).is_none() => Err(serde::de::Error::invalid_value(
            serde::de::Unexpected::Str(&text),
            &"a MAC address such as 0123456789ab, 12 hexadecimal digits",
        )),
        text => Ok(text),
    }
}

mod defaults {
    use super::Timespan;

    pub(super) fn port() -> u16 {
        super::PORT
    }
    pub(super) fn interval() -> Timespan {
        Timespan::from_secs(30)
    }
    pub(super) fn timeout() -> Timespan {
        Timespan::from_secs(3)
    }
    pub(super) fn retries() -> u32 {
        2
    }
    pub(super) fn quiet_gap() -> Timespan {
        Timespan::from_millis(2500)
    }
}

impl Settings {
    /// The settings of a unit of which only the address is known.
    pub fn at(host: impl Into<String>, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
            name: None,
            interval: defaults::interval(),
            timeout: defaults::timeout(),
            retries: defaults::retries(),
            quiet_gap: defaults::quiet_gap(),
            methods: None,
            phase: None,
            capacity: None,
            power_max: None,
            pv_peak: None,
            ble_mac: None,
            entity_id: None,
            device_id: None,
            rediscover: None,
            read_only: None,
        }
    }

    /// `192.0.2.7:30000`, however the host is spelled.
    pub(crate) fn place(&self) -> String {
        let host = self.host.to_ascii_lowercase();
        let host = if host == "localhost" { "127.0.0.1" } else { &host };
        let octets: Option<Vec<u8>> = host.split('.').map(|part| part.parse().ok()).collect();
        let host = match octets.as_deref() {
            Some([a, b, c, d]) => format!("{a}.{b}.{c}.{d}"),
            _ => host.to_owned(),
        };
        format!("{host}:{}", self.port)
    }

    /// Reads `192.0.2.7` or `192.0.2.7:30001`.
    pub(crate) fn from_authority(authority: &str) -> Result<Self, OpenError> {
        let refused = || OpenError::bad_address(&format!("marstek://{authority}"));
        let authority = authority.trim_end_matches('/');
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_| refused())?),
            None => (authority, PORT),
        };
        let valid = !host.is_empty()
            && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
        if valid { Ok(Self::at(host, port)) } else { Err(refused()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_place_has_one_spelling() {
        let place = |authority| Settings::from_authority(authority).expect("an address").place();
        assert_eq!(place("127.0.030.3"), "127.0.30.3:30000");
        assert_eq!(place("LocalHost:1"), "127.0.0.1:1");
        assert_eq!(place("Battery.lan"), "battery.lan:30000");
    }

    #[test]
    fn a_mac_that_is_none_is_refused() {
        let read =
            |mac: &str| serde_json::from_value::<Settings>(serde_json::json!({"host": "x", "ble_mac": mac}));
        assert_eq!(read("02:00:00:00:00:AB").expect("a MAC").ble_mac.as_deref(), Some("02:00:00:00:00:AB"));
        let refused = read("02:00:00").expect_err("too short").to_string();
        assert_eq!(
            refused,
            "invalid value: string \"02:00:00\", expected a MAC address such as 0123456789ab, 12 hexadecimal digits"
        );
    }
}
