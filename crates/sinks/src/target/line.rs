//! `InfluxDB`'s line protocol. One line for each device and moment:
//!
//! ```text
//! ohmstead,device=garage,site=home battery_power=-690,battery_soc=81.3,work_mode="auto" 1700000000000
//! ^measurement  ^tags              ^fields: numbers, states and texts in quotes          ^ms
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ohmstead_model::Value;

use crate::source::Point;

/// The lines of `points`, which are in order of time and device.
pub(super) fn encode(points: &[Point], measurement: &str, tags: &BTreeMap<String, String>) -> String {
    let mut lines = String::with_capacity(points.len() * 32);
    for of_one in points.chunk_by(|left, right| left.at == right.at && left.device == right.device) {
        let fields = of_one.iter().filter(|point| point.value.number().is_none_or(f64::is_finite));
        let mut separator = ' ';
        let start = lines.len();
        escape(&mut lines, measurement, &[',', ' ']);
        tag(&mut lines, "device", of_one[0].device.as_str());
        for (key, value) in tags {
            tag(&mut lines, key, value);
        }
        for point in fields {
            lines.push(separator);
            separator = ',';
            escape(&mut lines, point.metric.id(), &[',', '=', ' ']);
            lines.push('=');
            field(&mut lines, &point.value);
        }
        if separator == ' ' {
            lines.truncate(start);
            continue;
        }
        writeln!(lines, " {}", of_one[0].at.0).expect("writing to a string succeeds");
    }
    lines
}

fn tag(lines: &mut String, key: &str, value: &str) {
    lines.push(',');
    escape(lines, key, &[',', '=', ' ']);
    lines.push('=');
    escape(lines, value, &[',', '=', ' ']);
}

fn field(lines: &mut String, value: &Value) {
    match value {
        Value::Number(number) => write!(lines, "{number}").expect("writing to a string succeeds"),
        Value::State(text) => quoted(lines, text),
        Value::Text(text) => quoted(lines, text),
    }
}

fn quoted(lines: &mut String, text: &str) {
    lines.push('"');
    escape(lines, text, &['"', '\\']);
    lines.push('"');
}

fn escape(lines: &mut String, text: &str, special: &[char]) {
    for c in text.chars() {
        if special.contains(&c) {
            lines.push('\\');
        }
        lines.push(c);
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use ohmstead_model::Metric;

    use super::*;
    use crate::target::remote_write::tests::{point, state, text};

    #[test]
    fn one_line_for_each_device_and_moment() {
        let points = [
            point(1000, "a", Metric::BatteryPower, -690.0),
            point(1000, "a", Metric::BatterySoc, 81.3),
            state(1000, "a"),
            point(1000, "b", Metric::BatterySoc, 0.0),
            point(2000, "a", Metric::BatterySoc, 81.0),
        ];
        let tags = BTreeMap::from([("site".to_owned(), "my, home=x".to_owned())]);
        expect![[r#"
            ohm\ stead,device=a,site=my\,\ home\=x battery_power=-690,battery_soc=81.3,battery_mode="auto" 1000
            ohm\ stead,device=b,site=my\,\ home\=x battery_soc=0 1000
            ohm\ stead,device=a,site=my\,\ home\=x battery_soc=81 2000
        "#]]
        .assert_eq(&encode(&points, "ohm stead", &tags));
    }

    #[test]
    fn texts_are_quoted_and_what_is_no_number_is_left_out() {
        let points = [
            text(5, "a", "a \"quoted\" back\\slash, and\na line"),
            point(6, "a", Metric::BatterySoc, f64::NAN),
            point(7, "a", Metric::BatterySoc, 1e21),
        ];
        expect![[r#"
            m,device=a battery_mode_native="a \"quoted\" back\\slash, and
            a line" 5
            m,device=a battery_soc=1000000000000000000000 7
        "#]]
        .assert_eq(&encode(&points, "m", &BTreeMap::new()));
    }
}
