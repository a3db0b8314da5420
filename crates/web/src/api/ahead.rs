//! What lies ahead and what it comes to: prices, colours, forecasts, the plan, money.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};
use utoipa::IntoParams;

use crate::error::{ApiError, ErrorBody};
use crate::extract::{Body, Name, Params};
use crate::language;
use crate::shape::{ColourBody, MoneyJson, OutlookJson, PlanJson, TempoJson};
use crate::state::App;
use crate::{AheadError, MoneyBy, suggest};

/// The longest span of days that is asked for at once.
const DAYS_MAX: i32 = 800;
/// The longest span of months, in days: thirty years.
const MONTH_DAYS_MAX: i32 = 10_958;

/// Prices, colours and forecasts of the time ahead, and where they come from.
#[utoipa::path(
    get, path = "/api/v1/outlook", tag = "ahead", params(Speech),
    responses(
        (status = 200, description = "The time ahead as far as something of it is known.", body = OutlookJson),
        (status = 400, description = "The language is not spoken; the hint lists those that are.", body = ErrorBody),
        (status = 409, description = "Neither tariffs nor forecasts are configured; the hint says how.", body = ErrorBody),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn outlook(
    State(app): State<App>,
    headers: HeaderMap,
    Params(Speech { lang }): Params<Speech>,
) -> Result<Json<OutlookJson>, ApiError> {
    let language = language::choose(lang.as_deref(), &headers, &app.backend.site().languages)?;
    let outlook = app.backend.outlook().map_err(|error| refused(&error))?;
    Ok(Json(OutlookJson::new(&outlook, language)))
}

/// In which language.
#[derive(serde::Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Speech {
    /// Language of the reasons: `en`, `fr`, `nl`, `et` or `de`. If absent, what `Accept-Language` prefers of these, else the
    /// site's first.
    #[param(example = "fr")]
    lang: Option<String>,
}

/// How planning stands, and the plan: what each battery will do, why, and what that costs.
///
/// Where there is no plan, `why_none` says why and the rest is `null` or empty.
#[utoipa::path(
    get, path = "/api/v1/plan", tag = "ahead", params(Speech),
    responses(
        (status = 200, description = "The plan in force, or why there is none.", body = PlanJson),
        (status = 400, description = "The language is not spoken; the hint lists those that are.", body = ErrorBody),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn plan(
    State(app): State<App>,
    headers: HeaderMap,
    Params(Speech { lang }): Params<Speech>,
) -> Result<Json<PlanJson>, ApiError> {
    let language = language::choose(lang.as_deref(), &headers, &app.backend.site().languages)?;
    Ok(Json(PlanJson::new(&app.backend.planning(), language)))
}

/// The Tempo tariff: today, tomorrow, the season so far, days that are left, prices.
#[utoipa::path(
    get, path = "/api/v1/tempo", tag = "ahead",
    responses(
        (status = 200, description = "The season.", body = TempoJson),
        (status = 409, description = "The tariff is not Tempo; the hint says how to configure it.", body = ErrorBody),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn tempo(State(app): State<App>) -> Result<Json<TempoJson>, ApiError> {
    let tempo = app.backend.tempo().map_err(|error| refused(&error))?;
    Ok(Json((&tempo).into()))
}

/// Say the colour of a tariff day.
///
/// It goes before what the sources say, until it is taken back with `null`. It survives restarts.
#[utoipa::path(
    put, path = "/api/v1/tempo/{date}", tag = "ahead", request_body = ColourBody,
    params(("date" = String, Path, description = "The tariff day, within the season.", example = "2026-11-22")),
    responses(
        (status = 200, description = "The season as it is now.", body = TempoJson),
        (status = 400, description = "The date or the colour makes no sense.", body = ErrorBody),
        (status = 409, description = "The tariff is not Tempo.", body = ErrorBody),
        (status = 415, description = "The body is not JSON.", body = ErrorBody),
        (status = 503, description = "It would not survive a restart; nothing was changed.", body = ErrorBody),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn set_colour(
    State(app): State<App>,
    Name(date): Name,
    Body(body): Body<ColourBody>,
) -> Result<Json<TempoJson>, ApiError> {
    let date = civil_day("date", &date)?;
    let colour = body.read()?;
    let season = app.backend.tempo().map_err(|error| refused(&error))?.season;
    within_season(date, season)?;
    let tempo = app.backend.set_colour(date, colour).await.map_err(|error| refused(&error))?;
    Ok(Json((&tempo).into()))
}

fn within_season(date: Date, season: Date) -> Result<(), ApiError> {
    let end = season.saturating_add(1.year());
    if season <= date && date < end {
        return Ok(());
    }
    let message = format!("{date} is not in the season that begins on {season}");
    Err(ApiError::bad("bad_date", message, format!("give a day from {season} until before {end}")))
}

/// From when to when, how finely.
#[derive(serde::Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct MoneyParams {
    /// First civil day, included. If absent, the first of this month; by month, that of the month eleven months before.
    #[param(example = "2026-11-01")]
    from: Option<String>,
    /// Last civil day, excluded. Tomorrow if absent.
    #[param(example = "2026-12-01")]
    to: Option<String>,
    /// `day` or `month`; a day if absent.
    #[param(example = "day")]
    by: Option<String>,
}

/// What energy came to: cost, and what it would have been without batteries or with batteries that only follow the house.
#[utoipa::path(
    get, path = "/api/v1/money", tag = "ahead", params(MoneyParams),
    responses(
        (status = 200, description = "By civil day or month of the site's time zone.", body = MoneyJson),
        (status = 400, description = "A parameter makes no sense.", body = ErrorBody),
        (status = 409, description = "No tariff is configured; the hint says how.", body = ErrorBody),
        (status = 503, description = "The history cannot be read.", body = ErrorBody),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn money(
    State(app): State<App>,
    Params(params): Params<MoneyParams>,
) -> Result<Json<MoneyJson>, ApiError> {
    let (from, to, by) = params.read(today(&app))?;
    let money = app.backend.money(from, to, by).await.map_err(|error| refused(&error))?;
    Ok(Json(MoneyJson::new(&money, from, to, by)))
}

/// The civil day that it is at the site.
fn today(app: &App) -> Date {
    let now = Timestamp::from_millisecond(app.backend.now().unix.0).unwrap_or(Timestamp::UNIX_EPOCH);
    now.to_zoned(app.backend.site().time_zone).date()
}

impl MoneyParams {
    fn read(&self, today: Date) -> Result<(Date, Date, MoneyBy), ApiError> {
        let by = self.by.as_deref().map_or(Ok(MoneyBy::Day), counted_by)?;
        let months = if by == MoneyBy::Month { 11 } else { 0 };
        let first = || today.first_of_month().saturating_sub(months.months());
        let from = self.from.as_deref().map_or_else(|| Ok(first()), |text| civil_day("from", text))?;
        let tomorrow = || today.saturating_add(1.day());
        let to = self.to.as_deref().map_or_else(|| Ok(tomorrow()), |text| civil_day("to", text))?;
        span_makes_sense(from, to, by)?;
        Ok((from, to, by))
    }
}

fn span_makes_sense(from: Date, to: Date, by: MoneyBy) -> Result<(), ApiError> {
    if from >= to {
        let message = format!("from must be before to, but {from} is not before {to}");
        return Err(ApiError::bad("bad_span", message, "to is excluded: for one day give the day after it"));
    }
    let most = if by == MoneyBy::Day { DAYS_MAX } else { MONTH_DAYS_MAX };
    if from.until(to).is_ok_and(|span| span.get_days() <= most) {
        return Ok(());
    }
    let hint =
        if by == MoneyBy::Day { "ask by=month, or for a shorter span" } else { "ask for a shorter span" };
    Err(ApiError::bad("bad_span", format!("{from} to {to} is more than {most} days"), hint))
}

fn counted_by(text: &str) -> Result<MoneyBy, ApiError> {
    match text {
        "day" => Ok(MoneyBy::Day),
        "month" => Ok(MoneyBy::Month),
        other => {
            let shown: String = other.chars().take(32).collect();
            let hint = suggest::hint(other, ["day", "month"]);
            Err(ApiError::bad("bad_by", format!("money is not counted by {shown:?}"), hint))
        }
    }
}

/// A civil day and nothing else: a time or an offset would not be what the sender thinks.
fn civil_day(name: &str, text: &str) -> Result<Date, ApiError> {
    let plain = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    text.parse().ok().filter(|_| plain).ok_or_else(|| {
        let shown: String = text.chars().take(32).collect();
        let message = format!("{name} must be a day, not {shown:?}");
        ApiError::bad("bad_date", message, "give year, month and day, such as 2026-11-22")
    })
}

/// Why there is no answer, as a refusal.
fn refused(error: &AheadError) -> ApiError {
    let message = error.to_string();
    match error {
        AheadError::NotConfigured { hint, .. } => ApiError::conflict("not_configured", message, *hint),
        AheadError::Impossible(..) => ApiError::bad("bad_colour", message, "is it the right day?"),
        AheadError::TooFar(_) => ApiError::bad("bad_date", message, "give a day of this season"),
        AheadError::Unavailable(_) => {
            let hint = "see /readyz and the log";
            ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message, hint).retry_after(30)
        }
    }
}
