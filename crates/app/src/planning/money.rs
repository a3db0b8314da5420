//! What energy came to, from what was measured, beside what it would have come to with batteries that only follow the house,
//! and with none.

use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use ohmstead_model::{Price, TimeSpan, Timeline, UnixMillis};
use ohmstead_planner::{Battery, Problem, Slot, self_consumption};
use ohmstead_tariff::{Bill, Metered, bill};
use ohmstead_web::{MoneyBy, MoneyRow};

/// What was measured of the house, means over stretches of time, W.
#[derive(Debug, Clone, Default)]
pub(crate) struct Measured {
    /// Import positive.
    pub(crate) grid_w: Timeline<f64>,
    pub(crate) load_w: Timeline<f64>,
    pub(crate) pv_w: Timeline<f64>,
    /// Mean state of charge of all batteries, percent.
    pub(crate) soc_pct: Timeline<f64>,
}

/// The money of the days or months of a window, in order.
pub(crate) fn money(
    measured: &Measured,
    prices: &Timeline<Price>,
    bank: &[Battery],
    window: TimeSpan,
    zone: &TimeZone,
    by: MoneyBy,
) -> Vec<MoneyRow> {
    let paid = billed(&measured.grid_w, prices, window, zone);
    let without = measured.load_w.zip(&measured.pv_w, |_, load, pv| load - pv);
    let without = billed(&without, prices, window, zone);
    let following =
        (!bank.is_empty()).then(|| billed(&followed(measured, prices, bank), prices, window, zone));
    let rows = |bill: &Bill| -> Vec<(Date, ohmstead_tariff::Cost)> {
        match by {
            MoneyBy::Day => bill.days.clone(),
            MoneyBy::Month => {
                bill.months.iter().filter_map(|(month, cost)| Some((first(*month)?, *cost))).collect()
            }
        }
    };
    let (without, following) = (rows(&without), following.as_ref().map(rows));
    // A comparison counts only where it knows of as many hours.
    let of = |bill: &[(Date, ohmstead_tariff::Cost)], day: Date, hours: f64| {
        let (_, cost) = bill.iter().find(|(date, _)| *date == day)?;
        ((cost.known_h - hours).abs() < 0.5).then(|| cost.total())
    };
    rows(&paid)
        .into_iter()
        .map(|(from, cost)| MoneyRow {
            from,
            import_kwh: cost.import_kwh,
            export_kwh: cost.export_kwh,
            cost: cost.total(),
            self_consumption_cost: following.as_deref().and_then(|rows| of(rows, from, cost.known_h)),
            no_battery_cost: of(&without, from, cost.known_h),
            unknown_h: cost.unknown_h,
        })
        .collect()
}

fn first(month: ohmstead_tariff::Month) -> Option<Date> {
    Date::new(month.year, month.month, 1).ok()
}

/// The bill of a power at the grid's connection, import positive.
fn billed(grid_w: &Timeline<f64>, prices: &Timeline<Price>, window: TimeSpan, zone: &TimeZone) -> Bill {
    let kwh = |span: TimeSpan, power_w: f64| power_w.max(0.0) / 1000.0 * span.hours();
    let import_kwh = grid_w.map(|span, power| kwh(span, *power));
    let export_kwh = grid_w.map(|span, power| kwh(span, -power));
    let metered = Metered { import_kwh: &import_kwh, export_kwh: Some(&export_kwh) };
    bill(metered, prices, window, zone)
}

/// The grid's power if the batteries had only followed the house, W. After each hole they begin with what was measured in them.
fn followed(measured: &Measured, prices: &Timeline<Price>, bank: &[Battery]) -> Timeline<f64> {
    let mut grid_w = Timeline::default();
    for run in runs(measured, prices) {
        let Some(begins) = run.first().map(|slot| slot.span.start) else { continue };
        let Some(soc_pct) = soc_at(&measured.soc_pct, begins) else { continue };
        let batteries = bank.iter().map(|battery| Battery {
            now_wh: battery.capacity_wh * soc_pct / 100.0,
            available: true,
            ..battery.clone()
        });
        let problem = Problem { slots: run, batteries: batteries.collect(), ..Problem::default() };
        for slot in self_consumption(&problem).slots {
            grid_w.set(slot.span, slot.grid_w);
        }
    }
    grid_w
}

/// The state of charge at an instant or soon after it.
fn soc_at(soc_pct: &Timeline<f64>, at: UnixMillis) -> Option<f64> {
    let soon = TimeSpan::lasting(at, Duration::from_secs(1800));
    soc_pct.touching(soon).map(|(_, soc)| *soc).next()
}

/// Stretches without a hole.
fn runs(measured: &Measured, prices: &Timeline<Price>) -> Vec<Vec<Slot>> {
    let net = measured.load_w.zip(&measured.pv_w, |_, load, pv| (*load, *pv));
    let priced = net.zip(prices, |_, (load, pv), price| (*load, *pv, *price));
    let mut runs: Vec<Vec<Slot>> = Vec::new();
    for (span, (load_w, pv_w, price)) in priced.slots() {
        let slot = Slot {
            span,
            load_w: load_w.max(0.0),
            pv_w: pv_w.max(0.0),
            import_price: price.import_per_kwh,
            export_price: price.export_per_kwh,
        };
        match runs.last_mut() {
            Some(run) if run.last().is_some_and(|last| last.span.end == span.start) => run.push(slot),
            _ => runs.push(vec![slot]),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use ohmstead_model::PriceSource;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn hours(values: &[f64]) -> Timeline<f64> {
        let spans = (0..).map(|hour| TimeSpan::lasting(UnixMillis(hour * 3_600_000), HOUR));
        Timeline::of(spans.zip(values.iter().copied()))
    }

    fn prices(import: &[f64]) -> Timeline<Price> {
        hours(import).map(|_, price| Price {
            import_per_kwh: *price,
            export_per_kwh: 0.05,
            estimated: false,
            source: PriceSource::Contract,
        })
    }

    fn rows(measured: &Measured, prices: &Timeline<Price>, hours: u32) -> Vec<MoneyRow> {
        let battery = Battery {
            capacity_wh: 2000.0,
            max_wh: 2000.0,
            charge_max_w: 1000.0,
            discharge_max_w: 1000.0,
            ..Battery::default()
        };
        let window = TimeSpan::lasting(UnixMillis(0), HOUR * hours);
        money(measured, prices, &[battery], window, &TimeZone::UTC, MoneyBy::Day)
    }

    #[test]
    fn what_was_paid_stands_beside_what_would_have_been() {
        let measured = Measured {
            grid_w: hours(&[500.0, -200.0, 800.0]),
            load_w: hours(&[1000.0, 500.0, 1000.0]),
            pv_w: hours(&[0.0, 1500.0, 0.0]),
            soc_pct: hours(&[25.0, 10.0, 50.0]),
        };
        let [row] = rows(&measured, &prices(&[0.3, 0.2, 0.4]), 3).try_into().unwrap();
        let near =
            |found: f64, expected: f64| assert!((found - expected).abs() < 1e-9, "{found} for {expected}");
        near(row.cost, 0.5 * 0.3 - 0.2 * 0.05 + 0.8 * 0.4);
        near(row.no_battery_cost.unwrap(), 1.0 * 0.3 - 1.0 * 0.05 + 1.0 * 0.4);
        // 500 Wh in it are given, 1000 Wh of sun taken, and given again, with no loss.
        near(row.self_consumption_cost.unwrap(), 0.5 * 0.3 + 0.0 + 0.0);
        near(row.unknown_h, 0.0);
    }

    #[test]
    fn what_is_not_known_is_in_no_figure_and_compared_with_nothing() {
        let mut measured = Measured {
            grid_w: hours(&[500.0; 6]),
            load_w: hours(&[500.0; 4]),
            pv_w: hours(&[0.0; 6]),
            soc_pct: hours(&[0.0; 6]),
        };
        let [row] = rows(&measured, &prices(&[0.2; 6]), 6).try_into().unwrap();
        assert!((row.cost - 0.6).abs() < 1e-9 && row.no_battery_cost.is_none());
        measured.grid_w = hours(&[500.0; 2]);
        let [row] = rows(&measured, &prices(&[0.2; 6]), 6).try_into().unwrap();
        assert!((row.unknown_h - 4.0).abs() < 1e-9 && (row.cost - 0.2).abs() < 1e-9);
    }
}
