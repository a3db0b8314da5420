//! Units that work in parallel: `QPGSn` tells of unit n from whichever unit is asked.
//!
//! ```text
//! (1 92931701100510 B 00 000.0 00.00 230.6 50.00 0275 0141 005 51.4 001 100 083.3 002 00574 00312 003 10100110 1 2 060 120 10 04 000
//!  | serial         | fault                        VA   W    %  bat V ch.A SoC PV V  total: ch.A VA  W    %    status      ... PV A  disch. A
//!  exists           mode
//! ```
//!
//! "exists" is 0 on some single units although all the rest is right; then the unit counts.
//!
//! PI18's `PGSn` has no serial numbers, its mode is a digit, and many of its numbers are tenths:
//!
//! ```text
//! ^D113 1,5,00,2387,499,2387,499,0716,0165,01232,00505,012,004,518,000,015,031,036,1137,0000,2088,0000,2,0,1,1,2,1,037
//!       | | fault                VA   W    all: VA W   %       V   dis cha all SoC PV1 W PV2 W
//!       | mode
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

use ohmstead_model::{Metric, Observation, Unknown, Value};

use super::decode::Fields;
use super::faults::{self, Named};
use super::frame::Payload;

/// One unit of a set as it told last.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Member {
    /// Its number in the set.
    pub(crate) index: u8,
    /// Its serial number; on PI18, which does not tell it, `unit 1`.
    pub(crate) serial: String,
    /// Its mode, a letter or on PI18 a digit.
    pub(crate) mode: String,
    /// What it complains about.
    pub(crate) fault: Option<&'static Named>,
    /// Its share of the load, W.
    pub(crate) load_w: Result<f64, Unknown>,
    /// Its solar power, W.
    pub(crate) pv_w: Result<f64, Unknown>,
    /// Its battery power, W, positive while discharging.
    pub(crate) battery_w: Result<f64, Unknown>,
    at: Duration,
}

/// A set of units, by serial number.
#[derive(Debug, Clone, Default)]
pub(crate) struct Set {
    members: BTreeMap<String, Member>,
}

/// A unit that was not heard of for so long has left the set.
const GONE_AFTER: Duration = Duration::from_secs(1800);

impl Set {
    /// Takes in the answer about unit `index`. Whether there is such a unit.
    pub(crate) fn take(&mut self, index: u8, payload: &Payload, now: Duration) -> bool {
        self.members.retain(|_, member| now.saturating_sub(member.at) < GONE_AFTER);
        let fields = Fields::of(payload);
        let told = if payload.is_caret() { caret(index, &fields, now) } else { paren(index, &fields, now) };
        let Some(member) = told else {
            self.members.retain(|_, member| member.index != index);
            return false;
        };
        // A number that another unit had before is this one's now.
        self.members.retain(|serial, known| known.index != index || *serial == member.serial);
        self.members.insert(member.serial.clone(), member);
        true
    }

    /// The units, by number.
    pub(crate) fn members(&self) -> Vec<&Member> {
        let mut members: Vec<_> = self.members.values().collect();
        members.sort_by_key(|member| member.index);
        members
    }

    /// How many units there are; one is none besides the unit itself.
    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// The number of the unit with this serial number.
    pub(crate) fn index_of(&self, serial: Option<&str>) -> Option<u8> {
        self.members.get(serial?).map(|member| member.index)
    }

    /// The sums over all units; unknown while one of them is.
    pub(crate) fn totals(&self) -> Vec<(Metric, Observation)> {
        let sum = |of: fn(&Member) -> &Result<f64, Unknown>| {
            let members = self.members.values().map(|member| {
                of(member).clone().map_err(|why| Unknown::missing(format!("unit {} ({why})", member.serial)))
            });
            members.sum::<Result<f64, Unknown>>().map(Value::Number)
        };
        vec![
            (Metric::LoadPower, sum(|member| &member.load_w)),
            (Metric::PvPower, sum(|member| &member.pv_w)),
            (Metric::BatteryPower, sum(|member| &member.battery_w)),
            (Metric::ParallelUnits, Ok(Value::Number(self.members.len() as f64))),
        ]
    }
}

/// A unit in the words of PI30, PI30MAX and PI41.
fn paren(index: u8, fields: &Fields<'_>, at: Duration) -> Option<Member> {
    let serial = fields.text(1)?.to_owned();
    let named = serial.bytes().any(|byte| byte != b'0');
    let exists = !fields.text(0)?.trim_start_matches('0').is_empty();
    if !(named && (exists || index == 0)) {
        return None;
    }
    let battery_w = || {
        let amperes = fields.number_in(26, 0.0, 600.0)? - fields.number_in(12, 0.0, 600.0)?;
        Ok(fields.number_in(11, 0.0, 120.0)? * amperes)
    };
    let tracker = |volts: usize, amperes: usize| {
        Ok::<_, Unknown>(fields.number_in(volts, 0.0, 1_000.0)? * fields.number_in(amperes, 0.0, 200.0)?)
    };
    let pv_w = match fields.text(28) {
        Some(_) => tracker(14, 25).and_then(|first| Ok(first + tracker(27, 28)?)),
        None => tracker(14, 25),
    };
    Some(Member {
        index,
        serial,
        mode: fields.text(2)?.to_owned(),
        fault: fields.code(3).and_then(faults::by_code),
        load_w: fields.number_in(9, 0.0, 60_000.0),
        pv_w,
        battery_w: battery_w(),
        at,
    })
}

/// A unit in the words of PI18.
fn caret(index: u8, fields: &Fields<'_>, at: Duration) -> Option<Member> {
    if fields.text(0)? != "1" && index != 0 {
        return None;
    }
    let battery_w = || {
        let amperes = fields.number_in(14, 0.0, 600.0)? - fields.number_in(15, 0.0, 600.0)?;
        Ok(fields.number_in(13, 0.0, 1_200.0)? / 10.0 * amperes)
    };
    let pv_w = || Ok(fields.number_in(18, 0.0, 40_000.0)? + fields.number_in(19, 0.0, 40_000.0)?);
    Some(Member {
        index,
        serial: format!("unit {index}"),
        mode: fields.text(1)?.to_owned(),
        fault: fields.code(2).and_then(faults::by_code),
        load_w: fields.number_in(8, 0.0, 60_000.0),
        pv_w: pv_w(),
        battery_w: battery_w(),
        at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(exists: u8, serial: &str, mode: &str, fault: &str, watts: u32) -> Payload {
        Payload::of(&format!(
            "({exists} {serial} {mode} {fault} 000.0 00.00 230.6 50.00 0275 {watts:04} 005 50.0 001 100 080.0 002 00574 00312 003 10100110 1 2 060 120 10 04 003"
        ))
    }

    #[test]
    fn units_are_added_up_by_serial_number() {
        let mut set = Set::default();
        assert!(set.take(0, &unit(1, "92931701100510", "B", "00", 100), Duration::ZERO));
        assert!(set.take(1, &unit(1, "92931701100511", "L", "72", 200), Duration::ZERO));
        assert!(set.take(1, &unit(1, "92931701100511", "B", "72", 250), Duration::ZERO), "again");
        assert!(!set.take(2, &unit(0, "00000000000000", "P", "00", 0), Duration::ZERO));
        assert_eq!(set.len(), 2);
        let totals: BTreeMap<_, _> = set.totals().into_iter().collect();
        assert_eq!(totals[&Metric::LoadPower], Ok(Value::Number(350.0)));
        assert_eq!(totals[&Metric::PvPower], Ok(Value::Number(640.0)));
        assert_eq!(totals[&Metric::BatteryPower], Ok(Value::Number(200.0)));
        assert_eq!(totals[&Metric::ParallelUnits], Ok(Value::Number(2.0)));
        assert_eq!(set.members()[1].fault.map(|named| named.key), Some("parallel_current_sharing"));
    }

    #[test]
    fn a_single_unit_that_denies_itself_counts() {
        let mut set = Set::default();
        assert!(set.take(0, &unit(0, "92932105105315", "B", "00", 907), Duration::ZERO));
        assert_eq!(set.len(), 1);
    }

    #[test]
    fn a_unit_that_is_not_heard_of_has_left() {
        let mut set = Set::default();
        set.take(0, &unit(1, "92931701100510", "B", "00", 100), Duration::ZERO);
        set.take(1, &unit(1, "92931701100511", "B", "00", 100), Duration::ZERO);
        set.take(0, &unit(1, "92931701100510", "B", "00", 100), GONE_AFTER);
        assert_eq!(set.len(), 1);
    }

    #[test]
    fn a_unit_that_tells_nonsense_makes_the_sum_unknown() {
        let mut set = Set::default();
        set.take(0, &unit(1, "92931701100510", "B", "00", 100), Duration::ZERO);
        let nonsense = unit(1, "92931701100511", "B", "00", 100).text().replace("0100 005", "9x99 005");
        set.take(1, &Payload::of(&nonsense), Duration::ZERO);
        let totals: BTreeMap<_, _> = set.totals().into_iter().collect();
        assert!(totals[&Metric::LoadPower].is_err());
    }

    #[test]
    fn pi18_tells_tenths_and_no_serial_numbers() {
        let told = |exists: u8, fault: &str| {
            Payload::of(&format!(
                "^D113{exists},5,{fault},2387,499,2387,499,0716,0165,01232,00505,012,004,518,000,015,031,036,1137,0000,2088,0000,2,0,1,1,2,1,037"
            ))
        };
        let mut set = Set::default();
        assert!(set.take(0, &told(1, "00"), Duration::ZERO));
        assert!(set.take(1, &told(1, "72"), Duration::ZERO));
        assert!(!set.take(2, &told(0, "00"), Duration::ZERO));
        let totals: BTreeMap<_, _> = set.totals().into_iter().collect();
        assert_eq!(totals[&Metric::LoadPower], Ok(Value::Number(330.0)));
        assert_eq!(totals[&Metric::PvPower], Ok(Value::Number(2274.0)));
        assert_eq!(
            totals[&Metric::BatteryPower],
            Ok(Value::Number(-1554.0)),
            "charging 15 A at 51.8 V, twice"
        );
        let members = set.members();
        assert_eq!(members[0].fault, None);
        assert_eq!(members[1].fault.map(|named| named.key), Some("parallel_current_sharing"));
    }
}
