//! Our own CSV, as `history export` writes it: `time,device,metric,value,unit`, in any order of columns.

use std::io::BufRead;

use jiff::tz::TimeZone;
use ohmstead_model::catalogue::{Kind, Unit};
use ohmstead_model::{DeviceId, Metric, UnixMillis, Value};
use ohmstead_web::{nearest_name, parse_instant};

use super::csv::{CsvError, Record, Records};
use super::{LineError, Place, Row, Wrong, number, shown};

/// Texts longer than this are not stored, bytes.
const TEXT_MAX: usize = 4_096;
/// Numbers beyond this many units of a metric's resolution lose digits.
const SCALED_MAX: f64 = 4e15;

/// What is needed to read a line.
pub(crate) struct Surroundings<'a> {
    /// All metrics that there are.
    pub(crate) metrics: &'a [Metric],
    /// The zone of times without an offset.
    pub(crate) zone: &'a TimeZone,
    /// Times later than this are refused.
    pub(crate) latest: UnixMillis,
}

/// The values of a file.
pub(crate) struct Values<R> {
    records: Records<R>,
    record: Record,
    columns: Columns,
}

struct Columns {
    time: usize,
    device: usize,
    metric: usize,
    value: usize,
    unit: Option<usize>,
}

impl Columns {
    fn of(head: &Record) -> Result<Self, Wrong> {
        let find = |name: &str| -> Result<Option<usize>, Wrong> {
            let mut found = None;
            for (index, (field, place)) in head.iter().enumerate() {
                if field.eq_ignore_ascii_case(name) && found.replace(index).is_some() {
                    return Err(Wrong::new(place, format!("a second column {name}")));
                }
            }
            Ok(found)
        };
        let need = |name: &str| {
            find(name)?.ok_or_else(|| {
                let names: Vec<_> = head.iter().map(|(field, _)| shown(field)).collect();
                let what = format!(
                    "no column {name}; the first line names the columns: time,device,metric,value,unit, in any order. \
                     It has {}",
                    names.join(", ")
                );
                Wrong::new(Place { line: 1, column: 1 }, what)
            })
        };
        Ok(Self {
            time: need("time")?,
            device: need("device")?,
            metric: need("metric")?,
            value: need("value")?,
            unit: find("unit")?,
        })
    }
}

impl<R: BufRead> Values<R> {
    /// Reads the first line.
    pub(crate) fn new(input: R) -> Result<Self, CsvError> {
        let mut records = Records::new(input)?;
        let mut record = Record::default();
        if !records.read(&mut record)? {
            let what = "the file is empty; expected the line time,device,metric,value,unit";
            return Err(Wrong::new(Place { line: 1, column: 1 }, what).into());
        }
        let columns = Columns::of(&record)?;
        Ok(Self { records, record, columns })
    }

    /// The next value; `None` at the end.
    pub(crate) fn next(&mut self, around: &Surroundings<'_>) -> Option<Result<Row, LineError>> {
        match self.records.read(&mut self.record) {
            Ok(true) => Some(self.row(around)),
            Ok(false) => None,
            Err(error) => Some(Err(LineError::File(error))),
        }
    }

    fn row(&self, around: &Surroundings<'_>) -> Result<Row, LineError> {
        let columns = &self.columns;
        let wrong = |place, what: String| LineError::Wrong(Wrong::new(place, what));
        let (text, place) = self.record.get(columns.time);
        let at = time(text, around).map_err(|what| wrong(place, what))?;
        let (text, place) = self.record.get(columns.device);
        let device = device(text).map_err(|what| wrong(place, what))?;
        let (text, place) = self.record.get(columns.metric);
        let metric =
            metric(text, around.metrics).map_err(|what| LineError::Unknown(Wrong::new(place, what)))?;
        if let Some((text, place)) = columns.unit.map(|unit| self.record.get(unit)) {
            unit(text, metric).map_err(|what| wrong(place, what))?;
        }
        let (text, place) = self.record.get(columns.value);
        let value = value(text, metric).map_err(|error| match error {
            ValueError::Wrong(what) => wrong(place, what),
            ValueError::Unknown(what) => LineError::Unknown(Wrong::new(place, what)),
        })?;
        Ok(Row { at, device, metric, value })
    }
}

fn time(text: &str, around: &Surroundings<'_>) -> Result<UnixMillis, String> {
    // A span before now would be another time in the second reading of the file.
    let is_span = text.starts_with('-') && text.ends_with(|c: char| c.is_ascii_alphabetic());
    let at = if is_span { None } else { parse_instant(text, around.zone, around.latest) };
    let at = at.ok_or_else(|| {
        format!(
            "{} is no time; expected one such as 2026-11-21T08:00:00.123Z, or milliseconds since 1970",
            shown(text)
        )
    })?;
    if at > around.latest { Err(format!("{text} is in the future")) } else { Ok(at) }
}

fn device(text: &str) -> Result<DeviceId, String> {
    if text == DeviceId::site().as_str() {
        return Ok(DeviceId::site());
    }
    text.parse().map_err(|_| {
        format!("{} is no name of a device; names are up to 64 letters, digits, '_' and '-'", shown(text))
    })
}

fn metric(text: &str, metrics: &[Metric]) -> Result<Metric, String> {
    metrics.iter().copied().find(|metric| metric.id() == text).ok_or_else(|| {
        let hint = nearest_name(text, metrics.iter().map(|metric| metric.id()));
        format!("no metric is named {}; {hint}", shown(text))
    })
}

fn unit(text: &str, metric: Metric) -> Result<(), String> {
    let own = metric.def().unit.map_or("", Unit::symbol);
    if text.is_empty() || text == own {
        return Ok(());
    }
    let own = if own.is_empty() { "none".to_owned() } else { own.to_owned() };
    Err(format!("the unit of {metric} is {own}, not {}", shown(text)))
}

enum ValueError {
    Wrong(String),
    Unknown(String),
}

fn value(text: &str, metric: Metric) -> Result<Value, ValueError> {
    match metric.def().kind {
        Kind::Gauge | Kind::Counter => {
            let number = number(text).map_err(ValueError::Wrong)?;
            let scaled = number * 10f64.powi(i32::from(metric.def().decimals));
            if scaled.abs() > SCALED_MAX {
                return Err(ValueError::Wrong(format!("{} is too large for {metric}", shown(text))));
            }
            Ok(Value::Number(metric.round(number)))
        }
        Kind::State(states) => {
            let state = states.iter().find(|state| state.key == text);
            state.map(|state| Value::State(state.key)).ok_or_else(|| {
                let hint = nearest_name(text, states.iter().map(|state| state.key));
                ValueError::Unknown(format!("{metric} has no state {}; {hint}", shown(text)))
            })
        }
        Kind::Text if text.len() > TEXT_MAX => {
            Err(ValueError::Wrong(format!("a text of more than {TEXT_MAX} bytes")))
        }
        Kind::Text => Ok(Value::text(text)),
    }
}

#[cfg(test)]
mod tests {
    use ohmstead_model::catalogue::CORE;
    use ohmstead_web::exchange::{CSV_HEAD, TextFormat};
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn rows(text: &str) -> Result<Vec<Result<Row, String>>, String> {
        let zone = TimeZone::get("Europe/Paris").unwrap();
        let around = Surroundings { metrics: CORE, zone: &zone, latest: UnixMillis(1_800_000_000_000) };
        let mut values = Values::new(text.as_bytes()).map_err(|error| error.to_string())?;
        let mut rows = Vec::new();
        while let Some(row) = values.next(&around) {
            rows.push(row.map_err(|error| match error {
                LineError::Wrong(wrong) => wrong.to_string(),
                LineError::Unknown(wrong) => format!("unknown: {wrong}"),
                LineError::File(error) => error.to_string(),
            }));
            // What is no CSV has no next line either.
            if rows.len() > 200 {
                break;
            }
        }
        Ok(rows)
    }

    #[test]
    fn columns_stand_in_any_order_and_unknown_ones_do_not_matter() {
        let text = "Unit,value,note,metric,device,time\n%,81.04,x,battery_soc,gx,2026-11-21T08:00:00.123Z\n\
                    ,auto,,battery_mode,site,2026-11-21 09:00\n";
        let rows = rows(text).unwrap();
        let row = |at, device: DeviceId, metric, value| Ok(Row { at: UnixMillis(at), device, metric, value });
        let gx = "gx".parse().unwrap();
        assert_eq!(
            rows,
            [
                row(1_795_248_000_123, gx, Metric::BatterySoc, Value::Number(81.0)),
                row(1_795_248_000_000, DeviceId::site(), Metric::BatteryMode, Value::State("auto")),
            ]
        );
    }

    #[rstest]
    #[case("noon,gx,battery_soc,1,%", "2:1: \"noon\" is no time")]
    #[case("-24h,gx,battery_soc,1,%", "2:1: \"-24h\" is no time")]
    #[case("2036-01-01,gx,battery_soc,1,%", "2:1: 2036-01-01 is in the future")]
    #[case("0,g x,battery_soc,1,%", "2:3: \"g x\" is no name of a device")]
    #[case(
        "0,gx,batery_soc,1,%",
        "unknown: 2:6: no metric is named \"batery_soc\"; did you mean \"battery_soc\"?"
    )]
    #[case("0,gx,battery_soc,NaN,%", "2:18: \"NaN\" is no number that can be stored")]
    #[case("0,gx,battery_soc,1e999,%", "2:18: \"1e999\" is no number that can be stored")]
    #[case("0,gx,battery_soc,1e15,%", "2:18: \"1e15\" is too large for battery_soc")]
    #[case("0,gx,battery_soc,,%", "2:18: \"\" is no number")]
    #[case("0,gx,battery_soc,\"1,5\",%", "2:18: \"1,5\" is no number; decimals follow a point")]
    #[case("0,gx,battery_soc,0x10,%", "2:18: \"0x10\" is no number")]
    #[case("0,gx,battery_power,1,kW", "2:22: the unit of battery_power is W, not \"kW\"")]
    #[case(
        "0,gx,battery_mode,atuo,",
        "unknown: 2:19: battery_mode has no state \"atuo\"; did you mean \"auto\"?"
    )]
    #[case("0", "2:1: \"\" is no name of a device")]
    #[case("0,gx,battery_soc,\"1", "2:18: the quote that begins here is not closed")]
    fn a_wrong_line_is_told_with_its_place(#[case] line: &str, #[case] wrong: &str) {
        let rows = rows(&format!("{CSV_HEAD}\n{line}\n")).unwrap();
        let told = rows[0].as_ref().unwrap_err();
        assert!(told.starts_with(wrong), "{told}");
    }

    #[rstest]
    #[case("", "1:1: the file is empty")]
    #[case("time,device,value\n", "1:1: no column metric;")]
    #[case("time,device,value,metric,Time\n", "1:26: a second column time")]
    fn a_wrong_first_line_is_told(#[case] text: &str, #[case] wrong: &str) {
        let told = rows(text).unwrap_err();
        assert!(told.starts_with(wrong), "{told}");
    }

    /// Any value that can be stored.
    fn any_row() -> impl Strategy<Value = (i64, usize, f64, String)> {
        (0i64..1_799_999_999_999, 0..CORE.len(), -1e9f64..1e9, "[ -~é\\n\\r,\"]{0,20}")
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(values in proptest::collection::vec(any_row(), 0..20)) {
            let mut written = format!("{CSV_HEAD}\n");
            for (at, metric, number, text) in values {
                let metric = CORE[metric];
                let value = match metric.def().kind {
                    Kind::Gauge | Kind::Counter => Value::Number(number),
                    Kind::State(states) => Value::State(states[0].key),
                    Kind::Text => Value::text(text),
                };
                TextFormat::Csv.write(&mut written, "gx", metric, UnixMillis(at), &value);
            }
            let mut again = format!("{CSV_HEAD}\n");
            for row in rows(&written).unwrap() {
                let row = row.unwrap();
                TextFormat::Csv.write(&mut again, row.device.as_str(), row.metric, row.at, &row.value);
            }
            prop_assert_eq!(again, written);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "(time|device|metric|value|battery_soc|gx|[0-9,\"\\n.-]){0,60}") {
            let _ = rows(&text);
            let _ = rows(&format!("{CSV_HEAD}\n{text}"));
        }
    }
}
