//! The planner's problem, put together from what is known.

use std::time::Duration;

use jiff::tz::TimeZone;
use ohmstead_control::Override;
use ohmstead_forecast::load::House;
use ohmstead_forecast::{Step, load};
use ohmstead_model::{Band, Price, TimeSpan, Timeline, UnixMillis};
use ohmstead_outlook::{Outlook, Quantity};
use ohmstead_planner::settings::Settings;
use ohmstead_planner::{EndWorth, Pin, Problem, Slot};
use ohmstead_tariff::Tariffs;
use ohmstead_tariff::tempo::{Colours, Grid};

use super::bank::Member;
use super::past::{Past, QUARTER, floor};
use super::sun::{self, Basis, Panels, Sky};

/// Everything that is known, at one moment.
pub(crate) struct Known<'k> {
    pub(crate) now: UnixMillis,
    pub(crate) zone: &'k TimeZone,
    pub(crate) past: &'k Past,
    pub(crate) outlook: &'k Outlook,
    pub(crate) colours: &'k Colours,
    /// Price grids of Tempo that were published.
    pub(crate) grids: &'k [Grid],
    pub(crate) tariffs: Option<&'k Tariffs>,
    pub(crate) panels: &'k Panels,
    /// What the panels give now, W.
    pub(crate) pv_now_w: Option<f64>,
}

/// What is expected of the time ahead.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Ahead {
    /// The time.
    pub(crate) window: Option<TimeSpan>,
    /// What a kWh costs.
    pub(crate) prices: Timeline<Price>,
    /// What the house will use, W.
    pub(crate) load_w: Timeline<Band>,
    /// What the panels will give, W.
    pub(crate) pv_w: Timeline<Band>,
    /// What is missing or guessed, one sentence each.
    pub(crate) missing: Vec<String>,
}

/// What is to be expected from now on for `horizon`.
pub(crate) fn ahead(known: &Known<'_>, horizon: Duration) -> Ahead {
    let window = TimeSpan::new(floor(known.now), floor(known.now).plus(horizon));
    let temperature_c = known.outlook.figures(Quantity::AirTemperature);
    let house = House { load_w: &known.past.load_w, temperature_c: &temperature_c, zone: known.zone };
    let load_w = load::forecast(house, known.now, horizon + QUARTER, Step::Quarter);
    let sky = Sky {
        outlook: known.outlook,
        panels: known.panels,
        measured_w: &known.past.pv_w,
        now_w: known.pv_now_w,
        zone: known.zone,
    };
    let (pv_w, basis) = sun::forecast(&sky, known.now, window);
    let prices = known.tariffs.map(|tariffs| prices(tariffs, known, window)).unwrap_or_default();
    let missing = missing(known, &prices, window, basis);
    Ahead { window: Some(window), prices, load_w, pv_w, missing }
}

fn prices(tariffs: &Tariffs, known: &Known<'_>, window: TimeSpan) -> Timeline<Price> {
    prices_of(tariffs, known.outlook, known.colours, known.grids, window, known.zone)
}

/// What a kWh costs in `window`, from what the outlook knows.
pub(crate) fn prices_of(
    tariffs: &Tariffs,
    outlook: &Outlook,
    colours: &Colours,
    grids: &[Grid],
    window: TimeSpan,
    zone: &TimeZone,
) -> Timeline<Price> {
    // A supplier's own price is what its customers pay; a market's is for everybody else.
    let full = outlook.figures(Quantity::FullPrice);
    let spot = outlook.figures(Quantity::SpotPrice);
    let import = full.or(&spot);
    let figures = ohmstead_tariff::Known {
        colours,
        grids,
        import_spot_per_kwh: &import,
        export_spot_per_kwh: if spot.is_empty() { &import } else { &spot },
        ..ohmstead_tariff::Known::nothing()
    };
    ohmstead_tariff::prices(tariffs, figures, window, zone)
}

fn missing(known: &Known<'_>, prices: &Timeline<Price>, window: TimeSpan, basis: Basis) -> Vec<String> {
    let mut missing = Vec::new();
    let hours = |spans: &[TimeSpan]| spans.iter().map(|span| span.hours()).sum::<f64>();
    if known.tariffs.is_none() {
        missing.push("no prices: there are no tariffs in the configuration".to_owned());
    } else {
        let gaps = prices.gaps(window);
        if !gaps.is_empty() {
            missing.push(format!("no price for {:.0} h of the time ahead", hours(&gaps).ceil()));
        }
        let guessed: Vec<_> =
            prices.slots().filter(|(_, price)| price.estimated).map(|(span, _)| span).collect();
        if !guessed.is_empty() {
            missing.push(format!("prices of {:.0} h are guessed from other days", hours(&guessed).ceil()));
        }
    }
    let learned = hours(&known.past.load_w.slots().map(|(span, _)| span).collect::<Vec<_>>());
    if learned < 7.0 * 24.0 {
        missing.push(format!("the house's habits are learned from {learned:.0} h only"));
    }
    match basis {
        Basis::Power | Basis::Irradiance | Basis::None => {}
        Basis::ClearSky => {
            missing.push("no forecast of the sun: a sky as cloudy as of late is assumed".to_owned());
        }
        Basis::LastDays => {
            missing.push(
                "no forecast of the sun: the mean of the last days is assumed; see forecast.pv".to_owned(),
            );
        }
    }
    missing
}

/// The problem of a bank. The time ahead ends where prices end.
pub(crate) fn problem(ahead: &Ahead, now: UnixMillis, bank: &[Member], settings: &Settings) -> Problem {
    let infinite = |power: Option<ohmstead_units::Watts>| power.map_or(f64::INFINITY, |power| power.0);
    let mut problem = Problem {
        slots: slots(ahead, now),
        batteries: bank.iter().map(|member| member.battery.clone()).collect(),
        import_max_w: infinite(settings.import_max),
        export_max_w: infinite(settings.export_max),
        inverter_max_w: settings.inverter_max.map(|power| power.0),
        allow_battery_export: settings.battery_export,
        curtail: settings.curtail,
        end_worth: EndWorth::default(),
    };
    problem.end_worth = EndWorth::suggested(&problem);
    problem
}

/// What was asked by hand of a battery, for its plan; what goes before stands first.
pub(crate) fn pins<'a>(asked: impl Iterator<Item = &'a Override>, now: UnixMillis) -> Vec<Pin> {
    let span = |asked: &Override| TimeSpan::new(asked.since.max(now), asked.ends);
    let pins = asked.map(|asked| Pin { span: span(asked), mode: asked.mode.clone() });
    pins.filter(|pin| !pin.span.is_empty()).collect()
}

/// Quarters of an hour from now on; the first one is what is left of the present one.
fn slots(ahead: &Ahead, now: UnixMillis) -> Vec<Slot> {
    let Some(window) = ahead.window else { return Vec::new() };
    let mut slots = Vec::new();
    let mut start = window.start;
    while start < window.end {
        let span = TimeSpan::lasting(start, QUARTER);
        let middle = start.plus(QUARTER / 2);
        let (Some(price), Some(load)) = (ahead.prices.at(middle), ahead.load_w.at(middle)) else { break };
        slots.push(Slot {
            span: TimeSpan::new(span.start.max(now), span.end),
            load_w: load.mean.max(0.0),
            pv_w: ahead.pv_w.at(middle).map_or(0.0, |band| band.mean.max(0.0)),
            import_price: price.import_per_kwh,
            export_price: price.export_per_kwh,
        });
        start = span.end;
    }
    slots.retain(|slot| slot.span.length() >= Duration::from_secs(1));
    slots
}
