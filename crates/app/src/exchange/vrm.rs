//! The CSV that VRM's "Download data" gives: three lines of head, then one line per time.
//!
//! ```text
//! timestamp,Battery Monitor [512],Battery Monitor [512],System overview [0]     the device of each column
//! Europe/Paris (+01:00),State of charge,Voltage,Battery Power                   the zone; what each column is
//! ,%,V,W                                                                        units; the line may be absent
//! 2026-11-21 09:00:00,81,52.1,-420                                              civil time of that zone
//! ```

use std::io::BufRead;

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use ohmstead_model::catalogue::Unit;
use ohmstead_model::{DeviceId, Metric, UnixMillis, Value};

use super::csv::{CsvError, Record, Records};
use super::vrm_table::{KNOWN, Known, SUMS, UNITS};
use super::{LineError, Place, Row, Wrong, number, shown};

/// What one column is.
#[derive(Debug, Clone, PartialEq)]
struct Mapped {
    index: usize,
    metric: Metric,
    factor: f64,
}

/// A column that is left out, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LeftOut {
    /// Device and description.
    pub(crate) column: String,
    /// Why it is left out.
    pub(crate) why: String,
}

/// A download being read.
pub(crate) struct Download<R> {
    records: Records<R>,
    record: Record,
    /// Whether `record` is the first line of values, met where units were expected.
    is_ahead: bool,
    zone: TimeZone,
    latest: UnixMillis,
    before: Option<UnixMillis>,
    device: DeviceId,
    columns: Vec<Mapped>,
    /// The columns that are left out.
    pub(crate) left_out: Vec<LeftOut>,
    /// What the reader should know.
    pub(crate) notes: Vec<String>,
}

impl<R: BufRead> Download<R> {
    /// Reads the head. The values are those of `device`; `site` is the zone where the file names none.
    pub(crate) fn new(
        input: R,
        device: DeviceId,
        site: &TimeZone,
        latest: UnixMillis,
    ) -> Result<Self, CsvError> {
        let mut records = Records::new(input)?;
        let (mut devices, mut names, mut units) = (Record::default(), Record::default(), Record::default());
        let has_head = records.read(&mut devices)? && records.read(&mut names)?;
        if !has_head || !devices.iter().any(|(field, _)| instance(field).is_some()) {
            let what = "not a download of VRM: its first line names the device of each column, such as \
                        \"Battery Monitor [512]\", and its second what each column is";
            return Err(Wrong::new(Place { line: 1, column: 1 }, what).into());
        }
        let has_more = records.read(&mut units)?;
        let is_ahead = has_more && units.get(0).0.parse::<DateTime>().is_ok();
        let record = if is_ahead { std::mem::take(&mut units) } else { Record::default() };
        let (columns, left_out) = columns(&devices, &names, &units);
        let mut notes = Vec::new();
        let zone = zone(names.get(0).0).unwrap_or_else(|| {
            notes
                .push(format!("{} is no time zone; the times are read as the site's", shown(names.get(0).0)));
            site.clone()
        });
        let before = None;
        Ok(Self { records, record, is_ahead, zone, latest, before, device, columns, left_out, notes })
    }

    /// The metrics that it has.
    pub(crate) fn metrics(&self) -> Vec<Metric> {
        let columns: Vec<_> = self.columns.iter().map(|column| column.metric).collect();
        let sums = SUMS.iter().filter(|(_, phases)| phases.iter().any(|phase| columns.contains(phase)));
        columns.iter().copied().chain(sums.map(|(sum, _)| *sum)).collect()
    }

    /// The values of the next line; `None` at the end. A field that is empty has none.
    pub(crate) fn next(&mut self) -> Option<Result<Vec<Row>, LineError>> {
        if !std::mem::take(&mut self.is_ahead) {
            match self.records.read(&mut self.record) {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => return Some(Err(LineError::File(error))),
            }
        }
        Some(self.rows().map_err(LineError::Wrong))
    }

    fn rows(&mut self) -> Result<Vec<Row>, Wrong> {
        let (text, place) = self.record.get(0);
        let at = self.at(text).map_err(|what| Wrong::new(place, what))?;
        let mut rows = Vec::with_capacity(self.columns.len());
        for Mapped { index, metric, factor } in &self.columns {
            let (text, place) = self.record.get(*index);
            if text.is_empty() {
                continue;
            }
            let number = number(text).map_err(|what| Wrong::new(place, format!("{metric}: {what}")))?;
            let value = Value::Number(metric.round(number * factor));
            rows.push(Row { at, device: self.device.clone(), metric: *metric, value });
        }
        for (sum, phases) in SUMS {
            let columns = self.columns.iter().filter(|column| phases.contains(&column.metric)).count();
            let powers = rows.iter().filter(|row| phases.contains(&row.metric));
            let powers: Vec<f64> = powers.filter_map(|row| row.value.number()).collect();
            // A sum without one of its phases would be another quantity.
            if columns > 0 && powers.len() == columns {
                let value = Value::Number(sum.round(powers.iter().sum()));
                rows.push(Row { at, device: self.device.clone(), metric: *sum, value });
            }
        }
        self.before = Some(at);
        Ok(rows)
    }

    fn at(&self, text: &str) -> Result<UnixMillis, String> {
        let civil: DateTime = text
            .parse()
            .map_err(|_| format!("{} is no time; expected one such as 2026-11-21 09:00:00", shown(text)))?;
        let ambiguous = self.zone.to_ambiguous_timestamp(civil);
        let is_repeated = matches!(ambiguous.offset(), AmbiguousOffset::Fold { .. });
        let bad = || format!("{text} is not a time of the zone");
        let mut at = ambiguous.compatible().map_err(|_| bad())?;
        // The hour that the clocks repeat: time goes on, so what would step back is its second time.
        if is_repeated && self.before.is_some_and(|before| at.as_millisecond() <= before.0) {
            at = ambiguous.later().map_err(|_| bad())?;
        }
        let at = UnixMillis(at.as_millisecond());
        if at > self.latest { Err(format!("{text} is in the future")) } else { Ok(at) }
    }
}

/// `Battery Monitor [512]`: the class and the instance.
fn instance(field: &str) -> Option<(&str, u32)> {
    let (class, rest) = field.rsplit_once('[')?;
    Some((class.trim(), rest.strip_suffix(']')?.trim().parse().ok()?))
}

/// `Europe/Paris (+01:00)`. The offset is that of one time, so the name counts, where it is known.
fn zone(text: &str) -> Option<TimeZone> {
    let (name, offset) = text.split_once('(').unwrap_or((text, ""));
    let name = name.trim();
    if let Ok(zone) = TimeZone::get(name)
        && !name.is_empty()
    {
        return Some(zone);
    }
    let offset = offset.trim().strip_suffix(')')?;
    let (sign, digits) = offset.split_at_checked(1)?;
    let (hours, minutes) = digits.split_once(':')?;
    // No zone is further off than this.
    let small = |digits: &str| digits.parse::<i32>().ok().filter(|number| (0..60).contains(number));
    let seconds = small(hours)? * 3600 + small(minutes)? * 60;
    let seconds = match sign {
        "+" => seconds,
        "-" => -seconds,
        _ => return None,
    };
    jiff::tz::Offset::from_seconds(seconds).ok().map(TimeZone::fixed)
}

/// The columns that are metrics, and the others.
fn columns(devices: &Record, names: &Record, units: &Record) -> (Vec<Mapped>, Vec<LeftOut>) {
    let mut found: Vec<(Mapped, u8, String)> = Vec::new();
    let mut left_out = Vec::new();
    for index in 1..devices.len().max(names.len()) {
        let (device, description) = (devices.get(index).0, names.get(index).0);
        let column = format!("{device} {description}").trim().to_owned();
        let mut leave_out = |column: String, why: String| left_out.push(LeftOut { column, why });
        let Some(known) = known(device, description) else {
            leave_out(column, "no metric is known for it".to_owned());
            continue;
        };
        let unit = units.get(index).0;
        let Some(factor) = unit_factor(unit, known.metric) else {
            leave_out(column, format!("its unit {} is not that of {}", shown(unit), known.metric));
            continue;
        };
        let mapped = Mapped { index, metric: known.metric, factor: known.factor * factor };
        match found.iter_mut().find(|(other, ..)| other.metric == known.metric) {
            None => found.push((mapped, known.rank, column)),
            Some(other) if known.rank < other.1 => {
                let (.., worse) = std::mem::replace(other, (mapped, known.rank, column));
                leave_out(worse, format!("{} has a better column", known.metric));
            }
            Some(_) => leave_out(column, format!("{} has another column", known.metric)),
        }
    }
    (found.into_iter().map(|(mapped, ..)| mapped).collect(), left_out)
}

fn known(device: &str, description: &str) -> Option<&'static Known> {
    let (class, _) = instance(device)?;
    let fits = |known: &&Known| {
        known.class.eq_ignore_ascii_case(class) && known.description.eq_ignore_ascii_case(description)
    };
    KNOWN.iter().find(fits)
}

/// By what numbers of `unit` are multiplied to be in the metric's; nothing said is its own.
fn unit_factor(unit: &str, metric: Metric) -> Option<f64> {
    let own = metric.def().unit.map_or("", Unit::symbol);
    if unit.is_empty() || unit == own {
        return Some(1.0);
    }
    // VRM writes degrees also as plain C.
    if own == "°C" && matches!(unit, "C" | "ºC") {
        return Some(1.0);
    }
    UNITS.iter().find(|(from, to, _)| *from == unit && *to == own).map(|(.., factor)| *factor)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const HEAD: &str = "timestamp,Battery Monitor [512],Battery Monitor [512],System overview [0],System overview [0],Gateway [0]\n\
        Europe/Paris (+01:00),State of charge,Current,Battery State of Charge,Battery Power,CPU load\n";
    const UNITS_LINE: &str = ",%,A,%,kW,\n";

    fn open(text: &str) -> Result<Download<&[u8]>, CsvError> {
        let latest = UnixMillis(1_800_000_000_000);
        Download::new(text.as_bytes(), "gx".parse().unwrap(), &TimeZone::UTC, latest)
    }

    fn rows(text: &str) -> Result<Vec<String>, CsvError> {
        let mut download = open(text)?;
        let mut rows = Vec::new();
        while let Some(line) = download.next() {
            let line = line.map_err(|error| match error {
                LineError::Wrong(wrong) | LineError::Unknown(wrong) => wrong.into(),
                LineError::File(error) => error,
            });
            for Row { at, metric, value, .. } in line? {
                let at = crate::shapes::iso(at);
                rows.push(format!("{} {metric} {}", &at[5..16], value.number().unwrap()));
            }
        }
        Ok(rows)
    }

    #[test]
    fn columns_become_metrics_in_our_signs_and_units() {
        let text =
            format!("{HEAD}{UNITS_LINE}2026-11-21 09:00:00,80,-3.5,81,-0.42,7\n2026-11-21 09:15:00,,1,,0,\n");
        assert_eq!(
            rows(&text).unwrap(),
            [
                "11-21T08:00 battery_soc 81",
                "11-21T08:00 battery_current 3.5",
                "11-21T08:00 battery_power 420",
                "11-21T08:15 battery_current -1",
                "11-21T08:15 battery_power 0",
            ]
        );
        let left_out: Vec<_> = open(&text)
            .unwrap()
            .left_out
            .into_iter()
            .map(|left| format!("{}: {}", left.column, left.why))
            .collect();
        assert_eq!(
            left_out,
            [
                "Battery Monitor [512] State of charge: battery_soc has a better column",
                "Gateway [0] CPU load: no metric is known for it",
            ]
        );
    }

    #[test]
    fn phases_are_added_up_where_all_are_known() {
        let head = "timestamp,System overview [0],System overview [0]\nEurope/Paris (+01:00),Grid L1,Grid L3\n,W,W\n";
        let text = format!("{head}2026-11-21 09:00:00,-200,500\n2026-11-21 09:01:00,7,\n");
        assert_eq!(
            rows(&text).unwrap(),
            [
                "11-21T08:00 grid_power_l1 -200",
                "11-21T08:00 grid_power_l3 500",
                "11-21T08:00 grid_power 300",
                "11-21T08:01 grid_power_l1 7",
            ]
        );
        assert_eq!(
            open(&text).unwrap().metrics(),
            [Metric::GridPowerL1, Metric::GridPowerL3, Metric::GridPower]
        );
    }

    #[test]
    fn the_line_of_units_may_be_absent() {
        assert_eq!(rows(&format!("{HEAD}2026-11-21 09:00:00,80,,,,7\n")).unwrap(), Vec::<String>::new());
        assert_eq!(
            rows(&format!("{HEAD}2026-11-21 09:00:00,,,81,,7\n")).unwrap(),
            ["11-21T08:00 battery_soc 81"]
        );
    }

    #[test]
    fn the_hour_that_the_clocks_repeat_comes_twice() {
        let line = |time: &str| format!("2026-10-25 {time},,,1,,\n");
        let lines: String =
            ["01:30:00", "02:00:00", "02:30:00", "02:00:00", "02:30:00", "03:00:00"].map(line).concat();
        let at: Vec<_> =
            rows(&format!("{HEAD}{lines}")).unwrap().iter().map(|row| row[6..11].to_owned()).collect();
        assert_eq!(at, ["23:30", "00:00", "00:30", "01:00", "01:30", "02:00"]);
    }

    #[rstest]
    #[case("Europe/Paris (+01:00)", Some(3600))]
    #[case("Mars/Base (-02:30)", Some(-9000))]
    #[case("(+05:45)", Some(20_700))]
    #[case("", None)]
    #[case("timestamp", None)]
    #[case("(é)", None)]
    #[case("(+99999999:00)", None)]
    fn zones(#[case] text: &str, #[case] offset: Option<i32>) {
        let winter: jiff::Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(zone(text).map(|zone| zone.to_offset(winter).seconds()), offset);
    }

    #[rstest]
    #[case("", "1:1: not a download of VRM")]
    #[case("time,device,metric,value,unit\n1,gx,battery_soc,1,%\n", "1:1: not a download of VRM")]
    fn another_file_is_refused(#[case] text: &str, #[case] wrong: &str) {
        let told = rows(text).unwrap_err().to_string();
        assert!(told.starts_with(wrong), "{told}");
    }

    #[rstest]
    #[case("yesterday,,,1,,", "4:1: \"yesterday\" is no time")]
    #[case("2036-11-21 09:00:00,,,1,,", "4:1: 2036-11-21 09:00:00 is in the future")]
    #[case("2026-11-21 09:00:00,,,n/a,,", "4:23: battery_soc: \"n/a\" is no number")]
    fn a_wrong_line_is_told_with_its_place(#[case] line: &str, #[case] wrong: &str) {
        let told = rows(&format!("{HEAD}{UNITS_LINE}{line}\n")).unwrap_err().to_string();
        assert!(told.starts_with(wrong), "{told}");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[a-z0-9,\"\\n \\[\\]-]{0,60}") {
            let _ = rows(&text);
            let _ = rows(&format!("{HEAD}{text}"));
        }
    }
}
