//! The bad habits of real units, each a switch that is off unless told otherwise, and changeable while the device runs.
//!
//! Written as `name=value`; a switch that is on or off also as its bare name; `name=off` takes any of them back.

mod values;

use super::Profile;
use crate::house::{ManualZero, PassiveEnd};
use std::{net::SocketAddr, str::FromStr};
use values::put;

/// Answers only requests with this `params.id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ParamId {
    /// Any number.
    #[default]
    Any,
    /// Only 0.
    Zero,
    /// Only 1.
    One,
}

/// More than `requests` within `seconds` make the device mute until reset.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lockup {
    /// How many are still borne.
    pub requests: usize,
    /// In which time.
    pub seconds: u64,
}

/// What numbers in replies are turned into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Garbage {
    /// `"38"`.
    Strings,
    /// `null`.
    Nulls,
    /// `nan`, which is not JSON.
    Nan,
    /// `1e999`, beyond any float.
    Huge,
}

/// How a datagram is spoilt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// Cut in the middle.
    Truncated,
    /// 60,000 bytes.
    Oversized,
    /// Bytes that are no UTF-8.
    NonUtf8,
    /// No bytes at all.
    Empty,
    /// A line of text.
    NotJson,
}

/// Something that happens to a part of the replies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sometimes<T> {
    /// What.
    pub what: T,
    /// How often, %.
    pub pct: f64,
}

/// One raw field multiplied by a factor.
#[derive(Debug, Clone, PartialEq)]
pub struct WrongUnit {
    /// The field's name on the wire.
    pub field: String,
    /// Factor on the raw value.
    pub factor: f64,
}

/// Which firmware the unit runs from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Firmware {
    /// Another profile altogether.
    Profile(Profile),
    /// The same behaviour under another `ver`.
    Ver(u32),
}

/// All switches of a device; [`Default`] is a healthy unit.
#[derive(Debug, Clone, PartialEq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches, each on or off")]
#[expect(
    missing_docs,
    reason = "SWITCHES holds the words for each field; a test checks that none is missing there"
)]
pub struct Switches {
    pub loss_pct: f64,
    pub latency_ms: Option<u64>,
    pub jitter_ms: Option<u64>,
    pub late_pct: f64,
    pub late_ms: Option<u64>,
    pub duplicate_pct: f64,
    pub quiet_gap_ms: Option<u64>,
    pub parse_error_pct: f64,
    pub silent: Vec<String>,
    pub param_id: ParamId,
    pub same_port: bool,
    pub lockup: Option<Lockup>,
    pub freeze_on_empty: bool,
    pub api_off_after_s: Option<u64>,
    pub passive_exit_s: Option<u64>,
    pub swallow_writes: Option<u64>,
    pub refuse_active: bool,
    pub refuse_writes: bool,
    pub busy_ms: Option<u64>,
    pub wrong_unit: Vec<WrongUnit>,
    pub soc_zero_pct: f64,
    pub counter_dip_pct: f64,
    pub counter_freeze: bool,
    pub padded_ip: bool,
    pub no_macs: bool,
    pub omit: Vec<String>,
    pub garbage: Option<Sometimes<Garbage>>,
    pub malformed: Option<Sometimes<Malformed>>,
    pub spoof: Option<SocketAddr>,
    pub mute: bool,
    pub refuse: bool,
    pub move_to: Option<SocketAddr>,
    pub ble_mac: Option<Mac>,
    pub firmware: Option<Firmware>,
    pub integer_mode: bool,
    pub ct_lost: bool,
    pub manual_zero: ManualZero,
    pub passive_end: PassiveEnd,
    pub no_midnight_span: bool,
}

/// Twelve lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mac(pub String);

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
    #[error("no switch is called {name:?}; the switches are {}", names())]
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
        let (name, value) = (name.trim(), value.trim());
        let switch = SWITCHES
            .iter()
            .find(|switch| switch.name == name)
            .ok_or_else(|| SwitchError::Unknown { name: name.to_owned() })?;
        (switch.apply)(self, value).map_err(|expected| SwitchError::Value {
            name: switch.name,
            value: value.to_owned(),
            expected,
        })
    }
}

impl FromStr for Switches {
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
    switch!(
        "loss-pct",
        loss_pct,
        "PERCENT",
        "exchanges lost, half of them on the way in, half (obeyed) on the way out"
    ),
    switch!("latency-ms", latency_ms, "MS", "median time to answer (a healthy unit: 110)"),
    switch!("jitter-ms", jitter_ms, "MS", "spread of the time to answer (a healthy unit: 15)"),
    switch!("late-pct", late_pct, "PERCENT", "replies that come beyond a client's patience"),
    switch!("late-ms", late_ms, "MS", "how late those come (20000)"),
    switch!("duplicate-pct", duplicate_pct, "PERCENT", "replies sent twice"),
    switch!(
        "quiet-gap-ms",
        quiet_gap_ms,
        "MS",
        "requests sooner than this after an answer are dropped in silence"
    ),
    switch!("parse-error-pct", parse_error_pct, "PERCENT", "valid requests answered with -32700 and id 0"),
    switch!("silent", silent, "METHOD,...", "methods that are never answered"),
    switch!("param-id", param_id, "0|1|any", "answers only requests with this params.id"),
    switch!("same-port", same_port, "", "answers only requests from its own port number"),
    switch!("lockup", lockup, "N/SECONDS", "mute until reset after more than N requests within SECONDS"),
    switch!("freeze-on-empty", freeze_on_empty, "", "mute until reset after an empty datagram"),
    switch!(
        "api-off-after-s",
        api_off_after_s,
        "SECONDS",
        "this long after start: Manual, slots wiped, API off until reset"
    ),
    switch!(
        "passive-exit-s",
        passive_exit_s,
        "SECONDS",
        "Passive stops obeying this long after it was set; still reads Passive"
    ),
    switch!(
        "swallow-writes",
        swallow_writes,
        "N",
        "the first N sendings of an order are acknowledged and ignored"
    ),
    switch!("refuse-active", refuse_active, "", "set_result false for the mode that is active already"),
    switch!("refuse-writes", refuse_writes, "", "set_result false for every write"),
    switch!("busy-ms", busy_ms, "MS", "set_result false for a write sooner than this after another"),
    switch!("wrong-unit", wrong_unit, "FIELD:FACTOR,...", "raw fields multiplied by a factor"),
    switch!("soc-zero-pct", soc_zero_pct, "PERCENT", "replies that say soc 0"),
    switch!("counter-dip-pct", counter_dip_pct, "PERCENT", "replies with all energy counters 10 % lower"),
    switch!("counter-freeze", counter_freeze, "", "energy counters stand still"),
    switch!("padded-ip", padded_ip, "", "address in GetDevice with leading zeros, 192.168.01.50"),
    switch!("no-macs", no_macs, "", "GetDevice without ble_mac and wifi_mac"),
    switch!("omit", omit, "FIELD,...", "fields left out of every result"),
    switch!("garbage", garbage, "strings|nulls|nan|huge[:PERCENT]", "what numbers in results turn into"),
    switch!(
        "malformed",
        malformed,
        "truncated|oversized|non-utf8|empty|not-json[:PERCENT]",
        "how replies are spoilt"
    ),
    switch!("spoof", spoof, "IP:PORT", "each reply is preceded by a forgery from this address"),
    switch!("mute", mute, "", "the port is open, nobody answers"),
    switch!("refuse", refuse, "", "the port is closed"),
    switch!("move-to", move_to, "IP:PORT", "the unit has this address now, as after DHCP; off = back"),
    switch!("ble-mac", ble_mac, "12 HEX DIGITS", "another unit answers at the address"),
    switch!("firmware", firmware, "PROFILE|VER", "another firmware (a profile's name), or just another ver"),
    switch!("integer-mode", integer_mode, "", "mode reads 0..4 instead of Auto, AI, Manual, Passive, UPS"),
    switch!("ct-lost", ct_lost, "", "the house's current sensor reads as disconnected, all zero"),
    switch!("manual-zero", manual_zero, "idle|auto", "what power 0 in a Manual slot means"),
    switch!("passive-end", passive_end, "idle|auto", "what follows when Passive's countdown is over"),
    switch!("no-midnight-span", no_midnight_span, "", "a slot that ends before it starts is never active"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// A value other than off for each switch.
    fn example(switch: &Switch) -> &'static str {
        match switch.name {
            "silent" => "ES.GetStatus,EM.GetStatus",
            "param-id" => "1",
            "lockup" => "20/10",
            "wrong-unit" => "bat_temp:10",
            "omit" => "bat_soc",
            "garbage" => "nan:50",
            "malformed" => "empty",
            "spoof" | "move-to" => "127.0.0.9:30000",
            "ble-mac" => "02:00:00:00:00:AA",
            "firmware" => "e3-150",
            "manual-zero" | "passive-end" => "auto",
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
            switches.set(&format!("{}=off", switch.name)).unwrap();
            assert_eq!(switches, Switches::default(), "{}", switch.name);
            assert!(
                switch.help.len() > 10 && switch.name.chars().all(|c| c.is_ascii_lowercase() || c == '-')
            );
        }
        // Each field of the struct is named once in its Debug text.
        let fields = format!("{:?}", Switches::default()).matches(": ").count();
        assert_eq!(fields, SWITCHES.len(), "a field without a switch");
    }

    #[rstest]
    #[case("lost=3", "no switch is called \"lost\"; the switches are loss-pct, latency-ms,")]
    #[case("loss-pct=300", "loss-pct=300: expected a percentage, 0..100")]
    #[case("loss-pct=NaN", "loss-pct=NaN: expected a percentage, 0..100")]
    #[case("mute=yes", "mute=yes: expected on or off")]
    #[case("lockup=3", "lockup=3: expected requests/seconds such as 20/10")]
    #[case("garbage=dirt", "garbage=dirt: expected one of strings, nulls, nan, huge")]
    #[case("move-to=here", "move-to=here: expected an address with a port")]
    #[case("silent", "silent=on: expected names separated by commas")]
    fn a_wrong_switch_says_what_was_expected(#[case] text: &str, #[case] start: &str) {
        let error = text.parse::<Switches>().unwrap_err().to_string();
        assert!(error.starts_with(start), "{error}");
    }

    #[test]
    fn several_switches_in_one_text() {
        let switches: Switches = "loss-pct=10% mute;silent=A.B,C.D".parse().unwrap();
        assert!((switches.loss_pct - 10.0).abs() < 1e-9 && switches.mute);
        assert_eq!(switches.silent, ["A.B", "C.D"]);
    }
}
