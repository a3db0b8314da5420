//! The history as the verbs see it. One place answers their questions, whether they come over the socket of the running
//! daemon or from a verb that opened the store itself.

mod find;
mod question;

use std::time::Duration;

use jiff::tz::TimeZone;
use ohmstead_history::{Compacted, Damage, Verified};
use ohmstead_model::catalogue::Kind;
use ohmstead_model::{DeviceId, Metric, Moment, Points, Reading, Resolution, SeriesQuery, UnixMillis};
use ohmstead_web::{
    HistoryError, PageQuery, StoredSeries, figures_json, growth_json, parse_step, series_json,
};
use serde::Serialize;
use serde_json::{Value, json};

pub(crate) use question::{
    Found, HistoryQuestion, Page, Part, Place, ReadingEntry, Scalar, SeriesEntry, Span,
};

use crate::records::NotDurable;
use crate::shapes::iso;
use crate::socket::Failure;
use crate::store::Store;

/// Values of one answer: about 200 KB on the socket.
pub(crate) const PAGE: usize = 5_000;
/// Steps of one answer.
const STEPS_MAX: usize = 20_000;
/// Steps of which it is said by how much a counter grew.
const INCREASES_MAX: usize = 2_000;

/// A store, and where and when it is asked.
pub(crate) struct Archive<'a> {
    pub(crate) store: &'a Store,
    pub(crate) zone: TimeZone,
    pub(crate) now: UnixMillis,
}

impl Archive<'_> {
    /// Answers one question.
    pub(crate) async fn answer(&self, question: HistoryQuestion) -> Result<Value, Failure> {
        match question {
            HistoryQuestion::Place {} => {
                let zone = self.zone.iana_name().unwrap_or("UTC").to_owned();
                Ok(plain(&Place { zone, now_ms: self.now.0 }))
            }
            HistoryQuestion::Series {} => {
                Ok(self.series().await?.iter().map(|series| plain(&series_entry(series))).collect())
            }
            HistoryQuestion::Span { from, to } => {
                let (from, to) = self.span(from.as_deref(), to.as_deref())?;
                let (from, to) = (from.map_or(i64::MIN, |at| at.0), to.map_or(i64::MAX, |at| at.0));
                Ok(plain(&Span { from_ms: from, to_ms: to }))
            }
            HistoryQuestion::Find { metric, device, from, to } => {
                self.find(&metric, device.as_deref(), from.as_deref(), to.as_deref()).await
            }
            HistoryQuestion::Values(part) => self.values(&part).await,
            HistoryQuestion::Steps { part, step } => self.steps(&part, &step).await,
            HistoryQuestion::Lttb(part) => {
                let most = part.most.unwrap_or(PAGE).clamp(3, STEPS_MAX);
                Ok(self.range(&part, Resolution::Lttb(most)).await?.1)
            }
            HistoryQuestion::Growth(part) => self.growth(&part).await,
            HistoryQuestion::Import { readings } => self.import(readings).await,
            HistoryQuestion::Stats {} => {
                self.store.figures().await.map(figures_json).map_err(|error| unavailable(&error))
            }
            HistoryQuestion::Compact {} => {
                self.store.compact(self.now).await.map(compacted).map_err(|error| not_written(&error))
            }
            HistoryQuestion::Verify {} => {
                self.store.verify().await.map(verified).map_err(|error| unavailable(&error))
            }
            HistoryQuestion::Backup { file } => {
                let bytes =
                    self.store.backup(file.clone().into()).await.map_err(|error| not_written(&error))?;
                Ok(json!({ "file": file, "bytes": bytes }))
            }
        }
    }

    async fn series(&self) -> Result<Vec<StoredSeries>, Failure> {
        self.store.stored_series().await.map_err(|error| unavailable(&error))
    }

    async fn values(&self, part: &Part) -> Result<Value, Failure> {
        let (device, metric, from, to) = self.part_of(part)?;
        let most = part.most.unwrap_or(PAGE).clamp(1, PAGE);
        let query = PageQuery { device, metric, from, to, most };
        let page = self.store.page(query).await.map_err(|error| unavailable(&error))?;
        let more = page.len() == most;
        let points = page.into_iter().map(|(at, value)| (at.0, Scalar::from(value))).collect();
        Ok(plain(&Page { points, more }))
    }

    async fn range(&self, part: &Part, resolution: Resolution) -> Result<(Points, Value), Failure> {
        let (device, metric, from, to) = self.part_of(part)?;
        if !matches!(metric.def().kind, Kind::Gauge | Kind::Counter) {
            let message = format!("{metric} has no numbers that could be summarised");
            return Err(bad_request(message, "leave out --step and --lttb"));
        }
        let query = SeriesQuery { device, metric, from, to, resolution };
        let series = self.store.range(query.clone()).await.map_err(|error| unavailable(&error))?;
        let points = series.points.clone();
        Ok((points, series_json(&query, series)))
    }

    async fn steps(&self, part: &Part, step: &str) -> Result<Value, Failure> {
        let resolution = parse_step(step).ok_or_else(|| {
            bad_request(format!("{step:?} is no step"), "expected 30s, 5m, 1h or 1d, or day, week or month")
        })?;
        if let Resolution::Step(length) = resolution {
            check_steps(part, length)?;
        }
        let (points, mut answer) = self.range(part, resolution).await?;
        let (device, metric, ..) = self.part_of(part)?;
        answer["step"] = json!(step);
        let Points::Buckets(buckets) = points else { return Ok(answer) };
        if !matches!(metric.def().kind, Kind::Counter) || buckets.len() > INCREASES_MAX {
            return Ok(answer);
        }
        let mut increases = Vec::with_capacity(buckets.len());
        for bucket in buckets {
            let end = self.end_of(bucket.at, resolution).min(UnixMillis(part.to_ms));
            let from = bucket.at.max(UnixMillis(part.from_ms));
            let growth = self.store.growth(device.clone(), metric, from, end).await;
            let growth = growth.map_err(|error| unavailable(&error))?;
            increases.push(json!([bucket.at.0, growth.value.map(|value| metric.round(value))]));
        }
        answer["increases"] = Value::Array(increases);
        Ok(answer)
    }

    async fn growth(&self, part: &Part) -> Result<Value, Failure> {
        let (device, metric, from, to) = self.part_of(part)?;
        let growth = self.store.growth(device.clone(), metric, from, to).await;
        let growth = growth.map_err(|error| unavailable(&error))?;
        Ok(growth_json(&device, metric, (from, to), growth))
    }

    fn part_of(&self, part: &Part) -> Result<(DeviceId, Metric, UnixMillis, UnixMillis), Failure> {
        let device = device_of(&part.device).ok_or_else(|| {
            bad_request(format!("no device is named {:?}", part.device), "see `ohmstead history series`")
        })?;
        let metric = self.store.metric(&part.metric).ok_or_else(|| {
            bad_request(format!("no metric is named {:?}", part.metric), "see `ohmstead history series`")
        })?;
        Ok((device, metric, UnixMillis(part.from_ms), UnixMillis(part.to_ms)))
    }

    async fn import(&self, readings: Vec<ReadingEntry>) -> Result<Value, Failure> {
        let readings = readings.into_iter().map(reading).collect::<Result<Vec<_>, _>>()?;
        let stored = self.store.backfill(readings).await.map_err(|error| not_written(&error))?;
        Ok(json!({ "stored": stored }))
    }
}

fn plain(shape: &impl Serialize) -> Value {
    serde_json::to_value(shape).expect("plain data")
}

fn series_entry(series: &StoredSeries) -> SeriesEntry {
    SeriesEntry {
        device: series.device.to_string(),
        metric: series.metric.id().to_owned(),
        first_ms: series.first.0,
        last_ms: series.last.0,
        points: series.points,
    }
}

/// No more steps than an answer holds.
fn check_steps(part: &Part, length: Duration) -> Result<(), Failure> {
    let length = u64::try_from(length.as_millis()).unwrap_or(u64::MAX).max(1);
    let steps = part.to_ms.abs_diff(part.from_ms).div_ceil(length);
    if steps <= STEPS_MAX as u64 {
        return Ok(());
    }
    let message = format!("this would be {steps} steps, more than {STEPS_MAX}");
    Err(bad_request(message, "ask for a longer step, or for a shorter span"))
}

pub(crate) fn device_of(name: &str) -> Option<DeviceId> {
    if name == DeviceId::site().as_str() { Some(DeviceId::site()) } else { name.parse().ok() }
}

fn reading((at, device, values): ReadingEntry) -> Result<Reading, Failure> {
    let bad = |what: &str, name: &str| {
        bad_request(format!("no {what} is named {name:?}"), "nothing of this part was stored")
    };
    let id = device_of(&device).ok_or_else(|| bad("device", &device))?;
    let values = values.into_iter().map(|(name, value)| {
        let metric = ohmstead_drivers::metric(&name).ok_or_else(|| bad("metric", &name))?;
        Ok((metric, Ok(value.stored(metric))))
    });
    let at = Moment { unix: UnixMillis(at), ..Moment::default() };
    Ok(Reading { device: id, at, values: values.collect::<Result<_, Failure>>()? })
}

fn compacted(done: Compacted) -> Value {
    let Compacted { blocks_before, blocks_after, bytes_before, bytes_after } = done;
    json!({
        "blocks_before": blocks_before, "blocks_after": blocks_after,
        "bytes_before": bytes_before, "bytes_after": bytes_after,
    })
}

fn verified(found: Verified) -> Value {
    let damage = |Damage { device, metric, from, to, what }: Damage| json!({ "device": device, "metric": metric, "from": iso(from), "to": iso(to), "what": what });
    let damaged: Vec<_> = found.damaged.into_iter().map(damage).collect();
    let known: Vec<_> = found.known.into_iter().map(damage).collect();
    json!({ "ok": damaged.is_empty(), "blocks": found.blocks, "values": found.values, "damaged": damaged, "in_quarantine": known })
}

pub(super) fn bad_request(message: impl Into<String>, hint: impl Into<String>) -> Failure {
    Failure::new("bad_request", message, hint)
}

fn unavailable(error: &HistoryError) -> Failure {
    match error {
        HistoryError::TooManyPoints { .. } => {
            bad_request(error.to_string(), "ask for a shorter span or a longer step")
        }
        HistoryError::Unavailable(_) => {
            Failure::new("store", error.to_string(), "`ohmstead history verify` looks for damage")
        }
    }
}

fn not_written(error: &NotDurable) -> Failure {
    Failure::new("store", error.to_string(), "is the disk full or read-only?")
}
