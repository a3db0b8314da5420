//! What energy came to, by day or month.

use jiff::civil::Date;
use utoipa::ToSchema;

use super::figure::{kilowatt_hours, money};
use crate::{Money, MoneyBy, MoneyRow};

/// What energy came to.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = Money)]
pub(crate) struct MoneyJson {
    /// The currency, ISO 4217.
    #[schema(example = "EUR")]
    currency: String,
    /// First civil day that is asked for.
    #[schema(format = Date, example = "2026-11-01")]
    from: String,
    /// The first civil day after that.
    #[schema(format = Date, example = "2026-11-22")]
    to: String,
    /// `day` or `month`.
    #[schema(example = "day")]
    by: &'static str,
    /// By day or month, in order. One of which nothing is known is left out.
    rows: Vec<MoneyRowJson>,
}

/// What a civil day or a month came to.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = MoneyRow)]
pub(crate) struct MoneyRowJson {
    /// The day, or the first day of the month.
    #[schema(format = Date, example = "2026-11-20")]
    from: String,
    /// From the grid, kWh.
    #[schema(required = true, example = 9.412)]
    import_kwh: Option<f64>,
    /// Into the grid, kWh.
    #[schema(required = true, example = 1.2)]
    export_kwh: Option<f64>,
    /// What that cost.
    #[schema(required = true, example = 1.48)]
    cost: Option<f64>,
    /// What it would have cost if the batteries had only followed the house; `null` where that is not known.
    #[schema(required = true, example = 1.92)]
    self_consumption_cost: Option<f64>,
    /// What it would have cost without batteries; `null` where that is not known.
    #[schema(required = true, example = 3.07)]
    no_battery_cost: Option<f64>,
    /// Hours of which the energy or the price is not known; they are in no figure.
    #[schema(required = true, example = 0.25)]
    unknown_h: Option<f64>,
}

impl MoneyJson {
    pub(crate) fn new(sums: &Money, from: Date, to: Date, by: MoneyBy) -> Self {
        Self {
            currency: sums.currency.clone(),
            from: from.to_string(),
            to: to.to_string(),
            by: by_key(by),
            rows: sums.rows.iter().map(MoneyRowJson::from).collect(),
        }
    }
}

fn by_key(by: MoneyBy) -> &'static str {
    match by {
        MoneyBy::Day => "day",
        MoneyBy::Month => "month",
    }
}

impl From<&MoneyRow> for MoneyRowJson {
    fn from(row: &MoneyRow) -> Self {
        Self {
            from: row.from.to_string(),
            import_kwh: kilowatt_hours(row.import_kwh),
            export_kwh: kilowatt_hours(row.export_kwh),
            cost: money(row.cost),
            self_consumption_cost: row.self_consumption_cost.and_then(money),
            no_battery_cost: row.no_battery_cost.and_then(money),
            unknown_h: kilowatt_hours(row.unknown_h),
        }
    }
}

/// What energy came to as JSON, as in `GET /api/v1/money`.
pub fn money_json(sums: &Money, from: Date, to: Date, by: MoneyBy) -> serde_json::Value {
    let shown = MoneyJson::new(sums, from, to, by);
    serde_json::to_value(shown).expect("names are strings and numbers are finite")
}
