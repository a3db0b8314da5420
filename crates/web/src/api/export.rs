//! Stored values as a file, written while they are read: one page of one series is in memory at once.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use ohmstead_model::UnixMillis;
use utoipa::IntoParams;

use super::history::instant;
use super::records::refused;
use crate::backend::{Backend, PageQuery, StoredSeries};
use crate::error::{ApiError, ErrorBody};
use crate::exchange::{Choice, TextFormat};
use crate::extract::Params;
use crate::state::App;

/// Values of a page: half a megabyte of text.
const PAGE: usize = 8_000;

/// Which values, and how they are written.
#[derive(serde::Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportParams {
    /// `csv` or `line` (InfluxDB's line protocol, time stamps in milliseconds).
    #[serde(default = "format_default")]
    #[param(default = "csv", example = "csv")]
    format: String,
    /// Which series, with commas between them: `DEVICE.METRIC`, `DEVICE.*` or `METRIC`. All of them if absent.
    #[param(example = "gx.battery_soc,site.*")]
    metrics: Option<String>,
    /// First instant, included: milliseconds since 1970, ISO 8601, or a span before now such as `-24h`. The oldest value
    /// if absent.
    #[param(example = "2026-11-21")]
    from: Option<String>,
    /// Last instant, excluded, in the same forms. The newest value if absent.
    #[param(example = "2026-11-22")]
    to: Option<String>,
}

fn format_default() -> String {
    "csv".to_owned()
}

/// Stored values, as they are, series after series.
///
/// The answer has no length: it is written while the store is read. Where the store fails in between, it breaks off
/// without its end. `history import csv` reads the CSV back.
#[utoipa::path(
    get, path = "/api/v1/history/export", tag = "records", params(ExportParams),
    responses(
        (status = 200, description = "The values.", content(
            (String = "text/csv", example = "time,device,metric,value,unit\n2026-11-21T08:00:00.123Z,gx,battery_soc,81.0,%\n"),
            (String = "text/plain", example = "battery_soc,device=gx value=81.0 1795248000123\n"),
        )),
        (status = 400, description = "The format or a time makes no sense.", body = ErrorBody),
        (status = 404, description = "Nothing is stored under one of the names; the hint offers the nearest.", body = ErrorBody),
        (status = 503, description = "The store cannot be read.", body = ErrorBody),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn export(
    State(app): State<App>,
    Params(params): Params<ExportParams>,
) -> Result<Response, ApiError> {
    let format = TextFormat::of_key(&params.format).ok_or_else(|| {
        let shown: String = params.format.chars().take(64).collect();
        let hint = "there are csv and line; `ohmstead history export` also writes parquet";
        ApiError::bad("bad_format", format!("no format is named {shown:?}"), hint)
    })?;
    let (zone, now) = (app.backend.site().time_zone, app.backend.now().unix);
    let at =
        |name, text: &Option<String>| text.as_deref().map(|text| instant(name, text, &zone, now)).transpose();
    let from = at("from", &params.from)?.unwrap_or(UnixMillis(i64::MIN));
    let to = at("to", &params.to)?.unwrap_or(UnixMillis(i64::MAX));
    let series = app.backend.stored_series().await.map_err(|error| refused(&error))?;
    let names = params.metrics.as_deref().unwrap_or_default().split(',').map(str::to_owned);
    let series = Choice::new(names).of(series).map_err(|error| {
        ApiError::not_found("unknown_series", format!("nothing is stored of {:?}", error.name), error.hint)
    })?;
    let head = Some(format.head());
    let pages = Pages { backend: app.backend, format, left: series.into(), next: None, from, to, head };
    let body = Body::from_stream(stream::try_unfold(pages, |mut pages| async move {
        Ok::<_, io::Error>(pages.next().await?.map(|text| (Bytes::from(text), pages)))
    }));
    let extension = if format == TextFormat::Csv { "csv" } else { "txt" };
    let name = format!("attachment; filename=\"history.{extension}\"");
    let name = HeaderValue::from_str(&name).expect("a plain name");
    let media = HeaderValue::from_static(format.media_type());
    Ok(([(header::CONTENT_TYPE, media), (header::CONTENT_DISPOSITION, name)], body).into_response())
}

/// What is still to be written.
struct Pages {
    backend: Arc<dyn Backend>,
    format: TextFormat,
    /// The series that are left, the present one first.
    left: VecDeque<StoredSeries>,
    /// Where the present one goes on, if it was begun.
    next: Option<UnixMillis>,
    from: UnixMillis,
    to: UnixMillis,
    head: Option<String>,
}

impl Pages {
    /// The text of the next values; nothing at the end.
    async fn next(&mut self) -> io::Result<Option<String>> {
        if let Some(head) = self.head.take().filter(|head| !head.is_empty()) {
            return Ok(Some(head));
        }
        while let Some(StoredSeries { device, metric, .. }) = self.left.front().cloned() {
            let from = self.next.unwrap_or(self.from);
            let query = PageQuery { device: device.clone(), metric, from, to: self.to, most: PAGE };
            let page = self.backend.stored_values(query).await.map_err(io::Error::other)?;
            self.next = page.last().filter(|_| page.len() == PAGE).map(|(at, _)| UnixMillis(at.0 + 1));
            if self.next.is_none() {
                self.left.pop_front();
            }
            if !page.is_empty() {
                let mut text = String::with_capacity(page.len() * 64);
                for (at, value) in &page {
                    self.format.write(&mut text, device.as_str(), metric, *at, value);
                }
                return Ok(Some(text));
            }
        }
        Ok(None)
    }
}
