//! The planner's problem, put together from what is known.

use std::time::Duration;

use jiff::tz::TimeZone;
use ohmstead_control::Override;
use ohmstead_forecast::load::House;
use ohmstead_forecast::{Step, load};
use ohmstead_model::{Band, BatteryMode, Price, PriceSource, TimeSpan, Timeline, UnixMillis};
use ohmstead_outlook::{Outlook, Quantity};
use ohmstead_planner::settings::Settings;
use ohmstead_planner::{EndWorth, Future, Pin, Problem, Slot};
use ohmstead_tariff::{Tariff, Tariffs};
use ohmstead_units::Watts;

use super::bank::Member;
use super::lack::Lack;
use super::past::{Past, QUARTER, floor};
use super::prices::{Market, Told, prices_of};
use super::sun::{self, Basis, Panels, Sky};

/// Everything that is known, at one moment.
pub(crate) struct Known<'k> {
    pub(crate) now: UnixMillis,
    pub(crate) zone: &'k TimeZone,
    pub(crate) past: &'k Past,
    pub(crate) outlook: &'k Outlook,
    pub(crate) tempo: Told<'k>,
    pub(crate) tariffs: Option<&'k Tariffs>,
    /// Whether a supplier is asked for what its customers pay.
    pub(crate) of_supplier: bool,
    /// The currency of market prices that are left out because it is not the site's, and the site's.
    pub(crate) foreign: Option<(&'k str, &'k str)>,
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
    /// Ways in which that may come, each as likely as the others.
    pub(crate) loads_w: Vec<Timeline<f64>>,
    /// What the panels will give, W.
    pub(crate) pv_w: Timeline<Band>,
    /// What is missing or guessed.
    pub(crate) missing: Vec<Lack>,
}

/// In so many ways load and sun may come: more make a plan slower, and hardly better.
const FUTURES: usize = 7;

/// A slot that is shorter is none.
const SLOT_MIN: Duration = Duration::from_secs(1);

/// No battery of a house takes or gives so much, W.
const POWER_MAX_W: f64 = 1e6;

/// What is to be expected from now on for `horizon`.
pub(crate) fn ahead(known: &Known<'_>, horizon: Duration) -> Ahead {
    let window = TimeSpan::new(floor(known.now), floor(known.now).plus(horizon));
    let temperature_c = known.outlook.figures(Quantity::AirTemperature);
    let house = House { load_w: &known.past.load_w, temperature_c: &temperature_c, zone: known.zone };
    let load::Foretold { bands: load_w, futures: loads_w } =
        load::foretell(house, known.now, horizon + QUARTER, Step::Quarter, FUTURES);
    let held_back = known.past.held_back(UnixMillis(known.now.0 - sun::DAYS_MS * sun::LEARNED));
    let sky = Sky {
        held_back: &held_back,
        outlook: known.outlook,
        panels: known.panels,
        measured_w: &known.past.pv_w,
        foretold_w: &known.past.pv_foretold_w,
        now_w: known.pv_now_w,
        zone: known.zone,
    };
    let (pv_w, basis) = sun::forecast(&sky, known.now, window);
    let whole = known.tariffs.map(|tariffs| prices(tariffs, known, window)).unwrap_or_default();
    let prices = match known.tariffs {
        Some(tariffs) if !whole.gaps(window).is_empty() => {
            // A plan does not end where nobody knows what is paid for what is fed in: it counts on nothing for that, and says so.
            let import_alone = Tariffs { export: Tariff::default(), ..tariffs.clone() };
            let alone = self::prices(&import_alone, known, window);
            whole.or(&alone.map(|_, price| Price { estimated: true, ..*price }))
        }
        _ => whole.clone(),
    };
    let missing = missing(known, [&prices, &whole], window, basis);
    Ahead { window: Some(window), prices, load_w, loads_w, pv_w, missing }
}

fn prices(tariffs: &Tariffs, known: &Known<'_>, window: TimeSpan) -> Timeline<Price> {
    let market = Market {
        outlook: known.outlook,
        stored_spot_per_kwh: &known.past.spot_per_kwh,
        stored_import_per_kwh: &known.past.import_per_kwh,
        of_supplier: known.of_supplier,
    };
    prices_of(tariffs, &market, known.tempo, window, known.zone)
}

/// What is missing or guessed. Of the prices there are those that are planned with, and those whose both ways are known.
fn missing(
    known: &Known<'_>,
    [prices, whole]: [&Timeline<Price>; 2],
    window: TimeSpan,
    basis: Basis,
) -> Vec<Lack> {
    let mut missing = Vec::new();
    let hours = |spans: &[TimeSpan]| spans.iter().map(|span| span.hours()).sum::<f64>();
    if known.tariffs.is_none() {
        missing.push(Lack::NoTariffs);
    } else {
        let foreign =
            |(theirs, ours): (&str, &str)| Lack::ForeignPrices { theirs: theirs.into(), ours: ours.into() };
        missing.extend(known.foreign.map(foreign));
        let gaps = prices.gaps(window);
        if !gaps.is_empty() {
            missing.push(Lack::PriceGap { hours: hours(&gaps).ceil() });
        }
        let of = |is_meant: fn(&Price) -> bool| {
            let spans = whole.slots().filter(|(_, price)| is_meant(price)).map(|(span, _)| span);
            hours(&spans.collect::<Vec<_>>()).ceil()
        };
        let untold = of(|price| price.source == PriceSource::ExpectedColour);
        let unpaid = (hours(&whole.gaps(window)) - hours(&gaps)).ceil();
        let guessed = of(|price| price.estimated && price.source != PriceSource::ExpectedColour);
        if unpaid > 0.0 {
            missing.push(Lack::ExportUnknown { hours: unpaid });
        }
        if untold > 0.0 {
            missing.push(Lack::ColourNotTold { hours: untold });
        }
        if guessed > 0.0 {
            missing.push(Lack::PriceGuessed { hours: guessed });
        }
    }
    let learned = hours(&known.past.load_w.slots().map(|(span, _)| span).collect::<Vec<_>>());
    if learned < 7.0 * 24.0 {
        missing.push(Lack::FewHabits { hours: learned });
    }
    match basis {
        Basis::Power | Basis::Irradiance => {}
        Basis::None => missing.extend(known.panels.are_foretold.then_some(Lack::NoSun)),
        Basis::Old => missing.push(Lack::OldForecast),
        Basis::ClearSky => missing.push(Lack::SkyAsOfLate),
        Basis::LastDays => missing.push(Lack::SunAsOfLate),
    }
    missing
}

/// The problem of a bank. The time ahead ends where prices end.
pub(crate) fn problem(ahead: &Ahead, now: UnixMillis, bank: &[Member], settings: &Settings) -> Problem {
    let infinite = |power: Option<Watts>| power.map_or(f64::INFINITY, |power| power.0);
    let pins = bank.iter().flat_map(|member| &member.battery.pins);
    let mut problem = Problem {
        slots: cut(slots(ahead, now), pins),
        batteries: bank.iter().map(|member| member.battery.clone()).collect(),
        import_max_w: infinite(settings.import_max),
        export_max_w: infinite(settings.export_max),
        inverter_max_w: settings.inverter_max.map(|power| power.0),
        allow_battery_export: settings.battery_export,
        curtail: settings.curtail,
        end_worth: EndWorth::default(),
    };
    problem.end_worth = EndWorth::suggested(&problem);
    problem.settle_pins();
    problem
}

/// Why not even the present quarter of an hour can be planned.
pub(crate) fn why_no_slots(ahead: &Ahead) -> Lack {
    let of_prices = ahead.missing.iter().find(|lack| matches!(lack, Lack::NoTariffs | Lack::PriceGap { .. }));
    let now = ahead.window.map(|window| window.start.plus(QUARTER / 2));
    match (of_prices, now.and_then(|now| price_at(ahead, now))) {
        (_, Some(_)) => Lack::NoLoadNow,
        (Some(lack), None) => lack.clone(),
        (None, None) => Lack::NoPriceNow,
    }
}

/// The ways in which load and sun may come. Neither knows of the other, so dim days and hungry ones are mixed.
pub(crate) fn futures(ahead: &Ahead, problem: &Problem) -> Vec<Future> {
    let count = ahead.loads_w.len();
    let middle = |slot: &Slot| slot.span.start.plus(slot.span.length() / 2);
    let future = |(place, load_w): (usize, &Timeline<f64>)| {
        let share = (((place * 3) % count) as f64 + 0.5) / count as f64;
        let load = |slot: &Slot| load_w.at(middle(slot)).map_or(slot.load_w, |power| power.max(0.0));
        let sun =
            |slot: &Slot| ahead.pv_w.at(middle(slot)).map_or(slot.pv_w, |band| band.quantile(share).max(0.0));
        Future {
            load_w: problem.slots.iter().map(load).collect(),
            pv_w: problem.slots.iter().map(sun).collect(),
        }
    };
    ahead.loads_w.iter().enumerate().map(future).collect()
}

/// What was asked by hand of a battery, for its plan; what goes before stands first.
pub(crate) fn pins<'a>(asked: impl Iterator<Item = &'a Override>, now: UnixMillis) -> Vec<Pin> {
    let span = |asked: &Override| TimeSpan::new(asked.since.max(now), asked.ends);
    let pins = asked.map(|asked| Pin { span: span(asked), mode: possible(asked.mode.clone()) });
    pins.filter(|pin| !pin.span.is_empty()).collect()
}

/// A mode with figures that a plan can be made with: more than any battery gives is all that it gives.
fn possible(mode: BatteryMode) -> BatteryMode {
    let power = |power: Option<Watts>| power.filter(|power| (0.0..POWER_MAX_W).contains(&power.0));
    match mode {
        BatteryMode::Charge { power: asked, until } => {
            let until = until.filter(|until| (0.0..=100.0).contains(&until.0));
            BatteryMode::Charge { power: power(asked), until }
        }
        BatteryMode::Discharge { power: asked } => BatteryMode::Discharge { power: power(asked) },
        other => other,
    }
}

/// The price of an instant; one that is no number is none.
fn price_at(ahead: &Ahead, instant: UnixMillis) -> Option<&Price> {
    let is_known = |price: &&Price| price.import_per_kwh.is_finite() && price.export_per_kwh.is_finite();
    ahead.prices.at(instant).filter(is_known)
}

/// The slots, cut where something that was asked by hand begins or ends: a slot is by hand, or it is the plan's.
fn cut<'a>(slots: Vec<Slot>, pins: impl Iterator<Item = &'a Pin>) -> Vec<Slot> {
    let mut cuts: Vec<_> = pins.flat_map(|pin| [pin.span.start, pin.span.end]).collect();
    cuts.sort_unstable();
    let mut pieces = Vec::with_capacity(slots.len());
    for mut slot in slots {
        for at in &cuts {
            let rest = TimeSpan::new(*at, slot.span.end);
            let first = TimeSpan::new(slot.span.start, *at);
            if first.length() >= SLOT_MIN && rest.length() >= SLOT_MIN {
                pieces.push(Slot { span: first, ..slot.clone() });
                slot.span = rest;
            }
        }
        pieces.push(slot);
    }
    pieces
}

/// Quarters of an hour from now on; the first one is what is left of the present one.
fn slots(ahead: &Ahead, now: UnixMillis) -> Vec<Slot> {
    let Some(window) = ahead.window else { return Vec::new() };
    let mut slots = Vec::new();
    let mut start = window.start;
    while start < window.end {
        let span = TimeSpan::lasting(start, QUARTER);
        let middle = start.plus(QUARTER / 2);
        let load = ahead.load_w.at(middle).filter(|load| load.mean.is_finite());
        let (Some(price), Some(load)) = (price_at(ahead, middle), load) else { break };
        slots.push(Slot {
            span: TimeSpan::new(span.start.max(now), span.end),
            load_w: load.mean.max(0.0),
            pv_w: ahead.pv_w.at(middle).map_or(0.0, |band| band.mean.max(0.0)),
            import_price: price.import_per_kwh,
            export_price: price.export_per_kwh,
        });
        start = span.end;
    }
    slots.retain(|slot| slot.span.length() >= SLOT_MIN);
    slots
}

#[cfg(test)]
mod tests;
