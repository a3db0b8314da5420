//! The configuration of one Voltronic inverter.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use ohmstead_units::{Timespan, WattHours};
use serde::de::{Deserialize, Deserializer, Error, Unexpected};

use crate::OpenError;
use crate::marstek::PhaseSetting;

/// The word for "find it".
const AUTO: &str = "auto";
/// What marks the path of a packet socket.
const PACKET: &str = "unixpacket:";

/// Settings of one inverter, as they stand under `voltronic:` in the configuration. All of them have a default.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where the inverter is: `auto` (any USB port), `/dev/hidraw0`, `/dev/ttyUSB0`, or `unixpacket:/run/x.sock`.
    pub path: PortPath,
    /// The inverter's serial number, where several are there. Found by itself where absent, and kept.
    pub serial: Option<String>,
    /// The USB port the inverter is plugged into, such as `1-1.2`, for units that have no serial number. It decides: a
    /// `path` that is at another port is not used.
    pub usb_port: Option<String>,
    /// Name for people; the key of the device where absent.
    pub name: Option<String>,
    /// The protocol family; `auto` asks the inverter.
    pub family: FamilySetting,
    /// How often power, state of charge and mode are read: 1 s to 1 h.
    #[serde(deserialize_with = "interval")]
    pub interval: Timespan,
    /// How long to wait for one answer, 1 s to 1 min; the line itself takes up to half a second.
    #[serde(deserialize_with = "timeout")]
    pub timeout: Timespan,
    /// The phase of the house that the inverter's input is connected to.
    pub phase: Option<PhaseSetting>,
    /// Usable energy of the battery when full.
    pub capacity: Option<WattHours>,
    /// What may be changed in the inverter: `priorities`, `limits`, `battery`. Nothing with `[]`.
    pub write: Vec<WriteClass>,
    /// The least time between two writes of one setting, 10 s to 24 h: the inverter keeps settings in memory that wears
    /// out.
    #[serde(deserialize_with = "write_interval")]
    pub write_interval: Timespan,
    /// The most writes of one setting in 24 hours, 1 to 48: with more, memory that is good for 100,000 writes would not
    /// last five years.
    #[serde(deserialize_with = "writes_per_day")]
    pub writes_per_day: u32,
    /// Where inverters work in parallel: whether the values are this unit's `own` or the `total`; `auto` is `own`.
    pub parallel: ParallelSetting,
    /// Whether this inverter is read-only, whatever the installation says.
    pub read_only: Option<bool>,
    /// Whether the USB port of an inverter that has stopped answering may be reset.
    pub reset_usb: bool,
    /// The folder in which the system describes its devices.
    pub sys_root: PathBuf,
    /// The folder with the device files.
    pub dev_root: PathBuf,
    /// Home Assistant entity id of the state of charge to keep, without the `sensor.`.
    pub entity_id: Option<String>,
    /// Device id in topics and discovery to keep.
    pub device_id: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            path: PortPath::Auto,
            serial: None,
            usb_port: None,
            name: None,
            family: FamilySetting::Auto,
            interval: Timespan::from_secs(5),
            timeout: Timespan::from_secs(4),
            phase: None,
            capacity: None,
            write: vec![WriteClass::Priorities],
            write_interval: Timespan::from_secs(60),
            writes_per_day: 24,
            parallel: ParallelSetting::Auto,
            read_only: None,
            reset_usb: true,
            sys_root: PathBuf::from("/sys"),
            dev_root: PathBuf::from("/dev"),
            entity_id: None,
            device_id: None,
        }
    }
}

/// Where an inverter is plugged in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum PortPath {
    /// On any USB port.
    #[default]
    Auto,
    /// There. With `unixpacket:` in front of it, a packet socket.
    At(PathBuf),
}

impl PortPath {
    /// Reads `auto`, an absolute path, or `unixpacket:` and an absolute path.
    pub fn parse(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case(AUTO) {
            return Some(Self::Auto);
        }
        let file = text.strip_prefix(PACKET).unwrap_or(text);
        let usable = file.starts_with('/') && file.len() > 1 && !file.chars().any(char::is_control);
        usable.then(|| Self::At(PathBuf::from(text)))
    }
}

impl std::fmt::Display for PortPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Auto => f.write_str(AUTO),
            Self::At(path) => write!(f, "{}", path.display()),
        }
    }
}

impl<'de> Deserialize<'de> for PortPath {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let text = String::deserialize(source)?;
        Self::parse(&text).ok_or_else(|| {
            let expected =
                "auto, a device file such as /dev/hidraw0 or /dev/ttyUSB0, or unixpacket:/run/x.sock";
            Error::invalid_value(Unexpected::Str(&text), &expected)
        })
    }
}

/// A protocol family as written in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FamilySetting {
    /// Whatever the inverter proves to be.
    #[default]
    Auto,
    /// Axpert HS, MS, MSX, KS, MKS, VM, King and their relatives.
    Pi30,
    /// Axpert MAX, MAX II, TWIN.
    Pi30Max,
    /// Sorotec REVO.
    Pi30Revo,
    /// LV5048, split phase.
    Pi41,
    /// `InfiniSolar` V, LV5048 Hybrid V2, Axpert MKS IV Hybrid.
    Pi18,
    /// `InfiniSolar` with three phases, WP, LV6K, TWIN.
    Pi17,
}

/// What may be changed in an inverter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WriteClass {
    /// Which source feeds the output and which one charges: also the battery modes.
    Priorities,
    /// Charge currents, the voltages between which battery and grid alternate, the input range, flags.
    Limits,
    /// The battery's type, its voltages and its discharge current: wrong values damage it.
    Battery,
}

/// Whose values a unit of a parallel set tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ParallelSetting {
    /// Its own.
    #[default]
    Auto,
    /// Its own.
    Own,
    /// Those of all units together.
    Total,
}

fn interval<'de, D: Deserializer<'de>>(source: D) -> Result<Timespan, D::Error> {
    const RANGE: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3600);
    within(source, &RANGE, "an interval between 1 s and 1 h: the line is slow, and older values are no use")
}

fn timeout<'de, D: Deserializer<'de>>(source: D) -> Result<Timespan, D::Error> {
    const RANGE: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(60);
    within(source, &RANGE, "a timeout between 1 s and 1 min")
}

fn write_interval<'de, D: Deserializer<'de>>(source: D) -> Result<Timespan, D::Error> {
    const RANGE: RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_secs(86_400);
    within(
        source,
        &RANGE,
        "10 s to 24 h between two writes: the inverter keeps settings in memory that wears out",
    )
}

fn writes_per_day<'de, D: Deserializer<'de>>(source: D) -> Result<u32, D::Error> {
    let count = u32::deserialize(source)?;
    if (1..=48).contains(&count) {
        return Ok(count);
    }
    let expected =
        "1 to 48 writes a day: the inverter keeps settings in memory that wears out; `write: []` forbids all";
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

impl Settings {
    /// The settings of an inverter of which only the place is known.
    pub fn at(path: PortPath) -> Self {
        Self { path, ..Self::default() }
    }

    /// The device file, however its path is spelled; `None` where it is to be found.
    pub(crate) fn place(&self) -> Option<String> {
        let PortPath::At(path) = &self.path else { return None };
        let path: PathBuf = path.components().collect();
        Some(path.display().to_string())
    }

    /// Reads what follows `voltronic://`: `/dev/hidraw0`, `auto`, `unixpacket:/run/x.sock`; nothing is `auto`.
    pub(crate) fn from_address(rest: &str) -> Result<Self, OpenError> {
        let path = if rest.is_empty() { Some(PortPath::Auto) } else { PortPath::parse(rest) };
        path.map(Self::at).ok_or_else(|| OpenError::bad_address(&format!("voltronic://{rest}")))
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
    fn an_empty_map_is_the_default() {
        assert_eq!(read(json!({})), Ok(Settings::default()));
        let settings = read(json!({
            "path": "/dev/ttyUSB0", "family": "pi30max", "interval": "1 s", "write": ["limits"], "phase": "L2",
            "parallel": "total",
        }));
        let settings = settings.expect("good settings");
        assert_eq!(settings.path, PortPath::At("/dev/ttyUSB0".into()));
        assert_eq!(settings.family, FamilySetting::Pi30Max);
        assert_eq!(settings.write, [WriteClass::Limits]);
        assert_eq!(settings.parallel, ParallelSetting::Total);
        assert!(read(json!({"write": []})).is_ok_and(|settings| settings.write.is_empty()));
    }

    #[rstest]
    #[case(json!({"path": "hidraw0"}), "invalid value: string \"hidraw0\", expected auto, a device file such as /dev/hidraw0 or /dev/ttyUSB0, or unixpacket:/run/x.sock")]
    #[case(json!({"interval": "500 ms"}), "invalid value: string \"500 ms\", expected an interval between 1 s and 1 h: the line is slow, and older values are no use")]
    #[case(json!({"interval": "2 h"}), "invalid value: string \"2 h\", expected an interval between 1 s and 1 h: the line is slow, and older values are no use")]
    #[case(json!({"timeout": 0}), "invalid value: string \"0 ms\", expected a timeout between 1 s and 1 min")]
    #[case(json!({"write_interval": "0 s"}), "invalid value: string \"0 ms\", expected 10 s to 24 h between two writes: the inverter keeps settings in memory that wears out")]
    #[case(json!({"write_interval": "25 h"}), "invalid value: string \"25 h\", expected 10 s to 24 h between two writes: the inverter keeps settings in memory that wears out")]
    #[case(json!({"writes_per_day": 0}), "invalid value: integer `0`, expected 1 to 48 writes a day: the inverter keeps settings in memory that wears out; `write: []` forbids all")]
    #[case(json!({"writes_per_day": 100_000}), "invalid value: integer `100000`, expected 1 to 48 writes a day: the inverter keeps settings in memory that wears out; `write: []` forbids all")]
    #[case(json!({"write": ["all"]}), "unknown variant `all`, expected one of `priorities`, `limits`, `battery`")]
    fn what_cannot_be_meant_is_refused(#[case] settings: serde_json::Value, #[case] why: &str) {
        assert_eq!(read(settings), Err(why.to_owned()));
    }

    #[test]
    fn one_place_has_one_spelling() {
        let place = |rest| Settings::from_address(rest).expect("an address").place();
        assert_eq!(place("/dev//hidraw0/"), Some("/dev/hidraw0".to_owned()));
        assert_eq!(place("auto"), None);
    }

    #[test]
    fn an_unknown_key_is_refused() {
        assert!(read(json!({"host": "192.0.2.7"})).is_err_and(|why| why.starts_with("unknown field `host`")));
    }

    #[rstest]
    #[case("/dev/hidraw0", Some("/dev/hidraw0"))]
    #[case("auto", Some("auto"))]
    #[case("", Some("auto"))]
    #[case("unixpacket:/run/x.sock", Some("unixpacket:/run/x.sock"))]
    #[case("unixpacket:x", None)]
    #[case("/", None)]
    #[case("192.0.2.7:30000", None)]
    fn addresses(#[case] rest: &str, #[case] path: Option<&str>) {
        let settings = Settings::from_address(rest).ok();
        assert_eq!(settings.map(|settings| settings.path.to_string()), path.map(str::to_owned));
    }
}
