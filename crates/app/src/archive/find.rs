//! Which series and which instants a person means.

use ohmstead_model::catalogue::CORE;
use ohmstead_model::{CalendarUnit, Resolution, UnixMillis};
use ohmstead_web::{StoredSeries, nearest_name, parse_instant};
use serde_json::Value;

use super::{Archive, Found, bad_request, plain};
use crate::socket::Failure;

/// The span of a question that names none.
const SPAN_DEFAULT: std::time::Duration = std::time::Duration::from_secs(86_400);

impl Archive<'_> {
    pub(super) async fn find(
        &self,
        metric: &str,
        device: Option<&str>,
        from: Option<&str>,
        to: Option<&str>,
    ) -> Result<Value, Failure> {
        let (from, to) = self.span(from, to)?;
        let to = to.unwrap_or(self.now);
        let from = from.unwrap_or(to.minus(SPAN_DEFAULT));
        if from > to {
            return Err(bad_request("--from is later than --to", "give the earlier instant with --from"));
        }
        let series = self.series().await?;
        let found = one_of(&series, metric, device)?;
        Ok(plain(&Found {
            device: found.device.to_string(),
            metric: found.metric.id().to_owned(),
            from_ms: from.0,
            to_ms: to.0,
        }))
    }

    pub(super) fn span(
        &self,
        from: Option<&str>,
        to: Option<&str>,
    ) -> Result<(Option<UnixMillis>, Option<UnixMillis>), Failure> {
        let at = |text: Option<&str>| text.map(|text| self.instant(text)).transpose();
        Ok((at(from)?, at(to)?))
    }

    fn instant(&self, text: &str) -> Result<UnixMillis, Failure> {
        parse_instant(text, &self.zone, self.now).ok_or_else(|| {
            let hint = "expected a time such as 2026-11-21, 2026-11-21T09:00 or 2026-11-21T08:00:00Z, milliseconds since \
                        1970, or a span before now such as -24h";
            bad_request(format!("{text:?} is no time"), hint)
        })
    }

    /// The end of the step that begins at `at`.
    pub(super) fn end_of(&self, at: UnixMillis, step: Resolution) -> UnixMillis {
        let unit = match step {
            Resolution::Step(length) => return at.plus(length),
            Resolution::Calendar(unit) => unit,
            Resolution::Raw | Resolution::MaxPoints(_) | Resolution::Lttb(_) => return at,
        };
        let days = jiff::Span::new();
        let span = match unit {
            CalendarUnit::Day => days.days(1),
            CalendarUnit::Week => days.weeks(1),
            CalendarUnit::Month => days.months(1),
        };
        let begin = jiff::Timestamp::from_millisecond(at.0).map(|at| at.to_zoned(self.zone.clone()));
        let end = begin.and_then(|begin| begin.checked_add(span));
        end.map_or(at, |end| UnixMillis(end.timestamp().as_millisecond()))
    }
}

/// The one stored series that is meant: `DEVICE.METRIC`, or a metric that one device or the site has.
fn one_of<'a>(
    series: &'a [StoredSeries],
    name: &str,
    device: Option<&str>,
) -> Result<&'a StoredSeries, Failure> {
    let (device, metric) = match (device, name.split_once('.')) {
        (None, Some((device, metric))) => (Some(device), metric),
        (device, _) => (device, name),
    };
    let of_metric: Vec<_> = series.iter().filter(|series| series.metric.id() == metric).collect();
    if let Some(device) = device {
        let found = of_metric.iter().find(|series| series.device.as_str() == device);
        return found.copied().ok_or_else(|| no_series(series, device, metric));
    }
    match of_metric.as_slice() {
        [] => Err(no_metric(series, metric)),
        [one] => Ok(one),
        several => several.iter().find(|series| series.device.is_site()).copied().ok_or_else(|| {
            let devices: Vec<_> = several.iter().map(|series| series.device.as_str()).collect();
            let message = format!("several devices have {metric}: {}", devices.join(", "));
            bad_request(message, format!("name one, such as {}.{metric}", devices[0]))
        }),
    }
}

fn no_series(series: &[StoredSeries], device: &str, metric: &str) -> Failure {
    let of_device: Vec<_> = series.iter().filter(|series| series.device.as_str() == device).collect();
    if of_device.is_empty() {
        let mut devices: Vec<_> = series.iter().map(|series| series.device.as_str()).collect();
        devices.dedup();
        return bad_request(
            format!("nothing is stored of a device {device:?}"),
            nearest_name(device, devices),
        );
    }
    let metrics = of_device.iter().map(|series| series.metric.id());
    bad_request(format!("{device} has no {metric}"), nearest_name(metric, metrics))
}

fn no_metric(series: &[StoredSeries], metric: &str) -> Failure {
    if CORE.iter().any(|known| known.id() == metric) {
        return bad_request(
            format!("no device has told {metric}"),
            "`ohmstead history series` lists what is stored",
        );
    }
    let mut metrics: Vec<_> = series.iter().map(|series| series.metric.id()).collect();
    metrics.sort_unstable();
    metrics.dedup();
    bad_request(format!("no metric {metric:?} is stored"), nearest_name(metric, metrics))
}

#[cfg(test)]
mod tests {
    use ohmstead_model::{DeviceId, Metric};
    use rstest::rstest;

    use super::*;

    fn stored() -> Vec<StoredSeries> {
        let of = |device: &str, metric| {
            let device = super::super::device_of(device).unwrap();
            StoredSeries { device, metric, first: UnixMillis(0), last: UnixMillis(9), points: 2 }
        };
        vec![
            of("a", Metric::BatterySoc),
            of("a", Metric::BatteryVoltage),
            of("b", Metric::BatteryVoltage),
            of("gx", Metric::BatterySoc),
            of("gx", Metric::GridPower),
            of("site", Metric::BatterySoc),
        ]
    }

    #[rstest]
    #[case("gx.battery_soc", None, "gx")]
    #[case("battery_soc", Some("a"), "a")]
    #[case("grid_power", None, "gx")]
    #[case("battery_soc", None, "site")]
    fn a_series_is_found(#[case] name: &str, #[case] device: Option<&str>, #[case] expected: &str) {
        let stored = stored();
        let found = one_of(&stored, name, device).unwrap();
        assert_eq!(found.device.as_str(), expected);
        assert!(found.device.is_site() == (found.device == DeviceId::site()));
    }

    #[rstest]
    #[case(
        "battery_voltage",
        None,
        "several devices have battery_voltage: a, b; name one, such as a.battery_voltage"
    )]
    #[case("gy.battery_soc", None, "nothing is stored of a device \"gy\"; did you mean \"gx\"?")]
    #[case("gx.grid_pwr", None, "gx has no grid_pwr; did you mean \"grid_power\"?")]
    #[case("grid_pwr", None, "no metric \"grid_pwr\" is stored; did you mean \"grid_power\"?")]
    #[case("pv_power", None, "no device has told pv_power; `ohmstead history series` lists what is stored")]
    fn what_is_not_found_is_told_with_what_is(
        #[case] name: &str,
        #[case] device: Option<&str>,
        #[case] says: &str,
    ) {
        let stored = stored();
        let failure = one_of(&stored, name, device).unwrap_err();
        assert_eq!(format!("{}; {}", failure.message, failure.hint), says);
    }
}
