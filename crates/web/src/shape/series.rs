//! A series of the history. Points are small arrays: a year of them goes to a telephone.

use ohmstead_model::catalogue::Unit;
use ohmstead_model::{Metric, Points, Series, SeriesQuery, Value};
use utoipa::ToSchema;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, SchemaType, Type};

use super::value::{Scalar, finite, millis};

/// A series of the history. Where nothing was stored there is no point.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = Series)]
pub(crate) struct SeriesJson {
    /// Whose, `site` for the whole house.
    #[schema(example = "site")]
    device: String,
    /// Which metric.
    #[schema(example = "grid_power")]
    metric: &'static str,
    /// Unit of its numbers; `null` for states and texts.
    #[schema(example = "W", required = true)]
    unit: Option<&'static str>,
    /// First instant, included, in milliseconds since 1970 UTC.
    from_ms: i64,
    /// Last instant, excluded, in milliseconds since 1970 UTC.
    to_ms: i64,
    /// Length of a step in milliseconds; `null` where the points are stored values, and for days, weeks and months,
    /// which are not all of one length.
    #[schema(required = true)]
    step_ms: Option<u64>,
    /// Oldest first, each `[unix_ms, value]` as stored or `[unix_ms, [min, mean, max]]` of a step that begins there.
    #[schema(schema_with = points_schema)]
    points: Vec<Point>,
}

/// One point.
#[derive(Debug, serde::Serialize)]
#[serde(untagged)]
enum Point {
    Stored(i64, Scalar),
    Step(i64, [f64; 3]),
}

impl SeriesJson {
    pub(crate) fn new(query: &SeriesQuery, series: Series) -> Self {
        Self {
            device: query.device.to_string(),
            metric: query.metric.id(),
            unit: query.metric.def().unit.map(Unit::symbol),
            from_ms: query.from.0,
            to_ms: query.to.0,
            step_ms: series.step.map(millis),
            points: points(query.metric, series.points),
        }
    }
}

/// A series as `GET /api/v1/history` answers it.
pub fn series_json(query: &SeriesQuery, series: Series) -> serde_json::Value {
    serde_json::to_value(SeriesJson::new(query, series)).expect("plain data")
}

/// A number that is not finite cannot be shown and leaves a gap.
fn points(metric: Metric, points: Points) -> Vec<Point> {
    match points {
        Points::Raw(values) => values
            .into_iter()
            .filter_map(|(at, value)| scalar(metric, value).map(|value| Point::Stored(at.0, value)))
            .collect(),
        Points::Buckets(buckets) => buckets
            .into_iter()
            .filter_map(|bucket| {
                let figure = |number| finite(metric, number);
                let band = [figure(bucket.min)?, figure(bucket.mean)?, figure(bucket.max)?];
                Some(Point::Step(bucket.at.0, band))
            })
            .collect(),
    }
}

fn scalar(metric: Metric, value: Value) -> Option<Scalar> {
    match value {
        Value::Number(number) => finite(metric, number).map(Scalar::Number),
        Value::State(key) => Some(Scalar::Text(key.to_owned())),
        Value::Text(text) => Some(Scalar::Text(text.to_string())),
    }
}

fn points_schema() -> Schema {
    let number = || ObjectBuilder::new().schema_type(Type::Number).build();
    let band = ArrayBuilder::new().items(number()).min_items(Some(3)).max_items(Some(3)).build();
    let element =
        OneOfBuilder::new().item(number()).item(ObjectBuilder::new().schema_type(Type::String)).item(band);
    let point = ArrayBuilder::new().items(element).min_items(Some(2)).max_items(Some(2));
    ArrayBuilder::new()
        .items(point)
        .schema_type(SchemaType::Type(Type::Array))
        .description(Some(
            "Oldest first, each `[unix_ms, value]` as stored, or `[unix_ms, [min, mean, max]]` of a step that begins there.",
        ))
        .examples([serde_json::json!([
            [1_795_248_000_000_i64, 420],
            [1_795_248_300_000_i64, [180, 391.0, 640]]
        ])])
        .build()
        .into()
}
