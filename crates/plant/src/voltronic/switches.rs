//! The bad habits of real units and real cables, each a switch that is off unless told otherwise, and changeable while
//! the unit runs.
//!
//! Written as `name=value`; a switch that is on or off also as its bare name; `name=off` takes any of them back; `_` and
//! `-` are the same. What is random is drawn from the unit's own seed.

mod values;

use std::str::FromStr;
use values::put;

/// Answers that come late.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Late {
    /// By how much, ms.
    pub ms: u64,
    /// How often, %.
    pub pct: f64,
}

/// How a frame ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Terminator {
    /// 0x0D, as documented.
    #[default]
    Cr,
    /// 0x0A.
    Lf,
    /// Both.
    CrLf,
}

/// What becomes of a check byte 0x00.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CrcZero {
    /// It is sent as it is.
    #[default]
    Classic,
    /// It is sent as 0x01.
    Escaped,
}

/// What a UPS says to a command that it does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stranger {
    /// The command itself.
    #[default]
    Echo,
    /// `(NAK`.
    Nak,
}

/// All switches of a unit; [`Default`] is a healthy one on a good cable.
#[derive(Debug, Clone, PartialEq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches, each on or off")]
#[expect(
    missing_docs,
    reason = "SWITCHES holds the words for each field; a test checks that none is missing there"
)]
pub struct Switches {
    pub mute: bool,
    pub think_ms: Option<u64>,
    pub late: Option<Late>,
    pub shift: bool,
    pub second_reader: bool,
    pub truncate: f64,
    pub flip: f64,
    pub drop_crc: f64,
    pub nao: f64,
    pub double: f64,
    pub garbage: f64,
    pub nul: f64,
    pub slip: f64,
    pub cut: f64,
    pub renumber_every: Option<u64>,
    pub wedge_after: Option<u64>,
    pub boot_s: Option<u64>,
    pub terminator: Terminator,
    pub crc_zero: CrcZero,
    pub nak_no_crc: bool,
    pub ack_without_effect: bool,
    pub effect_without_ack: bool,
    pub nak_setters: bool,
    pub fields: Option<usize>,
    pub flags: Option<usize>,
    pub wide_watts: bool,
    pub bare_exist: bool,
    pub fault: Option<u8>,
    pub warnings: Vec<usize>,
    pub mode: Option<char>,
    pub stranger: Stranger,
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
    #[error("no switch of an inverter is called {name:?}; the switches are {}", names())]
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
    switch!("mute", mute, "", "nothing is answered and nothing obeyed"),
    switch!("think-ms", think_ms, "MS", "time before an answer begins (a healthy unit: 50 to 400)"),
    switch!(
        "late",
        late,
        "MS[:PERCENT]",
        "answers that come this much later, perhaps after the next command"
    ),
    switch!("shift", shift, "", "each command is answered with the answer to the one before"),
    switch!(
        "second-reader",
        second_reader,
        "",
        "another program asks the same again: each answer comes twice"
    ),
    switch!("truncate", truncate, "PERCENT", "answers that end in the middle, without CR"),
    switch!("flip", flip, "PERCENT", "answers with one bit turned over"),
    switch!("drop-crc", drop_crc, "PERCENT", "answers with one byte of the check missing"),
    switch!("nao", nao, "PERCENT", "(ACK and (NAK that arrive as (ACO and (NAO"),
    switch!("double", double, "PERCENT", "answers sent twice"),
    switch!("garbage", garbage, "PERCENT", "answers with noise before the first character"),
    switch!("nul", nul, "PERCENT", "answers with bursts of NUL between and inside the reports"),
    switch!("slip", slip, "PERCENT", "answers whose second half lost the frame of the bits"),
    switch!("cut", cut, "PERCENT", "answers during which the unit is unplugged; it comes back after 3 s"),
    switch!(
        "renumber-every",
        renumber_every,
        "SECONDS",
        "the unit vanishes and comes back under another hidraw number"
    ),
    switch!("wedge-after", wedge_after, "SECONDS", "silence from then on until the port is reset"),
    switch!("boot-s", boot_s, "SECONDS", "silence for this long after start and port reset"),
    switch!("terminator", terminator, "cr|lf|crlf", "how frames end"),
    switch!(
        "crc-zero",
        crc_zero,
        "classic|escaped",
        "a check byte 0x00 is sent as it is, or as 0x01; then it is also taken only as 0x01"
    ),
    switch!("nak-no-crc", nak_no_crc, "", "(NAK without a check"),
    switch!("ack-without-effect", ack_without_effect, "", "settings are acknowledged and ignored"),
    switch!("effect-without-ack", effect_without_ack, "", "settings are obeyed in silence"),
    switch!("nak-setters", nak_setters, "", "every setting is refused"),
    switch!("fields", fields, "17|21|24", "QPIGS with this many fields"),
    switch!("flags", flags, "32|36|38", "QPIWS with this many flags"),
    switch!("wide-watts", wide_watts, "", "powers with five digits"),
    switch!("bare-exist", bare_exist, "", "QPGSn says 0, not valid, before valid values"),
    switch!("fault", fault, "CODE", "the unit is in fault mode with this code"),
    switch!("warnings", warnings, "FLAG,...", "flags of QPIWS that are set besides those that are due"),
    switch!("mode", mode, "LETTER", "QMOD says this letter whatever the unit does"),
    switch!("stranger", stranger, "echo|nak", "how a UPS takes a command that it does not know"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// A value other than off for each switch.
    fn example(switch: &Switch) -> &'static str {
        match switch.name {
            "late" => "5000:10",
            "terminator" => "crlf",
            "crc-zero" => "escaped",
            "fields" => "17",
            "flags" => "38",
            "warnings" => "5,16",
            "mode" => "Z",
            "stranger" => "nak",
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
            assert!(
                switch.help.len() > 10 && switch.name.chars().all(|c| c.is_ascii_lowercase() || c == '-')
            );
        }
        // Each field of the struct is named once in its Debug text.
        let fields = format!("{:?}", Switches::default()).matches(": ").count();
        assert_eq!(fields, SWITCHES.len(), "a field without a switch");
    }

    #[rstest]
    #[case("deaf", "no switch of an inverter is called \"deaf\"; the switches are mute, think-ms,")]
    #[case("flip=300", "flip=300: expected a percentage, 0..100")]
    #[case("late=soon", "late=soon: expected milliseconds up to 600000")]
    #[case("fields=18", "fields=18: expected 17, 21 or 24 fields")]
    #[case("mode=bb", "mode=bb: expected one capital letter")]
    #[case("terminator=nul", "terminator=nul: expected one of cr, lf, crlf")]
    #[case("warnings=5,x", "warnings=5,x: expected flag numbers 0..37")]
    fn a_wrong_switch_says_what_was_expected(#[case] text: &str, #[case] start: &str) {
        let error = text.parse::<Switches>().unwrap_err().to_string();
        assert!(error.starts_with(start), "{error}");
    }
}
