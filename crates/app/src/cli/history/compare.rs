//! `history compare`: how what is stored differs from a download of VRM.

use std::collections::BTreeMap;
use std::io::BufReader;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use ohmstead_model::catalogue::{Kind, Unit};
use ohmstead_model::{DeviceId, Metric, UnixMillis};
use ohmstead_units::Timespan;
use serde_json::{Value, json};

use super::super::Common;
use super::super::table::table;
use super::import::{bad_file, left_out_json, open};
use super::query::local;
use super::source::{Source, Wanted};
use crate::archive::{HistoryQuestion, Part};
use crate::exchange::vrm::Download;
use crate::exchange::{LineError, Row};
use crate::failure::{Code, Failure};
use crate::shapes::iso;

/// Steps that are asked for at once.
const STEPS: i64 = 10_000;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The CSV download of VRM; - is standard input
    file: PathBuf,
    /// The device whose values are compared, such as gx
    #[arg(long, value_name = "NAME")]
    device: DeviceId,
    /// The length of the intervals that are compared [default: that of the file]
    #[arg(long, value_name = "SPAN")]
    step: Option<Timespan>,
}

/// The values of VRM of one metric.
type Column = Vec<(i64, f64)>;

pub(super) async fn run(common: &Common, arguments: &Arguments) -> Result<(), Failure> {
    let mut source = Source::open(common, Wanted::Existing).await?;
    let (zone, now) = source.place().await?;
    let name = arguments.file.display().to_string();
    let mut file = open(&arguments.file)?;
    let latest = now.plus(Duration::from_secs(86_400));
    let device = arguments.device.clone();
    let mut download = Download::new(BufReader::new(&mut file), device, &zone, latest)
        .map_err(|error| bad_file(&name, error))?;
    let columns = columns(&mut download, &name)?;
    let times = times(&columns);
    let (Some(first), Some(last)) = (times.first().copied(), times.last().copied()) else {
        return Err(Failure::new(Code::Failed, format!("{name} has no values that could be compared")));
    };
    let step = match arguments.step {
        Some(step) => i64::try_from(step.0.as_millis()).unwrap_or(i64::MAX),
        None => usual_step(&times),
    };
    if step <= 0 {
        return Err(Failure::new(Code::Usage, "the step must be at least 1 ms"));
    }
    let mut metrics = Vec::new();
    for (metric, column) in &columns {
        let span = (first.div_euclid(step) * step, last.div_euclid(step) * step + step);
        metrics.push(difference(&mut source, &arguments.device, *metric, column, step, span).await?);
    }
    let left_out: Vec<_> = download.left_out.iter().map(left_out_json).collect();
    let answer = json!({
        "device": arguments.device.as_str(), "from": iso(UnixMillis(first)), "to": iso(UnixMillis(last)),
        "step_ms": step, "metrics": metrics, "left_out": left_out, "notes": download.notes,
    });
    common.print(&answer, || text(&answer, &zone))
}

fn columns(
    download: &mut Download<BufReader<&mut std::fs::File>>,
    name: &str,
) -> Result<Vec<(Metric, Column)>, Failure> {
    let mut columns: Vec<(Metric, Column)> =
        download.metrics().into_iter().map(|metric| (metric, Column::new())).collect();
    while let Some(line) = download.next() {
        let rows = line.map_err(|error| match error {
            LineError::Wrong(wrong) | LineError::Unknown(wrong) => bad_file(name, wrong.into()),
            LineError::File(error) => bad_file(name, error),
        })?;
        for Row { at, metric, value, .. } in rows {
            let column = columns.iter_mut().find(|(known, _)| *known == metric);
            if let (Some((_, column)), Some(number)) = (column, value.number()) {
                column.push((at.0, number));
            }
        }
    }
    Ok(columns)
}

fn times(columns: &[(Metric, Column)]) -> Vec<i64> {
    let mut times: Vec<i64> =
        columns.iter().flat_map(|(_, column)| column.iter().map(|(at, _)| *at)).collect();
    times.sort_unstable();
    times.dedup();
    times
}

/// The distance that most times have.
fn usual_step(times: &[i64]) -> i64 {
    let mut steps: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    steps.sort_unstable();
    steps.get(steps.len() / 2).copied().unwrap_or(60_000)
}

/// What is stored of one metric beside what VRM has.
async fn difference(
    source: &mut Source,
    device: &DeviceId,
    metric: Metric,
    column: &Column,
    step: i64,
    (from, to): (i64, i64),
) -> Result<Value, Failure> {
    let part = |from_ms: i64, to_ms: i64| Part {
        device: device.to_string(),
        metric: metric.id().to_owned(),
        from_ms,
        to_ms,
        most: None,
    };
    let unit = metric.def().unit.map(Unit::symbol);
    if matches!(metric.def().kind, Kind::Counter) {
        let (first, last) =
            (column.first().map_or(from, |(at, _)| *at), column.last().map_or(to, |(at, _)| *at + 1));
        let growth = source.ask(HistoryQuestion::Growth(part(first, last))).await?;
        return Ok(json!({
            "metric": metric.id(), "unit": unit, "vrm_increase": increase(column).map(|grown| metric.round(grown)),
            "store_increase": growth["increase"],
        }));
    }
    let mut stored = BTreeMap::new();
    let mut begin = from;
    while begin < to {
        let end = begin.saturating_add(STEPS.saturating_mul(step)).min(to);
        let step = step.to_string();
        let answer = source.ask(HistoryQuestion::Steps { part: part(begin, end), step }).await?;
        for point in answer["points"].as_array().into_iter().flatten() {
            if let (Some(at), Some(mean)) = (point[0].as_i64(), point[1][1].as_f64()) {
                stored.insert(at, mean);
            }
        }
        begin = end;
    }
    let mut row = Compared::of(column, &stored, step).json(metric, step);
    row["unit"] = json!(unit);
    Ok(row)
}

/// What a counter of VRM grew by; where it fell, it began again.
fn increase(column: &Column) -> Option<f64> {
    let steps = column.windows(2).map(|pair| match (pair[0].1, pair[1].1) {
        (before, after) if after < before => after,
        (before, after) => after - before,
    });
    (column.len() > 1).then(|| steps.sum())
}

/// Both sides of one metric, interval by interval.
#[derive(Debug, Default, PartialEq)]
struct Compared {
    intervals: u64,
    only_vrm: u64,
    sum: f64,
    absolute_sum: f64,
    /// The greatest difference, and when.
    greatest: Option<(f64, i64)>,
    vrm_sum: f64,
    store_sum: f64,
}

impl Compared {
    fn of(column: &Column, stored: &BTreeMap<i64, f64>, step: i64) -> Self {
        let mut vrm: BTreeMap<i64, (f64, f64)> = BTreeMap::new();
        for (at, number) in column {
            let (sum, count) = vrm.entry(at.div_euclid(step) * step).or_default();
            (*sum, *count) = (*sum + number, *count + 1.0);
        }
        let mut compared = Self::default();
        for (at, (sum, count)) in vrm {
            let Some(ours) = stored.get(&at) else {
                compared.only_vrm += 1;
                continue;
            };
            let theirs = sum / count;
            let difference = ours - theirs;
            compared.intervals += 1;
            compared.sum += difference;
            compared.absolute_sum += difference.abs();
            compared.vrm_sum += theirs;
            compared.store_sum += ours;
            if compared.greatest.is_none_or(|(greatest, _)| difference.abs() > greatest.abs()) {
                compared.greatest = Some((difference, at));
            }
        }
        compared
    }

    fn json(&self, metric: Metric, step: i64) -> Value {
        let mean = |sum: f64| (self.intervals > 0).then(|| fine(sum / self.intervals as f64));
        let mut row = json!({
            "metric": metric.id(), "unit": null, "intervals": self.intervals, "only_vrm": self.only_vrm,
            "mean_difference": mean(self.sum), "mean_absolute_difference": mean(self.absolute_sum),
            "max_difference": self.greatest.map(|(difference, _)| fine(difference)),
            "max_difference_at": self.greatest.map(|(_, at)| iso(UnixMillis(at))),
        });
        if metric.def().unit == Some(Unit::Watt) && self.intervals > 0 {
            let energy = |sum: f64| fine(sum * step as f64 / 3.6e9);
            row["vrm_energy_kwh"] = json!(energy(self.vrm_sum));
            row["store_energy_kwh"] = json!(energy(self.store_sum));
        }
        row
    }
}

/// Without the noise of sums.
fn fine(number: f64) -> f64 {
    (number * 1e4).round() / 1e4 + 0.0
}

fn text(answer: &Value, zone: &jiff::tz::TimeZone) -> String {
    let number =
        |row: &Value, key: &str| row[key].as_f64().map_or("-".to_owned(), |number| number.to_string());
    let mut rows = vec![
        [
            "metric",
            "",
            "intervals",
            "only VRM",
            "mean diff.",
            "mean |diff.|",
            "max diff.",
            "at",
            "VRM",
            "here",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    for row in answer["metrics"].as_array().into_iter().flatten() {
        let unit = row["unit"].as_str().unwrap_or_default();
        let at = row["max_difference_at"].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok());
        let at = at.map_or("-".to_owned(), |at| local(at.as_millisecond(), zone));
        let total = |energy: &str, increase: &str| {
            let total = row[energy].as_f64().or(row[increase].as_f64());
            total.map_or("-".to_owned(), |total| format!("{total:.2} kWh"))
        };
        rows.push(vec![
            row["metric"].as_str().unwrap_or_default().to_owned(),
            unit.to_owned(),
            row["intervals"].as_u64().map_or("-".to_owned(), |count| count.to_string()),
            row["only_vrm"].as_u64().map_or("-".to_owned(), |count| count.to_string()),
            number(row, "mean_difference"),
            number(row, "mean_absolute_difference"),
            number(row, "max_difference"),
            at,
            total("vrm_energy_kwh", "vrm_increase"),
            total("store_energy_kwh", "store_increase"),
        ]);
    }
    let step = Timespan(Duration::from_millis(answer["step_ms"].as_u64().unwrap_or_default()));
    let words = |key: &str| answer[key].as_str().unwrap_or_default().to_owned();
    let mut lines = vec![
        format!(
            "{} from {} to {}, intervals of {step}; differences are ours less VRM's",
            words("device"),
            words("from"),
            words("to")
        ),
        table(&rows, &[2, 3, 4, 5, 6, 8, 9]),
    ];
    for row in answer["left_out"].as_array().into_iter().flatten() {
        let words = |key: &str| row[key].as_str().unwrap_or_default();
        lines.push(format!("left out: {}: {}", words("column"), words("why")));
    }
    lines.extend(
        answer["notes"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|note| Some(format!("note: {}", note.as_str()?))),
    );
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_compared_by_their_means() {
        let column = vec![(0, 100.0), (30_000, 200.0), (60_000, 50.0), (120_000, 7.0)];
        let stored = BTreeMap::from([(0, 160.0), (60_000, 20.0)]);
        let compared = Compared::of(&column, &stored, 60_000);
        assert_eq!(
            compared.json(Metric::GridPower, 3_600_000),
            json!({
                "metric": "grid_power", "unit": null, "intervals": 2, "only_vrm": 1, "mean_difference": -10.0,
                "mean_absolute_difference": 20.0, "max_difference": -30.0, "max_difference_at": "1970-01-01T00:01:00.000Z",
                "vrm_energy_kwh": 0.2, "store_energy_kwh": 0.18,
            })
        );
        let none = Compared::of(&column, &BTreeMap::new(), 60_000).json(Metric::GridPower, 60_000);
        assert_eq!(
            (&none["intervals"], &none["mean_difference"], none.get("vrm_energy_kwh")),
            (&json!(0), &Value::Null, None)
        );
    }

    #[test]
    fn a_counter_that_falls_began_again() {
        assert_eq!(increase(&vec![(0, 7.0), (1, 9.0), (2, 1.0), (3, 2.5)]), Some(4.5));
        assert_eq!(increase(&vec![(0, 7.0)]), None);
    }

    #[test]
    fn the_usual_step_is_not_that_of_a_gap() {
        assert_eq!(usual_step(&[0, 60, 120, 180, 9_000, 9_060]), 60);
        assert_eq!(usual_step(&[5]), 60_000);
    }
}
