//! What goes wrong on real sites, each a switch that is off unless told otherwise, and changeable while the GX runs.
//!
//! Written as `name=value`; a switch that is on or off also as its bare name; `name=off` takes any of them back; `_` and
//! `-` are the same.

use super::value::Value;

/// A setting or item that someone else writes again and again.
#[derive(Debug, Clone, PartialEq)]
pub struct Foreign {
    /// The service, as [`super::tree::Tree::index`] knows it.
    pub service: String,
    /// The path.
    pub path: String,
    /// What is written.
    pub value: f64,
}

/// A value shown in place of the owner's.
#[derive(Debug, Clone, PartialEq)]
pub struct Pin {
    /// The service, as [`super::tree::Tree::index`] knows it.
    pub service: String,
    /// The path.
    pub path: String,
    /// What is shown.
    pub value: Value,
}

/// All switches of a GX; [`Default`] is a healthy site.
#[derive(Debug, Clone, PartialEq, Default)]
#[expect(missing_docs, reason = "SWITCHES holds the words for each field")]
#[expect(clippy::struct_excessive_bools, reason = "independent switches, each on or off")]
pub struct Switches {
    pub grid_lost: bool,
    pub meter_lost: bool,
    pub meter_frozen: bool,
    pub gone: Vec<String>,
    pub slow_ms: Option<u64>,
    pub foreign: Option<Foreign>,
    pub foreign_every_s: Option<u64>,
    pub pin: Vec<Pin>,
    pub sentinels: bool,
    pub ccl: Option<f64>,
    pub dcl: Option<f64>,
    pub setpoint_ttl_s: Option<u64>,
    pub reconnect_s: Option<u64>,
    pub ramp_w_per_s: Option<f64>,
    pub deadband_w: Option<f64>,
    pub frozen: bool,
    pub ignore_writes: bool,
    pub old_firmware: bool,
    pub ai_write: bool,
    pub can_errors: Option<u64>,
    pub units: Option<f64>,
}

/// A switch as a command line shows it.
pub struct Switch {
    /// What to write before the `=`.
    pub name: &'static str,
    /// What to write behind it; empty for a switch that is on or off.
    pub value: &'static str,
    /// What it does.
    pub help: &'static str,
    apply: fn(&mut Switches, &str) -> Result<(), String>,
}

impl std::fmt::Debug for Switch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}={}: {}", self.name, self.value, self.help)
    }
}

/// Why a text sets no switch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SwitchError {
    /// No such name.
    #[error("no switch of a GX is called {name:?}; the switches are {}", names())]
    Unknown {
        /// As written.
        name: String,
    },
    /// The name is right, the value is not.
    #[error("{name}={value}: expected {expected}")]
    Value {
        /// The switch.
        name: &'static str,
        /// As written.
        value: String,
        /// What would do.
        expected: String,
    },
}

fn names() -> String {
    SWITCHES.iter().map(|switch| switch.name).collect::<Vec<_>>().join(", ")
}

impl Switches {
    /// Sets one switch from `name=value`, or from the bare name of one that is on or off.
    pub fn set(&mut self, text: &str) -> Result<(), SwitchError> {
        let (name, value) = text.split_once('=').unwrap_or((text, "on"));
        let (name, value) = (name.trim().replace('_', "-"), value.trim());
        let Some(switch) = SWITCHES.iter().find(|switch| switch.name == name) else {
            return Err(SwitchError::Unknown { name });
        };
        (switch.apply)(self, value).map_err(|expected| SwitchError::Value {
            name: switch.name,
            value: value.to_owned(),
            expected,
        })
    }
}

impl std::str::FromStr for Switches {
    type Err = SwitchError;

    /// Several switches, separated by blanks or semicolons.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut switches = Self::default();
        for part in text.split(|c: char| c == ';' || c.is_whitespace()).filter(|part| !part.is_empty()) {
            switches.set(part)?;
        }
        Ok(switches)
    }
}

/// How the value of each kind of switch is written.
trait Written: Default {
    fn parse(text: &str) -> Result<Self, String>;
}

fn put<T: Written>(slot: &mut T, text: &str) -> Result<(), String> {
    *slot = if text == "off" { T::default() } else { T::parse(text)? };
    Ok(())
}

impl Written for bool {
    fn parse(text: &str) -> Result<Self, String> {
        if text == "on" { Ok(true) } else { Err("on or off".to_owned()) }
    }
}

impl Written for Option<u64> {
    fn parse(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(number @ 0..=604_800_000) => Ok(Some(number)),
            _ => Err("a whole number, 0..604800000".to_owned()),
        }
    }
}

impl Written for Option<f64> {
    fn parse(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(number) if (0.0..=1_000_000.0).contains(&number) => Ok(Some(number)),
            _ => Err("a number, 0..1000000".to_owned()),
        }
    }
}

impl Written for Vec<String> {
    fn parse(text: &str) -> Result<Self, String> {
        let names: Self = text.split(',').map(|name| name.trim().to_owned()).collect();
        if names.iter().all(|name| !name.is_empty() && name != "on") {
            return Ok(names);
        }
        Err("services separated by commas, such as grid,battery/279".to_owned())
    }
}

const WRITE: &str = "SERVICE:PATH:NUMBER, such as settings:/Settings/CGwacs/Hub4Mode:3";
const SHOW: &str = "SERVICE:PATH:VALUE with a number, a text or `invalid`, several separated by commas, such as battery/512:/Soc:invalid";

/// `service:/path:value`; a path has no colon.
fn place(text: &str) -> Option<(&str, &str, &str)> {
    let (service, rest) = text.split_once(':')?;
    let (path, value) = rest.split_once(':')?;
    (path.starts_with('/') && !service.is_empty()).then_some((service, path, value))
}

impl Written for Option<Foreign> {
    fn parse(text: &str) -> Result<Self, String> {
        let (service, path, value) = place(text).ok_or(WRITE)?;
        let value: f64 = value.parse().map_err(|_| WRITE)?;
        if !value.is_finite() {
            return Err(WRITE.to_owned());
        }
        Ok(Some(Foreign { service: service.to_owned(), path: path.to_owned(), value }))
    }
}

impl Written for Vec<Pin> {
    fn parse(text: &str) -> Result<Self, String> {
        let pin = |part: &str| {
            let (service, path, value) = place(part.trim()).ok_or_else(|| SHOW.to_owned())?;
            let value = match (value, value.parse::<f64>()) {
                ("invalid", _) => Value::Invalid,
                (_, Ok(number)) if number.is_finite() => Value::F64(number),
                (text, _) => Value::from(text),
            };
            Ok(Pin { service: service.to_owned(), path: path.to_owned(), value })
        };
        text.split(',').map(pin).collect()
    }
}

macro_rules! switch {
    ($name:literal, $field:ident, $value:literal, $help:literal) => {
        Switch {
            name: $name,
            value: $value,
            help: $help,
            apply: |switches, text| put(&mut switches.$field, text),
        }
    };
}

/// Every switch: the one list from which parser and help come.
pub const SWITCHES: &[Switch] = &[
    switch!("grid-lost", grid_lost, "", "the mains are out"),
    switch!(
        "meter-lost",
        meter_lost,
        "",
        "the grid meter's driver has crashed: its service is gone from the bus"
    ),
    switch!("meter-frozen", meter_frozen, "", "the grid meter's values stop, its service lives on"),
    switch!(
        "gone",
        gone,
        "SERVICE,...",
        "drivers that have crashed; nobody is told that their values are void"
    ),
    switch!("slow-ms", slow_ms, "MS", "each call takes this long (a busy GX: 1000 to 5000)"),
    switch!("foreign", foreign, "SERVICE:PATH:NUMBER", "someone else writes this again and again"),
    switch!("foreign-every-s", foreign_every_s, "SECONDS", "how often that is [10]"),
    switch!(
        "pin",
        pin,
        "SERVICE:PATH:VALUE,...",
        "values shown in place of the real ones; `invalid` for none"
    ),
    switch!("sentinels", sentinels, "", "655.35 and 32766 where a limit is not set"),
    switch!("ccl", ccl, "AMPERES", "the battery's management allows no more charge current"),
    switch!("dcl", dcl, "AMPERES", "the battery's management allows no more discharge current"),
    switch!(
        "setpoint-ttl-s",
        setpoint_ttl_s,
        "SECONDS",
        "how long a setpoint of ESS mode 3 holds, 10 or 60 [60]"
    ),
    switch!(
        "reconnect-s",
        reconnect_s,
        "SECONDS",
        "how long the mains are tested before the Multi connects [60]"
    ),
    switch!("ramp-w-per-s", ramp_w_per_s, "WATTS", "how fast each phase of the Multi changes [1000]"),
    switch!("deadband-w", deadband_w, "WATTS", "power of a phase below which the Multi does nothing [33]"),
    switch!("frozen", frozen, "", "values stop changing while the services live on"),
    switch!("ignore-writes", ignore_writes, "", "writes are answered with 0 and not carried out"),
    switch!("old-firmware", old_firmware, "", "v3.40: without volatile setpoint and discharge limit"),
    switch!("ai-write", ai_write, "", "the virtual switch is on that lets the port-8088 API write"),
    switch!("can-errors", can_errors, "PER_MINUTE", "errors on the CAN bus of the battery"),
    switch!(
        "units",
        units,
        "NUMBER",
        "so many Multis in parallel on each phase, with as many batteries and fuses to match [1]"
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn example(switch: &Switch) -> &'static str {
        match switch.name {
            "gone" => "grid,battery/279",
            "foreign" => "settings:/Settings/CGwacs/Hub4Mode:3",
            "pin" => "battery:/Soc:invalid,vebus:/Mode:3",
            _ if switch.value.is_empty() => "on",
            _ => "12",
        }
    }

    #[test]
    fn each_switch_goes_on_and_off_and_has_its_own_field() {
        let mut seen = Vec::new();
        for switch in SWITCHES {
            let mut switches = Switches::default();
            switches.set(&format!("{}={}", switch.name, example(switch))).unwrap();
            assert_ne!(switches, Switches::default(), "{}", switch.name);
            assert!(!seen.contains(&switches), "{} sets the field of another", switch.name);
            seen.push(switches.clone());
            switches.set(&format!("{}=off", switch.name.replace('-', "_"))).unwrap();
            assert_eq!(switches, Switches::default(), "{}", switch.name);
        }
        let fields = format!("{:?}", Switches::default()).matches(": ").count();
        assert_eq!(fields, SWITCHES.len(), "a field without a switch");
    }

    #[rstest]
    #[case("deaf", "no switch of a GX is called \"deaf\"; the switches are grid-lost,")]
    #[case("slow-ms=soon", "slow-ms=soon: expected a whole number")]
    #[case("pin=battery", "pin=battery: expected SERVICE:PATH:VALUE")]
    #[case("foreign=a:/b:x", "foreign=a:/b:x: expected SERVICE:PATH:NUMBER")]
    #[case("gone", "gone=on: expected services separated by commas")]
    #[case("ccl=NaN", "ccl=NaN: expected a number")]
    fn a_wrong_switch_says_what_was_expected(#[case] text: &str, #[case] start: &str) {
        let error = text.parse::<Switches>().unwrap_err().to_string();
        assert!(error.starts_with(start), "{error}");
    }
}
