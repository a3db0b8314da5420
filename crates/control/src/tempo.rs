//! EDF Tempo: what the batteries do at night so that the dear day after it finds them full.
//!
//! ```text
//! 06:00 -- peak hours, colour of D: nothing is asked, the batteries serve the house -- 22:00
//! 22:00 -- off-peak hours, colour of D ------------------------------------------------ 06:00
//!          D+1 red, or not told and may be red   fill, then keep
//!          D+1 white, or not told                fill if the difference pays for losses and wear; else keep
//!          D+1 blue                              nothing is asked
//! ```
//!
//! To keep is to give nothing to the house at the price of the night what is worth the price of the day. Between two red
//! days the night is dear too, and still a fourth of the day: it is filled like any other.
//!
//! How full is what the battery measures. Of one whose state of charge is not known nothing is asked.

mod cause;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use ohmstead_model::{BatteryMode, DeviceId, DeviceState, Metric, Moment, Snapshot, TempoColour};
use ohmstead_tariff::tempo::{Assumed, Colours, Hours, Odds, PriceTable, Rate, TariffDay};
use ohmstead_units::Percent;

pub use cause::Cause;
pub use settings::Settings;

use crate::step::is_battery;
use crate::{Proposal, Reason, Who};

/// How far a full battery may fall before it is filled again in the same night.
const FALLS: f64 = 3.0;

/// What the proposer looks at.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// What is known of the devices.
    pub snapshot: &'a Snapshot,
    /// The modes that devices are known to be in because they were read back after a write.
    pub confirmed: &'a BTreeMap<DeviceId, BatteryMode>,
    /// The colours that were told.
    pub colours: &'a Colours,
    /// The prices of the contract.
    pub prices: &'a PriceTable,
}

/// What every battery should do now; nothing in peak hours, before a blue day, and where no price is known.
pub fn propose(view: View<'_>, now: Moment, settings: &Settings) -> Vec<Proposal> {
    let Some(aim) = aim(view, now, settings) else { return Vec::new() };
    let batteries =
        view.snapshot.devices().map(std::convert::AsRef::as_ref).filter(|device| is_battery(device));
    let meant = batteries.filter(|device| settings.means(&device.info.id));
    meant.filter_map(|battery| of_battery(&aim, battery, view, now, settings)).collect()
}

/// What a night is for.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Aim {
    /// Fill up to there, then keep it.
    Fill { until: Percent, cause: Cause, keeps: Cause },
    /// Give nothing to the house.
    Keep(Cause),
}

fn aim(view: View<'_>, now: Moment, settings: &Settings) -> Option<Aim> {
    let today = TariffDay::at(now.unix)?;
    let [peak, _] = today.periods(TempoColour::Blue)?;
    if peak.0.contains(now.unix) {
        return None;
    }
    let tomorrow = TariffDay(today.0.tomorrow().ok()?);
    match view.colours.assumed(tomorrow.0, now.unix) {
        Assumed::Known(TempoColour::Blue) => None,
        Assumed::Known(TempoColour::Red) => Some(before_red(Cause::BeforeRed, settings)),
        Assumed::TakenForRed if settings.unknown_is_red => Some(before_red(Cause::MayBeRed, settings)),
        Assumed::Known(TempoColour::White) => {
            let gain = gain(view, today, tomorrow, &Odds::certain(TempoColour::White), settings)?;
            Some(by_value(gain, Cause::BeforeWhite(cents(gain)), settings))
        }
        Assumed::TakenForRed | Assumed::Open(_) => {
            let gain = gain(view, today, tomorrow, &Odds::of(tomorrow.0, view.colours), settings)?;
            (gain > 0.0).then(|| by_value(gain, Cause::ColourUnknown(cents(gain)), settings))
        }
    }
}

fn before_red(cause: fn(Percent) -> Cause, settings: &Settings) -> Aim {
    let until = settings.red;
    Aim::Fill { until, cause: cause(until), keeps: Cause::KeptForRed }
}

fn by_value(gain: f64, cause: Cause, settings: &Settings) -> Aim {
    if gain > 0.0 && settings.white.0 > 0.0 {
        return Aim::Fill { until: settings.white, cause, keeps: Cause::KeptForDearer };
    }
    Aim::Keep(Cause::KeptForDearer)
}

/// What a kilowatt hour brings that the battery takes this night and gives tomorrow, in the tariff's currency.
fn gain(
    view: View<'_>,
    today: TariffDay,
    tomorrow: TariffDay,
    odds: &Odds,
    settings: &Settings,
) -> Option<f64> {
    let grid = |day: TariffDay| view.prices.on(day.0);
    let night = match view.colours.get(today.0) {
        Some(colour) => grid(today)?.price(Rate { colour, hours: Hours::OffPeak }).per_kwh,
        None => grid(today)?.expected(Hours::OffPeak, &Odds::of(today.0, view.colours)),
    };
    let day = grid(tomorrow)?.expected(Hours::Peak, odds);
    Some(day - night / settings.efficiency() - settings.wear.per_kwh)
}

#[expect(clippy::cast_possible_truncation, reason = "a price of energy is far below the range of i32")]
fn cents(gain: f64) -> i32 {
    (gain * 100.0).round() as i32
}

fn of_battery(
    aim: &Aim,
    battery: &DeviceState,
    view: View<'_>,
    now: Moment,
    settings: &Settings,
) -> Option<Proposal> {
    let soc = battery.number(Metric::BatterySoc, now).ok()?;
    let id = &battery.info.id;
    let (mode, cause) = match *aim {
        Aim::Fill { until, cause, keeps } => {
            let is_filling = matches!(view.confirmed.get(id), Some(BatteryMode::Charge { .. }));
            let lacks = if is_filling { soc < until.0 } else { soc < until.0 - FALLS };
            let fill = BatteryMode::Charge { power: settings.power, until: Some(until) };
            if lacks { (fill, cause) } else { (BatteryMode::Hold, keeps) }
        }
        Aim::Keep(cause) => (BatteryMode::Hold, cause),
    };
    Some(Proposal::wish(Who::Tempo, id.clone(), mode, Reason::Tempo(cause)))
}
