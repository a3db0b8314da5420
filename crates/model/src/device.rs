//! A device as everybody but its driver sees it: its name, what it is, what it can do, and how it is doing.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use crate::catalogue::PollClass;
use crate::{Moment, Setting};

/// The name of a device: its key in the configuration. Letters, digits, `_` and `-`, at most 64, never empty.
///
/// It is part of topics, URLs and file names, which is why it is so narrow. `site` is reserved for the whole house.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(Arc<str>);

/// A text that cannot name a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceIdError(String);

impl fmt::Display for DeviceIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is no device name: expected 1 to 64 letters, digits, '_' or '-', and not \"site\"",
            self.0
        )
    }
}

impl std::error::Error for DeviceIdError {}

const SITE: &str = "site";

impl DeviceId {
    /// The computed device that stands for the whole house.
    pub fn site() -> Self {
        Self(Arc::from(SITE))
    }

    /// Whether this is the computed device of the whole house.
    pub fn is_site(&self) -> bool {
        &*self.0 == SITE
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DeviceId {
    type Err = DeviceIdError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let valid = (1..=64).contains(&name.len()) && name.chars().all(allowed) && name != SITE;
        if valid { Ok(Self(Arc::from(name))) } else { Err(DeviceIdError(name.to_owned())) }
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for DeviceId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// What a device contributes to the house.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Stores energy: `battery_power` and `battery_soc` count for the house.
    Battery,
    /// Converts between battery and AC.
    Inverter,
    /// Measures the connection to the grid: `grid_power` counts for the house.
    GridMeter,
    /// Has photovoltaic inputs: `pv_power` counts for the house.
    Pv,
    /// Feeds and measures loads of the house: in a house without a grid meter its `load_power` is the consumption.
    LoadMeter,
}

impl Role {
    /// The role as it is written in JSON and on the page.
    pub fn key(self) -> &'static str {
        match self {
            Self::Battery => "battery",
            Self::Inverter => "inverter",
            Self::GridMeter => "grid_meter",
            Self::Pv => "pv",
            Self::LoadMeter => "load_meter",
        }
    }
}

/// The phase of the house a single-phase device is connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// First phase.
    L1,
    /// Second phase.
    L2,
    /// Third phase.
    L3,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::L1 => "L1",
            Self::L2 => "L2",
            Self::L3 => "L3",
        })
    }
}

/// How serious a notice or an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Good to know.
    Info,
    /// Needs attention some day.
    Warning,
    /// Needs attention now.
    Alarm,
}

impl Severity {
    /// The severity as it is written in JSON.
    pub fn key(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Alarm => "alarm",
        }
    }
}

/// Something that is the case with a device right now, with what its owner can do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Stable key, such as `risky_firmware`; one notice per code and device.
    pub code: &'static str,
    /// How serious it is.
    pub severity: Severity,
    /// What is the case.
    pub text: String,
    /// What to do about it.
    pub hint: String,
}

/// One thing that a driver knows about a device, and what it knows it from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// What was asked or looked at, such as `QPI` or `QPIGS`.
    pub what: String,
    /// What was seen, in the device's own words: `(PI30`, `21 fields`.
    pub seen: String,
    /// What follows from it; empty where nothing does.
    pub means: String,
}

/// Whether a device answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Online {
    /// It has not been asked yet.
    #[default]
    NotAskedYet,
    /// It answers, since the given moment.
    Yes(Moment),
    /// It does not answer, since the given moment.
    No(Moment),
}

/// A value of a quarter of an hour lives as long, and a little longer, in which that of the next one comes.
const QUARTER: Duration = Duration::from_secs(900 + 60);

/// How long a value of each poll class may be used after it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ttl {
    /// For values that a controller may act on.
    pub fast: Duration,
    /// For values that change within minutes.
    pub medium: Duration,
    /// For values that hardly change.
    pub slow: Duration,
}

impl Ttl {
    /// The time to live of values of `class`.
    pub fn of(&self, class: PollClass) -> Duration {
        match class {
            PollClass::Fast => self.fast,
            PollClass::Medium => self.medium,
            PollClass::Slow => self.slow,
            PollClass::Quarter => QUARTER,
        }
    }
}

impl Default for Ttl {
    fn default() -> Self {
        Self {
            fast: Duration::from_secs(30),
            medium: Duration::from_secs(180),
            slow: Duration::from_secs(900),
        }
    }
}

/// What is known about a device besides its values.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceInfo {
    /// The configured name.
    pub id: DeviceId,
    /// The driver's name, such as `marstek`.
    pub driver: &'static str,
    /// The name for people; the id where none is configured.
    pub title: String,
    /// The maker, for people.
    pub manufacturer: &'static str,
    /// The model as the device tells it, once it has.
    pub model: Option<String>,
    /// The firmware version as people write it, once known.
    pub firmware: Option<String>,
    /// The identity that survives a new address: serial number or MAC, once known.
    pub serial: Option<String>,
    /// Where the device is reached at present.
    pub address: String,
    /// The phase it is connected to, if configured.
    pub phase: Option<Phase>,
    /// What it contributes to the house.
    pub roles: Vec<Role>,
    /// The battery modes that may be asked of it; empty where it cannot be controlled.
    pub modes: Vec<String>,
    /// What else can be set on it; empty where nothing can. Which of it may be set follows from the owner's configuration.
    pub settings: Vec<Setting>,
    /// The metrics that this device is expected to report, so that they can be announced before the first answer.
    pub metrics: Vec<crate::Metric>,
    /// How long its values stay usable.
    pub ttl: Ttl,
    /// The Home Assistant entity id (without domain) of its state of charge that the owner wants to keep.
    pub entity_id: Option<String>,
    /// The device id in topics and discovery that the owner wants to keep.
    pub device_id: Option<String>,
}

impl DeviceInfo {
    /// A device of which nothing but its name, driver and address is known yet.
    pub fn new(id: DeviceId, driver: &'static str, address: impl Into<String>) -> Self {
        Self {
            title: id.to_string(),
            id,
            driver,
            manufacturer: "",
            model: None,
            firmware: None,
            serial: None,
            address: address.into(),
            phase: None,
            roles: Vec::new(),
            modes: Vec::new(),
            settings: Vec::new(),
            metrics: Vec::new(),
            ttl: Ttl::default(),
            entity_id: None,
            device_id: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_topics_urls_and_files() {
        for good in ["fase_a", "Garage-2", "x"] {
            assert!(good.parse::<DeviceId>().is_ok(), "{good}");
        }
        for bad in ["", "site", "a b", "a/b", "a+", "é", &"x".repeat(65)] {
            assert!(bad.parse::<DeviceId>().is_err(), "{bad:?} was accepted");
        }
    }
}
