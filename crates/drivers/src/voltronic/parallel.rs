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
//! The PV current (25) flows into the battery on classic units and on PI41, out of the panels on newer ones, which also
//! tell of a second tracker (27 V, 28 A, of the panels always). PI41 tells its second phase and tracker in `QP2GSn`:
//!
//! ```text
//! (11 92911906100045 L 00 124.2 59.98 124.2 59.98 0149 0130 005 56.1 000 100 000.0 00 01000010
//!  |  serial         | fault                      VA   W    %   bat V ch.A SoC PV2 V  | status
//!  exists            mode                                                         PV2 A, into the battery
//! ```
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

use super::decode::{Fields, Side, within};
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
    /// Its battery power, W, positive while discharging.
    pub(crate) battery_w: Result<f64, Unknown>,
    /// What it told of its output and its panels; on PI41 of the first phase and the first tracker.
    first: Half,
    /// The second phase and tracker of PI41.
    second: Option<Half>,
}

/// What one answer told.
#[derive(Debug, Clone, PartialEq)]
struct Half {
    /// Its share of the load, W.
    load_w: Result<f64, Unknown>,
    /// Its solar power, W.
    pv_w: Result<f64, Unknown>,
    at: Duration,
}

/// A set of units, by number.
#[derive(Debug, Clone, Default)]
pub(crate) struct Set {
    members: BTreeMap<u8, Member>,
    /// Numbers without a unit that had one, and until when it may be expected back (monotonic).
    expected: BTreeMap<u8, Duration>,
    /// Units of it have a second phase, told in an answer of its own.
    split: bool,
}

/// A unit that was not heard of for so long has left the set.
const GONE_AFTER: Duration = Duration::from_secs(1800);
/// How the questions about second phases begin.
const SECOND: &str = "QP2GS";

/// The number of the unit that a question is about.
pub(crate) fn index_of(command: &str) -> u8 {
    command.bytes().last().map_or(0, |digit| digit.wrapping_sub(b'0'))
}

impl Set {
    /// A set of units of which each has two phases.
    pub(crate) fn split() -> Self {
        Self { split: true, ..Self::default() }
    }

    /// Takes in the answer to a question about one unit. Whether there is such a unit.
    pub(crate) fn take(
        &mut self,
        command: &str,
        payload: &Payload,
        side: Option<Side>,
        now: Duration,
    ) -> bool {
        let index = index_of(command);
        self.forget(now);
        let fields = Fields::of(payload);
        if command.starts_with(SECOND) {
            return self.take_second(index, &fields, now);
        }
        let told =
            if payload.is_caret() { caret(index, &fields, now) } else { paren(index, &fields, side, now) };
        let Some(mut member) = told else {
            if self.members.remove(&index).is_some() {
                self.expected.insert(index, now + GONE_AFTER);
            }
            return false;
        };
        // A unit that has another number now has lost the one before.
        self.members.retain(|number, known| *number == index || known.serial != member.serial);
        member.second = self
            .members
            .get(&index)
            .filter(|known| known.serial == member.serial)
            .and_then(|known| known.second.clone());
        self.expected.remove(&index);
        self.members.insert(index, member);
        true
    }

    fn take_second(&mut self, index: u8, fields: &Fields<'_>, now: Duration) -> bool {
        let is_there = is_there(index, fields);
        if let Some(member) = self.members.get_mut(&index) {
            // Of another unit it says nothing about this one.
            let same = is_there && fields.text(1) == Some(member.serial.as_str());
            member.second = same.then(|| second(fields, now));
        }
        is_there
    }

    fn forget(&mut self, now: Duration) {
        self.members.retain(|_, member| now.saturating_sub(member.first.at) < GONE_AFTER);
        self.expected.retain(|_, until| now < *until);
    }

    /// Whether the number without a unit had one not long ago.
    pub(crate) fn expects(&self, index: u8) -> bool {
        self.expected.contains_key(&index)
    }

    /// The units, by number.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    /// How many units there are; one is none besides the unit itself.
    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// The number of the unit that has one of these serial numbers.
    pub(crate) fn index_of<'s>(&self, mut serials: impl Iterator<Item = &'s str>) -> Option<u8> {
        serials
            .find_map(|serial| self.members().find(|member| member.serial == serial))
            .map(|member| member.index)
    }

    /// The sums over all units; unknown while one of them is, or was not heard of since `oldest` (monotonic).
    pub(crate) fn totals(&self, oldest: Duration) -> Vec<(Metric, Observation)> {
        let sum = |of: &dyn Fn(&Member) -> Result<f64, Unknown>| {
            let members = self.members().map(|member| {
                let told = if member.first.at < oldest { Err(silent()) } else { of(member) };
                told.map_err(|why| Unknown::missing(format!("unit {} ({why})", member.serial)))
            });
            members.sum::<Result<f64, Unknown>>().map(Value::Number)
        };
        let both = |member: &Member, of: fn(&Half) -> &Result<f64, Unknown>| {
            let first = of(&member.first).clone()?;
            match &member.second {
                _ if !self.split => Ok(first),
                Some(half) if half.at >= oldest => Ok(first + of(half).clone()?),
                _ => Err(Unknown::missing("its second phase")),
            }
        };
        vec![
            (Metric::LoadPower, sum(&|member| both(member, |half| &half.load_w))),
            (Metric::PvPower, sum(&|member| both(member, |half| &half.pv_w))),
            (Metric::BatteryPower, sum(&|member| member.battery_w.clone())),
            (Metric::ParallelUnits, Ok(Value::Number(self.members.len() as f64))),
        ]
    }
}

/// Why a unit that is not gone has no value.
fn silent() -> Unknown {
    Unknown::missing("it was not heard of lately")
}

/// Whether an answer in the words of PI30 and its relatives is about a unit that exists.
fn is_there(index: u8, fields: &Fields<'_>) -> bool {
    let named = fields.text(1).is_some_and(|serial| serial.bytes().any(|byte| byte != b'0'));
    let exists = fields.text(0).is_some_and(|text| text.bytes().any(|byte| byte != b'0'));
    named && (exists || index == 0)
}

/// The power of a tracker, W, at most.
const TRACKER_MAX: f64 = 40_000.0;

/// Volts times amperes of these fields.
fn product(fields: &Fields<'_>, volts: usize, amperes: usize) -> Result<f64, Unknown> {
    let power = fields.number_in(volts, 0.0, 1_000.0)? * fields.number_in(amperes, 0.0, 200.0)?;
    within(power, 0.0, TRACKER_MAX)
}

/// The power of the first tracker: its current goes with the voltage of the side on which it flows.
fn first_tracker(fields: &Fields<'_>, side: Option<Side>) -> Result<f64, Unknown> {
    // Only units that tell the panels' current tell of a second tracker.
    let side = fields.text(28).map(|_| Side::Panels).or(side);
    match side {
        Some(Side::Panels) => product(fields, 14, 25),
        Some(Side::Battery) => product(fields, 11, 25),
        None if fields.number(25)? == 0.0 => Ok(0.0),
        None => Err(Unknown::missing("whether the panels' current is told, or that into the battery")),
    }
}

/// The second tracker, where a unit tells of one: volts, amperes.
pub(crate) fn second_tracker(payload: &Payload) -> Option<(Result<f64, Unknown>, Result<f64, Unknown>)> {
    let fields = Fields::of(payload);
    fields.text(28)?;
    Some((fields.number_in(27, 0.0, 1_000.0), fields.number_in(28, 0.0, 200.0)))
}

/// A unit in the words of PI30, PI30MAX and PI41.
fn paren(index: u8, fields: &Fields<'_>, side: Option<Side>, at: Duration) -> Option<Member> {
    if !is_there(index, fields) {
        return None;
    }
    let battery_w = || {
        let amperes = fields.number_in(26, 0.0, 600.0)? - fields.number_in(12, 0.0, 600.0)?;
        Ok(fields.number_in(11, 0.0, 120.0)? * amperes)
    };
    let first = first_tracker(fields, side);
    let pv_w = match fields.text(28) {
        Some(_) => first.and_then(|first| Ok(first + product(fields, 27, 28)?)),
        None => first,
    };
    Some(Member {
        index,
        serial: fields.text(1)?.to_owned(),
        mode: fields.text(2)?.to_owned(),
        fault: fields.code(3).and_then(faults::by_code),
        battery_w: battery_w(),
        first: Half { load_w: fields.number_in(9, 0.0, 60_000.0), pv_w, at },
        second: None,
    })
}

/// The second phase and tracker of a unit in the words of PI41: its current flows into the battery.
fn second(fields: &Fields<'_>, at: Duration) -> Half {
    Half { load_w: fields.number_in(9, 0.0, 60_000.0), pv_w: product(fields, 11, 15), at }
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
        battery_w: battery_w(),
        first: Half { load_w: fields.number_in(8, 0.0, 60_000.0), pv_w: pv_w(), at },
        second: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(5000);

    fn unit(exists: u8, serial: &str, mode: &str, fault: &str, watts: u32) -> Payload {
        Payload::of(&format!(
            "({exists} {serial} {mode} {fault} 000.0 00.00 230.6 50.00 0275 {watts:04} 005 50.0 001 100 080.0 002 00574 00312 003 10100110 1 2 060 120 10 04 003"
        ))
    }

    /// What a battery-side unit tells.
    fn take(set: &mut Set, command: &str, payload: &Payload, now: Duration) -> bool {
        set.take(command, payload, Some(Side::Battery), now)
    }

    fn totals(set: &Set, oldest: Duration) -> BTreeMap<Metric, Observation> {
        set.totals(oldest).into_iter().collect()
    }

    #[test]
    fn units_are_added_up() {
        let mut set = Set::default();
        assert!(take(&mut set, "QPGS0", &unit(1, "92931701100510", "B", "00", 100), NOW));
        assert!(take(&mut set, "QPGS1", &unit(1, "92931701100511", "L", "72", 200), NOW));
        assert!(take(&mut set, "QPGS1", &unit(1, "92931701100511", "B", "72", 250), NOW), "again");
        assert!(!take(&mut set, "QPGS2", &unit(0, "00000000000000", "P", "00", 0), NOW));
        assert_eq!(set.len(), 2);
        let totals = totals(&set, NOW);
        assert_eq!(totals[&Metric::LoadPower], Ok(Value::Number(350.0)));
        assert_eq!(totals[&Metric::PvPower], Ok(Value::Number(400.0)), "4 A into 50 V, twice");
        assert_eq!(totals[&Metric::BatteryPower], Ok(Value::Number(200.0)));
        assert_eq!(totals[&Metric::ParallelUnits], Ok(Value::Number(2.0)));
        assert_eq!(
            set.members().nth(1).and_then(|member| member.fault).map(|named| named.key),
            Some("parallel_current_sharing")
        );
    }

    /// The fixture of a classic unit: 4 A at the battery's 51.4 V, which is about what its load and its battery take.
    #[test]
    fn the_panels_current_goes_with_the_voltage_of_its_side() {
        let told = Payload::of(
            "(1 92931701100510 B 00 000.0 00.00 230.6 50.00 0275 0141 005 51.4 001 100 083.3 002 00574 00312 003 10100110 1 2 060 120 10 04 000",
        );
        let power = |side| {
            let mut set = Set::default();
            assert!(set.take("QPGS0", &told, side, NOW));
            totals(&set, NOW)[&Metric::PvPower].clone()
        };
        assert_eq!(power(Some(Side::Battery)), Ok(Value::Number(4.0 * 51.4)));
        assert_eq!(power(Some(Side::Panels)), Ok(Value::Number(4.0 * 83.3)));
        assert!(power(None).is_err());
        let night = Payload::of(&told.text().replace(" 04 000", " 00 000"));
        assert!(Set::default().take("QPGS0", &night, None, NOW));
        assert_eq!(first_tracker(&Fields::of(&night), None), Ok(0.0));
    }

    #[test]
    fn two_trackers_tell_the_panels_currents() {
        let told = Payload::of(
            "(0 92932105105315 B 00 000.0 00.00 230.0 50.00 0989 0907 012 53.2 009 090 349.8 009 00989 00907 011 10100110 0 1 100 120 030 02 000 275.3 02",
        );
        let mut set = Set::default();
        assert!(take(&mut set, "QPGS0", &told, NOW), "a single unit that denies itself counts");
        assert_eq!(totals(&set, NOW)[&Metric::PvPower], Ok(Value::Number(2.0 * 349.8 + 2.0 * 275.3)));
        assert_eq!(second_tracker(&told), Some((Ok(275.3), Ok(2.0))));
        assert_eq!(second_tracker(&unit(1, "92931701100510", "B", "00", 100)), None);
    }

    #[test]
    fn a_split_phase_set_is_the_sum_of_both_phases() {
        let first = |serial: u64| {
            Payload::of(&format!(
                "(1 {serial} L 00 122.9 59.98 122.9 59.98 0331 0272 013 56.0 004 100 000.0 004 01577 01400 009 01000010 6 0 060 220 40 02 000"
            ))
        };
        let second = |serial: u64| {
            Payload::of(&format!(
                "(11 {serial} L 00 124.2 59.98 124.2 59.98 0149 0130 005 56.0 000 100 090.0 01 01000010"
            ))
        };
        let mut set = Set::split();
        let number = |set: &Set, oldest, metric| totals(set, oldest)[&metric].clone();
        for (index, serial) in [(0, 92_911_906_100_045), (1, 92_911_906_100_046)] {
            assert!(take(&mut set, &format!("QPGS{index}"), &first(serial), NOW));
        }
        assert!(take(&mut set, "QP2GS0", &second(92_911_906_100_045), NOW));
        let lacks = number(&set, NOW, Metric::LoadPower).unwrap_err().to_string();
        assert!(lacks.contains("92911906100046") && lacks.contains("second phase"), "{lacks}");
        assert!(take(&mut set, "QP2GS1", &second(92_911_906_100_045), NOW));
        assert!(number(&set, NOW, Metric::LoadPower).is_err(), "another unit's");
        assert!(take(&mut set, "QP2GS1", &second(92_911_906_100_046), NOW));
        assert_eq!(number(&set, NOW, Metric::LoadPower), Ok(Value::Number(804.0)));
        assert_eq!(number(&set, NOW, Metric::PvPower), Ok(Value::Number(6.0 * 56.0)));
        let later = NOW + Duration::from_secs(60);
        for (index, serial) in [(0, 92_911_906_100_045), (1, 92_911_906_100_046)] {
            assert!(take(&mut set, &format!("QPGS{index}"), &first(serial), later));
        }
        assert_eq!(number(&set, NOW, Metric::LoadPower), Ok(Value::Number(804.0)), "kept");
        assert!(number(&set, later, Metric::LoadPower).is_err(), "old second phases");
        assert!(number(&set, later, Metric::BatteryPower).is_ok());
        assert!(!take(
            &mut set,
            "QP2GS2",
            &Payload::of(
                "(00 00000000000000 S 00 000.0 00.00 000.0 00.00 0000 0000 000 00.0 000 000 000.0 00 00000000"
            ),
            later
        ));
    }

    #[test]
    fn a_unit_that_is_not_heard_of_makes_the_sum_unknown_and_then_has_left() {
        let mut set = Set::default();
        take(&mut set, "QPGS0", &unit(1, "92931701100510", "B", "00", 100), NOW);
        take(&mut set, "QPGS1", &unit(1, "92931701100511", "B", "00", 100), NOW);
        let later = NOW + Duration::from_secs(90);
        take(&mut set, "QPGS0", &unit(1, "92931701100510", "B", "00", 100), later);
        let why = totals(&set, later)[&Metric::LoadPower].clone().unwrap_err().to_string();
        assert!(why.contains("unit 92931701100511") && why.contains("not heard of"), "{why}");
        assert_eq!(totals(&set, later)[&Metric::ParallelUnits], Ok(Value::Number(2.0)));
        take(&mut set, "QPGS0", &unit(1, "92931701100510", "B", "00", 100), NOW + GONE_AFTER);
        assert_eq!(set.len(), 1);
    }

    #[test]
    fn a_unit_that_is_denied_may_come_back() {
        let mut set = Set::default();
        take(&mut set, "QPGS1", &unit(1, "92931701100511", "B", "00", 100), NOW);
        assert!(!set.expects(1));
        assert!(!take(&mut set, "QPGS1", &unit(0, "00000000000000", "P", "00", 0), NOW));
        assert!(set.expects(1) && !set.expects(2) && set.len() == 0);
        take(&mut set, "QPGS2", &unit(0, "00000000000000", "P", "00", 0), NOW + GONE_AFTER);
        assert!(!set.expects(1));
    }

    #[test]
    fn a_unit_with_another_number_counts_once() {
        let mut set = Set::default();
        take(&mut set, "QPGS1", &unit(1, "92931701100511", "B", "00", 100), NOW);
        take(&mut set, "QPGS2", &unit(1, "92931701100511", "B", "00", 100), NOW);
        assert_eq!(set.members().map(|member| member.index).collect::<Vec<_>>(), [2]);
        assert_eq!(set.index_of(["x", "92931701100511"].into_iter()), Some(2));
        assert_eq!(set.index_of(["x"].into_iter()), None);
    }

    #[test]
    fn a_unit_that_tells_nonsense_makes_the_sum_unknown() {
        let mut set = Set::default();
        take(&mut set, "QPGS0", &unit(1, "92931701100510", "B", "00", 100), NOW);
        let nonsense = unit(1, "92931701100511", "B", "00", 100).text().replace("0100 005", "9x99 005");
        take(&mut set, "QPGS1", &Payload::of(&nonsense), NOW);
        assert!(totals(&set, NOW)[&Metric::LoadPower].is_err());
    }

    #[test]
    fn pi18_tells_tenths_and_no_serial_numbers() {
        let told = |exists: u8, fault: &str| {
            Payload::of(&format!(
                "^D113{exists},5,{fault},2387,499,2387,499,0716,0165,01232,00505,012,004,518,000,015,031,036,1137,0000,2088,0000,2,0,1,1,2,1,037"
            ))
        };
        let mut set = Set::default();
        assert!(set.take("PGS0", &told(1, "00"), None, NOW));
        assert!(set.take("PGS1", &told(1, "72"), None, NOW));
        assert!(!set.take("PGS2", &told(0, "00"), None, NOW));
        let totals = totals(&set, NOW);
        assert_eq!(totals[&Metric::LoadPower], Ok(Value::Number(330.0)));
        assert_eq!(totals[&Metric::PvPower], Ok(Value::Number(2274.0)));
        assert_eq!(
            totals[&Metric::BatteryPower],
            Ok(Value::Number(-1554.0)),
            "charging 15 A at 51.8 V, twice"
        );
        let faults: Vec<_> = set.members().map(|member| member.fault.map(|named| named.key)).collect();
        assert_eq!(faults, [None, Some("parallel_current_sharing")]);
    }
}
