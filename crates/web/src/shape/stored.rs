//! What a counter grew by, and figures of the store.

use ohmstead_model::catalogue::Unit;
use ohmstead_model::{DeviceId, Metric, UnixMillis};
use utoipa::ToSchema;

use super::value::{finite, iso};
use crate::backend::{Growth, StoreFigures};

/// What a counter grew by between two instants.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = Growth)]
pub(crate) struct GrowthJson {
    /// Whose, `site` for the whole house.
    #[schema(example = "gx")]
    device: String,
    /// Which counter.
    #[schema(example = "grid_import_energy")]
    metric: &'static str,
    /// Its unit; `null` for a bare count.
    #[schema(example = "kWh", required = true)]
    unit: Option<&'static str>,
    /// First instant, included, in milliseconds since 1970 UTC.
    from_ms: i64,
    /// Last instant, excluded, in milliseconds since 1970 UTC.
    to_ms: i64,
    /// By how much it grew; `null` where nothing is known of the span.
    #[schema(example = 12.34, required = true)]
    increase: Option<f64>,
    /// How often it began again within the span: what it had then counts from nothing on.
    resets: u64,
    /// Time of the first value that counts, in milliseconds since 1970 UTC.
    #[schema(required = true)]
    first_ms: Option<i64>,
    /// Time of the last value that counts, in milliseconds since 1970 UTC.
    #[schema(required = true)]
    last_ms: Option<i64>,
}

impl GrowthJson {
    pub(crate) fn new(
        device: &DeviceId,
        metric: Metric,
        (from, to): (UnixMillis, UnixMillis),
        growth: Growth,
    ) -> Self {
        Self {
            device: device.to_string(),
            metric: metric.id(),
            unit: metric.def().unit.map(Unit::symbol),
            from_ms: from.0,
            to_ms: to.0,
            increase: growth.value.and_then(|value| finite(metric, value)),
            resets: growth.resets,
            first_ms: growth.first.map(|at| at.0),
            last_ms: growth.last.map(|at| at.0),
        }
    }
}

/// What a counter grew by, as `GET /api/v1/energy` answers it.
pub fn growth_json(
    device: &DeviceId,
    metric: Metric,
    span: (UnixMillis, UnixMillis),
    growth: Growth,
) -> serde_json::Value {
    serde_json::to_value(GrowthJson::new(device, metric, span, growth)).expect("plain data")
}

/// Figures of the history.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = HistoryStats)]
pub(crate) struct FiguresJson {
    /// Values.
    #[schema(example = 157_680_000)]
    points: u64,
    /// Size on the disk.
    #[schema(example = 55_000_000)]
    bytes: u64,
    /// `bytes` for each value; `null` without values.
    #[schema(example = 0.35, required = true)]
    bytes_per_point: Option<f64>,
    /// How many series have values.
    #[schema(example = 300)]
    series: u64,
    /// Time of the oldest value, UTC.
    #[schema(format = DateTime, required = true)]
    first: Option<String>,
    /// Time of the newest value, UTC.
    #[schema(format = DateTime, required = true)]
    last: Option<String>,
}

impl From<StoreFigures> for FiguresJson {
    fn from(figures: StoreFigures) -> Self {
        let StoreFigures { points, bytes, bytes_per_point, series, first, last } = figures;
        Self { points, bytes, bytes_per_point, series, first: first.map(iso), last: last.map(iso) }
    }
}

/// Figures of the history, as `GET /api/v1/history/stats` answers them.
pub fn figures_json(figures: StoreFigures) -> serde_json::Value {
    serde_json::to_value(FiguresJson::from(figures)).expect("plain data")
}
