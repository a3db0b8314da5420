//! Series of the history.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use jiff::tz::TimeZone;
use ohmstead_model::catalogue::{CORE, Kind};
use ohmstead_model::{DeviceState, Metric, Resolution, SeriesQuery, UnixMillis};
use ohmstead_units::Timespan;
use utoipa::IntoParams;

use super::devices::find;
use super::records;
use crate::error::{ApiError, ErrorBody};
use crate::extract::Params;
use crate::shape::{SeriesJson, metrics_of};
use crate::span::{parse_instant, parse_step, shortest};
use crate::state::App;
use crate::suggest;

/// Points of an answer unless the client asks for another number: as many as a wide screen has pixels.
const POINTS_DEFAULT: usize = 2_000;
/// The most points of an answer: about 2 MB of JSON.
const POINTS_MAX: usize = 50_000;
/// The span of an answer where no `from` is given.
const SPAN_DEFAULT: Duration = Duration::from_secs(24 * 3600);
/// Round steps that are suggested where an answer would be too long.
const STEPS_S: [u64; 11] = [1, 10, 30, 60, 300, 900, 3_600, 21_600, 86_400, 604_800, 2_592_000];

/// Which series, from when to when, how fine.
#[derive(serde::Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistoryParams {
    /// Name of the device, or `site` for the whole house.
    #[param(example = "site")]
    device: String,
    /// The metric, see `/api/v1/metrics`.
    #[param(example = "grid_power")]
    metric: String,
    /// First instant, included: milliseconds since 1970, ISO 8601, or a span before now such as `-24h`. A time without
    /// an offset is in the time zone of the site. A day before `to` if absent.
    #[param(example = "2026-11-21T00:00:00+01:00")]
    from: Option<String>,
    /// Last instant, excluded, in the same forms. Now if absent.
    #[param(example = "2026-11-22")]
    to: Option<String>,
    /// Length of a step: milliseconds, a span such as `5m` or `1h`, or `day`, `week`, `month` of the site's time zone. If
    /// absent, the stored values where they fit into `max_points`, else the finest round step that fits. Not for states
    /// and texts.
    #[param(example = "5m")]
    step: Option<String>,
    /// The most points of the answer.
    #[param(minimum = 1, maximum = 50000, default = 2000)]
    max_points: Option<usize>,
    /// So many of the stored values, chosen so that a line through them looks like one through all (largest triangle,
    /// three buckets). Instead of `step` and `max_points`; not for states and texts.
    #[param(minimum = 3, maximum = 50000, example = 1000)]
    lttb: Option<usize>,
}

/// One metric over a span of time.
///
/// Where nothing was stored there is no point: a gap is never filled.
#[utoipa::path(
    get, path = "/api/v1/history", tag = "records", params(HistoryParams),
    responses(
        (status = 200, description = "The series.", body = SeriesJson),
        (status = 400, description = "A time, a step or the number of points makes no sense.", body = ErrorBody),
        (status = 404, description = "Unknown device or metric; the hint offers the nearest.", body = ErrorBody),
        (status = 503, description = "The store cannot be read.", body = ErrorBody),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn history(
    State(app): State<App>,
    Params(params): Params<HistoryParams>,
) -> Result<Json<SeriesJson>, ApiError> {
    let query = query(&app, &params)?;
    let series = app.backend.history(query.clone()).await.map_err(|error| records::refused(&error))?;
    Ok(Json(SeriesJson::new(&query, series)))
}

fn query(app: &App, params: &HistoryParams) -> Result<SeriesQuery, ApiError> {
    let snapshot = app.backend.snapshot();
    let device = find(&snapshot, &params.device)?;
    let metric = metric(device, &params.metric)?;
    let (from, to) = span(app, params.from.as_deref(), params.to.as_deref(), SPAN_DEFAULT)?;
    let resolution = resolution(params, metric, from, to)?;
    Ok(SeriesQuery { device: device.info.id.clone(), metric, from, to, resolution })
}

/// The span of a question: until now, and `length` long, where nothing else is said.
pub(super) fn span(
    app: &App,
    from: Option<&str>,
    to: Option<&str>,
    length: Duration,
) -> Result<(UnixMillis, UnixMillis), ApiError> {
    let (zone, now) = (app.backend.site().time_zone, app.backend.now().unix);
    let at = |name, text: Option<&str>| text.map(|text| instant(name, text, &zone, now)).transpose();
    let to = at("to", to)?.unwrap_or(now);
    let from = at("from", from)?.unwrap_or(to.minus(length));
    if from > to {
        let hint = format!("from is {}, to is {}", crate::shape::iso(from), crate::shape::iso(to));
        return Err(ApiError::bad("bad_span", "from is later than to", hint));
    }
    Ok((from, to))
}

/// The metric of that name: of the catalogue, or of the device's own.
pub(super) fn metric(device: &DeviceState, name: &str) -> Result<Metric, ApiError> {
    let known = metrics_of(device);
    let own = known.iter().copied().find(|metric| metric.id() == name);
    own.or_else(|| Metric::by_id(name)).ok_or_else(|| {
        let shown: String = name.chars().take(64).collect();
        let names = known.iter().chain(CORE).map(|metric| metric.id());
        ApiError::not_found(
            "unknown_metric",
            format!("no metric is named {shown:?}"),
            suggest::hint(name, names),
        )
    })
}

/// An instant as clients write it.
pub(super) fn instant(
    name: &str,
    text: &str,
    zone: &TimeZone,
    now: UnixMillis,
) -> Result<UnixMillis, ApiError> {
    parse_instant(text, zone, now).ok_or_else(|| {
        let hint = "expected milliseconds since 1970 such as 1795248000000, a span before now such as -24h, or ISO 8601 such \
             as 2026-11-21T08:00:00Z, 2026-11-21T09:00:00%2B01:00, 2026-11-21T09:00 or 2026-11-21 (without an offset in the \
             site's time zone)";
        no_time(name, text, hint)
    })
}

/// An instant ahead, as clients write it into a body: nothing is escaped there, and a span before now would be none.
pub(super) fn instant_ahead(
    name: &str,
    text: &str,
    zone: &TimeZone,
    now: UnixMillis,
) -> Result<UnixMillis, ApiError> {
    parse_instant(text, zone, now).ok_or_else(|| {
        let hint = "expected ISO 8601 such as 2026-11-21T18:00 (in the site's time zone), 2026-11-21T17:00:00Z or \
             2026-11-21T18:00:00+01:00, or milliseconds since 1970 as a text";
        no_time(name, text, hint)
    })
}

fn no_time(name: &str, text: &str, hint: &str) -> ApiError {
    let shown: String = text.chars().take(64).collect();
    ApiError::bad("bad_time", format!("{name}={shown:?} is no time"), hint)
}

fn resolution(
    params: &HistoryParams,
    metric: Metric,
    from: UnixMillis,
    to: UnixMillis,
) -> Result<Resolution, ApiError> {
    let points = params.max_points.unwrap_or(if params.step.is_some() { POINTS_MAX } else { POINTS_DEFAULT });
    if !(1..=POINTS_MAX).contains(&points) {
        let message = format!("max_points must be 1 to {POINTS_MAX}, not {points}");
        return Err(ApiError::bad("bad_max_points", message, format!("leave it out for {POINTS_DEFAULT}")));
    }
    let numeric = matches!(metric.def().kind, Kind::Gauge | Kind::Counter);
    if let Some(most) = params.lttb {
        return lttb(params, metric, most, numeric);
    }
    match &params.step {
        None if numeric => Ok(Resolution::MaxPoints(points)),
        None => Ok(Resolution::Raw),
        Some(_) if !numeric => {
            let message = format!("{metric} has no numbers that could be summarised in steps");
            Err(ApiError::bad("bad_step", message, "leave step out"))
        }
        Some(text) => step(text, from, to, points),
    }
}

fn lttb(params: &HistoryParams, metric: Metric, most: usize, numeric: bool) -> Result<Resolution, ApiError> {
    if params.step.is_some() || params.max_points.is_some() {
        let hint = "give lttb alone, or step and max_points";
        return Err(ApiError::bad("bad_lttb", "lttb stands instead of step and max_points", hint));
    }
    if !numeric {
        let message = format!("{metric} has no numbers through which a line could go");
        return Err(ApiError::bad("bad_lttb", message, "leave lttb out"));
    }
    if !(3..=POINTS_MAX).contains(&most) {
        let message = format!("lttb must be 3 to {POINTS_MAX}, not {most}");
        return Err(ApiError::bad("bad_lttb", message, "as many as the chart is wide"));
    }
    Ok(Resolution::Lttb(most))
}

/// The step, unless it gives more than `points` points.
fn step(text: &str, from: UnixMillis, to: UnixMillis, points: usize) -> Result<Resolution, ApiError> {
    let step = parse_step(text).ok_or_else(|| {
        let shown: String = text.chars().take(64).collect();
        let hint =
            "expected milliseconds such as 300000, a span such as 30s, 5m, 1h or 1d, or day, week or month";
        ApiError::bad("bad_step", format!("step={shown:?} is no step"), hint)
    })?;
    let span_ms = to.0.abs_diff(from.0);
    let steps = |step_ms: u64| span_ms.div_ceil(step_ms);
    let wanted = steps(shortest(step).map_or(1, crate::shape::millis));
    if wanted <= points as u64 {
        return Ok(step);
    }
    let hint = match STEPS_S.into_iter().find(|seconds| steps(seconds * 1000) <= points as u64) {
        Some(seconds) => {
            format!("give step={} or more", Timespan::from_secs(seconds).to_string().replace(' ', ""))
        }
        None => "ask for a shorter span".to_owned(),
    };
    Err(ApiError::bad("too_many_points", format!("this would be {wanted} points, more than {points}"), hint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("1", 86_400_000, "10s")]
    #[case("1s", 365 * 86_400_000, "15min")]
    #[case("1d", i64::MAX / 2, "shorter span")]
    fn a_step_that_is_too_fine_is_refused_with_one_that_fits(
        #[case] text: &str,
        #[case] span: i64,
        #[case] hint: &str,
    ) {
        let refusal = step(text, UnixMillis(0), UnixMillis(span), POINTS_MAX).expect_err("too many points");
        assert!(format!("{refusal:?}").contains(hint), "{refusal:?}");
    }
}
