//! The message of Prometheus' remote write 1.0, a protobuf in snappy's block format:
//!
//! ```text
//! WriteRequest { repeated TimeSeries timeseries = 1 }
//! TimeSeries   { repeated Label labels = 1; repeated Sample samples = 2 }
//! Label        { string name = 1; string value = 2 }       sorted by name, `__name__` among them
//! Sample       { double value = 1; int64 timestamp = 2 }   ms, oldest first
//! ```
//!
//! Four messages of two fields each: written by hand, for a code generator would be the larger part. Names and units are
//! those of `/metrics`: `ohmstead_battery_soc_percent{device="garage"}`; a state is one series for each, 1 for the present
//! one; a text is no figure.

use std::collections::BTreeMap;

use ohmstead_model::catalogue::{Kind, Unit};
use ohmstead_model::{Metric, Value};

use crate::source::Point;

type Labels = Vec<(String, String)>;

/// The message, not yet compressed, and empty where there is nothing to tell. `points` are in order of time.
pub(super) fn encode(points: &[Point], extra: &BTreeMap<String, String>) -> Vec<u8> {
    let mut series: BTreeMap<Labels, Vec<(i64, f64)>> = BTreeMap::new();
    for point in points {
        for (state, number) in figures(point) {
            series.entry(labels(point, state, extra)).or_default().push((point.at.0, number));
        }
    }
    let mut message = Vec::with_capacity(points.len() * 16);
    for (labels, samples) in series {
        bytes(&mut message, 1, &time_series(&labels, &samples));
    }
    message
}

/// The numbers that a value is: one, one for each state, or none.
fn figures(point: &Point) -> Vec<(Option<&'static str>, f64)> {
    match (&point.value, point.metric.def().kind) {
        (Value::Number(number), _) => {
            figure(point.metric, *number).map(|number| (None, number)).into_iter().collect()
        }
        (Value::State(present), Kind::State(states)) => {
            states.iter().map(|state| (Some(state.key), f64::from(u8::from(state.key == *present)))).collect()
        }
        _ => Vec::new(),
    }
}

/// The number in the base unit.
fn figure(metric: Metric, number: f64) -> Option<f64> {
    let factor = metric.def().unit.map_or(1.0, |unit| unit.base().1);
    let number = number * factor;
    match metric.def().kind {
        Kind::Counter if number < 0.0 => None,
        // Rounded again, for 81.07 kWh are not quite 81070 Wh in binary.
        Kind::Counter => Some(number.round()),
        _ => Some(number),
    }
    .filter(|number| number.is_finite())
}

fn labels(point: &Point, state: Option<&str>, extra: &BTreeMap<String, String>) -> Labels {
    let mut labels: Labels = extra.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    labels.push(("__name__".to_owned(), name(point.metric)));
    labels.push(("device".to_owned(), point.device.to_string()));
    labels.extend(state.map(|state| ("state".to_owned(), state.to_owned())));
    labels.sort_unstable();
    labels
}

/// `ohmstead_battery_soc_percent`, as in `/metrics`.
fn name(metric: Metric) -> String {
    let def = metric.def();
    let unit = def.unit.map(Unit::base).map_or_else(String::new, |(unit, _)| format!("_{unit}"));
    let total = if matches!(def.kind, Kind::Counter) { "_total" } else { "" };
    format!("ohmstead_{}{unit}{total}", def.id)
}

fn time_series(labels: &Labels, samples: &[(i64, f64)]) -> Vec<u8> {
    let mut series = Vec::new();
    for (name, value) in labels {
        let mut label = Vec::new();
        bytes(&mut label, 1, name.as_bytes());
        bytes(&mut label, 2, value.as_bytes());
        bytes(&mut series, 1, &label);
    }
    for (at, number) in samples {
        let mut sample = vec![(1 << 3) | 1];
        sample.extend_from_slice(&number.to_le_bytes());
        sample.push(2 << 3);
        varint(&mut sample, at.cast_unsigned());
        bytes(&mut series, 2, &sample);
    }
    series
}

/// A field of bytes: tag, length, content.
fn bytes(message: &mut Vec<u8>, field: u8, content: &[u8]) {
    message.push((field << 3) | 2);
    varint(message, content.len() as u64);
    message.extend_from_slice(content);
}

fn varint(message: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        message.push(u8::try_from(number & 0x7f).expect("seven bits") | 0x80);
        number >>= 7;
    }
    message.push(u8::try_from(number).expect("seven bits"));
}

#[cfg(test)]
pub(super) mod tests {
    use std::fmt::Write as _;

    use expect_test::expect;
    use ohmstead_model::UnixMillis;

    use super::*;

    pub(in crate::target) fn point(at: i64, device: &str, metric: Metric, number: f64) -> Point {
        let device = device.parse().expect("a name");
        Point { at: UnixMillis(at), device, metric, value: Value::Number(number) }
    }

    pub(in crate::target) fn state(at: i64, device: &str) -> Point {
        Point { value: Value::State("auto"), ..point(at, device, Metric::BatteryMode, 0.0) }
    }

    pub(in crate::target) fn text(at: i64, device: &str, text: &str) -> Point {
        Point { value: Value::text(text), ..point(at, device, Metric::BatteryModeNative, 0.0) }
    }

    /// A reader of its own, so that writer and reader do not share a mistake.
    fn read(mut message: &[u8]) -> Vec<(u8, u64, Vec<u8>)> {
        fn number(message: &mut &[u8]) -> u64 {
            let mut shift = 0;
            let mut value = 0;
            loop {
                let byte = message[0];
                *message = &message[1..];
                value |= u64::from(byte & 0x7f) << shift;
                shift += 7;
                if byte & 0x80 == 0 {
                    return value;
                }
            }
        }
        let mut fields = Vec::new();
        while !message.is_empty() {
            let tag = number(&mut message);
            let field = u8::try_from(tag >> 3).expect("small");
            let length = match tag & 7 {
                0 => {
                    fields.push((field, number(&mut message), Vec::new()));
                    continue;
                }
                1 => 8,
                2 => usize::try_from(number(&mut message)).expect("small"),
                other => panic!("wire type {other}"),
            };
            fields.push((field, 0, message[..length].to_vec()));
            message = &message[length..];
        }
        fields
    }

    fn told(message: &[u8]) -> String {
        let mut text = String::new();
        for (_, _, series) in read(message) {
            let mut labels = Vec::new();
            let mut samples = Vec::new();
            for (field, _, content) in read(&series) {
                let parts = read(&content);
                if field == 1 {
                    let part = |index: usize| String::from_utf8(parts[index].2.clone()).expect("text");
                    labels.push(format!("{}={:?}", part(0), part(1)));
                } else {
                    let value = f64::from_le_bytes(parts[0].2.clone().try_into().expect("eight bytes"));
                    samples.push(format!("{value}@{}", parts[1].1.cast_signed()));
                }
            }
            writeln!(text, "{{{}}} {}", labels.join(","), samples.join(" ")).expect("a string takes all");
        }
        text
    }

    #[test]
    fn names_units_and_states_are_those_of_the_metrics_page() {
        let points = [
            point(1000, "a", Metric::BatteryPower, -690.0),
            point(1000, "a", Metric::GridImportEnergy, 81.07),
            state(1000, "a"),
            text(1000, "a", "a text is no figure"),
            point(1500, "a", Metric::GridImportEnergy, -1.0),
            point(2000, "a", Metric::BatteryPower, f64::INFINITY),
            point(3000, "a", Metric::BatteryPower, 5.5),
        ];
        let extra =
            BTreeMap::from([("site".to_owned(), "home \"x\"".to_owned()), ("Z".to_owned(), "z".to_owned())]);
        expect![[r#"
            {Z="z",__name__="ohmstead_battery_mode",device="a",site="home \"x\"",state="auto"} 1@1000
            {Z="z",__name__="ohmstead_battery_mode",device="a",site="home \"x\"",state="charge"} 0@1000
            {Z="z",__name__="ohmstead_battery_mode",device="a",site="home \"x\"",state="discharge"} 0@1000
            {Z="z",__name__="ohmstead_battery_mode",device="a",site="home \"x\"",state="hold"} 0@1000
            {Z="z",__name__="ohmstead_battery_mode",device="a",site="home \"x\"",state="hold_charge"} 0@1000
            {Z="z",__name__="ohmstead_battery_mode",device="a",site="home \"x\"",state="idle"} 0@1000
            {Z="z",__name__="ohmstead_battery_mode",device="a",site="home \"x\"",state="manual"} 0@1000
            {Z="z",__name__="ohmstead_battery_mode",device="a",site="home \"x\"",state="native"} 0@1000
            {Z="z",__name__="ohmstead_battery_power_watts",device="a",site="home \"x\""} -690@1000 5.5@3000
            {Z="z",__name__="ohmstead_grid_import_energy_watthours_total",device="a",site="home \"x\""} 81070@1000
        "#]]
        .assert_eq(&told(&encode(&points, &extra)));
    }

    #[test]
    fn bytes_on_the_wire() {
        let message = encode(&[point(1_700_000_000_123, "a", Metric::BatterySoc, 81.5)], &BTreeMap::new());
        let mut hex = String::new();
        for byte in message {
            write!(hex, "{byte:02x}").expect("a string takes all");
        }
        expect!["0a490a280a085f5f6e616d655f5f121c6f686d73746561645f626174746572795f736f635f70657263656e740a0b0a06646576696365120161121009000000000060544010fbd095ffbc31"].assert_eq(&hex);
    }

    #[test]
    fn nothing_to_tell_is_no_message() {
        assert!(encode(&[text(1, "a", "x")], &BTreeMap::new()).is_empty());
    }
}
