//! `history query`: the values of one metric.

use std::fmt::Write as _;

use clap::Args;
use jiff::tz::TimeZone;
use ohmstead_model::catalogue::{Kind, Unit};
use ohmstead_model::{Metric, Points, Resolution, Series, SeriesQuery, UnixMillis};
use ohmstead_web::{exchange, series_json};
use serde_json::Value;

use super::super::Common;
use super::super::table::table;
use super::source::{Source, Wanted};
use crate::archive::{Found, HistoryQuestion, Page, Part};
use crate::failure::{Code, Failure};

/// Stored values of one answer; more are for a file.
const POINTS_MAX: usize = 1_000_000;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// DEVICE.METRIC such as `gx.battery_soc`, or a METRIC that one device or the site has
    metric: String,
    /// Whose, where the metric does not say it
    #[arg(long, value_name = "NAME")]
    device: Option<String>,
    /// From when on, included: 2026-11-21, 2026-11-21T09:00, milliseconds since 1970, or a span before now such as -7d
    /// [default: a day before the end]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    from: Option<String>,
    /// Until when, excluded [default: now]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    to: Option<String>,
    /// Least, mean and greatest value of each step: 5m, 1h, 1d, or day, week or month of the site
    #[arg(long, value_name = "STEP", conflicts_with = "lttb")]
    step: Option<String>,
    /// So many values, chosen so that a line through them looks like one through all
    #[arg(long, value_name = "COUNT")]
    lttb: Option<usize>,
}

pub(super) async fn run(common: &Common, arguments: &Arguments) -> Result<(), Failure> {
    let mut source = Source::open(common, Wanted::Existing).await?;
    let Arguments { metric, device, from, to, .. } = arguments;
    let (metric, device, from, to) = (metric.clone(), device.clone(), from.clone(), to.clone());
    let Found { device, metric, from_ms, to_ms } =
        source.ask_for(HistoryQuestion::Find { metric, device, from, to }).await?;
    let part = Part { device, metric, from_ms, to_ms, most: arguments.lttb };
    let metric = source
        .metric(&part.metric)
        .ok_or_else(|| Failure::new(Code::Failed, format!("this version does not know {}", part.metric)))?;
    let mut answer = match (&arguments.step, arguments.lttb) {
        (Some(step), _) => {
            source.ask(HistoryQuestion::Steps { part: part.clone(), step: step.clone() }).await?
        }
        (None, Some(_)) => source.ask(HistoryQuestion::Lttb(part.clone())).await?,
        (None, None) => stored(&mut source, &part, metric).await?,
    };
    if matches!(metric.def().kind, Kind::Counter) {
        let growth = source.ask(HistoryQuestion::Growth(part)).await?;
        answer["increase"] = growth["increase"].clone();
        answer["resets"] = growth["resets"].clone();
    }
    let (zone, _) = source.place().await?;
    common.print(&answer, || text(&answer, metric, &zone))
}

/// All stored values of the span, page after page.
async fn stored(source: &mut Source, part: &Part, metric: Metric) -> Result<Value, Failure> {
    let mut points = Vec::new();
    let mut next = part.clone();
    loop {
        let page: Page = source.ask_for(HistoryQuestion::Values(next.clone())).await?;
        let last = page.points.last().map(|(at, _)| *at);
        points.extend(page.points.into_iter().map(|(at, value)| (UnixMillis(at), value.stored(metric))));
        if points.len() > POINTS_MAX {
            let message = format!("more than {POINTS_MAX} values: give a --step, or see `history export`");
            return Err(Failure::new(Code::Usage, message));
        }
        match last.filter(|_| page.more) {
            Some(last) => next.from_ms = last + 1,
            None => break,
        }
    }
    let device = crate::archive::device_of(&part.device)
        .ok_or_else(|| Failure::new(Code::Failed, "the answer names no device"))?;
    let (from, to) = (UnixMillis(part.from_ms), UnixMillis(part.to_ms));
    let query = SeriesQuery { device, metric, from, to, resolution: Resolution::Raw };
    Ok(series_json(&query, Series { step: None, points: Points::Raw(points) }))
}

fn text(answer: &Value, metric: Metric, zone: &TimeZone) -> String {
    let points: Vec<_> = answer["points"].as_array().into_iter().flatten().collect();
    let name = format!("{}.{metric}", answer["device"].as_str().unwrap_or_default());
    if points.is_empty() {
        return format!("nothing is stored of {name} in that time");
    }
    let unit = metric.def().unit.map_or("", Unit::symbol);
    let titled = |word: &str| if unit.is_empty() { word.to_owned() } else { format!("{word}, {unit}") };
    let is_counter = matches!(metric.def().kind, Kind::Counter);
    let increases: Vec<_> = answer["increases"].as_array().into_iter().flatten().collect();
    let is_stepped = points.iter().any(|point| point[1].is_array());
    let mut rows = Vec::with_capacity(points.len() + 1);
    rows.push(match (is_stepped, is_counter) {
        (true, true) => vec![name.clone(), titled("last"), titled("increase")],
        (true, false) => vec![name.clone(), titled("min"), titled("mean"), titled("max")],
        (false, _) => vec![name.clone(), titled("value")],
    });
    for (index, point) in points.iter().enumerate() {
        let mut row = vec![local(point[0].as_i64().unwrap_or_default(), zone)];
        match &point[1] {
            Value::Array(band) if is_counter => {
                let grown = increases.get(index).map_or(&Value::Null, |grown| &grown[1]);
                row.extend([shown(&band[2], metric), shown(grown, metric)]);
            }
            Value::Array(band) => row.extend(band.iter().map(|number| shown(number, metric))),
            value => row.push(shown(value, metric)),
        }
        rows.push(row);
    }
    let right: &[usize] =
        if matches!(metric.def().kind, Kind::Text | Kind::State(_)) { &[] } else { &[1, 2, 3] };
    let mut text = table(&rows, right);
    if is_counter {
        let _ = write!(text, "\n\nincrease: {} {unit}", shown(&answer["increase"], metric));
        let resets = answer["resets"].as_u64().unwrap_or_default();
        if resets > 0 {
            let _ = write!(text, " (the counter began again {resets} times)");
        }
    }
    text
}

fn shown(value: &Value, metric: Metric) -> String {
    match value {
        Value::Number(number) => {
            let number = ohmstead_model::Value::Number(number.as_f64().unwrap_or_default());
            exchange::plain(metric, &number).into_owned()
        }
        Value::String(text) => text.clone(),
        _ => "unknown".to_owned(),
    }
}

/// In the site's zone: `2026-11-21 09:00:00 +01:00`.
pub(super) fn local(at: i64, zone: &TimeZone) -> String {
    let Ok(at) = jiff::Timestamp::from_millisecond(at) else { return at.to_string() };
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    use super::*;

    fn paris() -> TimeZone {
        TimeZone::get("Europe/Paris").unwrap()
    }

    #[test]
    fn values_for_people() {
        let answer = json!({ "device": "gx", "points": [[1_795_248_000_000_i64, 81.0], [1_795_248_010_000_i64, 80.96]] });
        expect![[r#"
            gx.battery_soc              value, %
            2026-11-21 09:00:00 +01:00      81.0
            2026-11-21 09:00:10 +01:00      81.0"#]]
        .assert_eq(&text(&answer, Metric::BatterySoc, &paris()));
    }

    #[test]
    fn steps_for_people() {
        let answer = json!({ "device": "gx", "points": [[1_795_248_000_000_i64, [-20.0, 5.4, 120.0]]] });
        expect![[r#"
            gx.grid_power               min, W  mean, W  max, W
            2026-11-21 09:00:00 +01:00     -20        5     120"#]]
        .assert_eq(&text(&answer, Metric::GridPower, &paris()));
    }

    #[test]
    fn a_counter_shows_what_it_grew_by() {
        let answer = json!({
            "device": "gx", "points": [[1_795_248_000_000_i64, [7.0, 7.1, 7.25]], [1_795_251_600_000_i64, [0.0, 0.1, 0.1]]],
            "increases": [[1_795_248_000_000_i64, 0.25], [1_795_251_600_000_i64, null]], "increase": 0.35, "resets": 1,
        });
        expect![[r#"
            gx.grid_import_energy       last, kWh  increase, kWh
            2026-11-21 09:00:00 +01:00       7.25           0.25
            2026-11-21 10:00:00 +01:00       0.10        unknown

            increase: 0.35 kWh (the counter began again 1 times)"#]]
        .assert_eq(&text(&answer, Metric::GridImportEnergy, &paris()));
    }

    #[test]
    fn nothing_is_said_to_be_nothing() {
        let answer = json!({ "device": "gx", "points": [] });
        assert_eq!(
            text(&answer, Metric::GridPower, &paris()),
            "nothing is stored of gx.grid_power in that time"
        );
    }
}
