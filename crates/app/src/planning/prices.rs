//! What a kWh costs, from what is known of the market, of a supplier and of Tempo.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use ohmstead_model::{Price, TimeSpan, Timeline, UnixMillis};
use ohmstead_outlook::{Outlook, Quantity};
use ohmstead_tariff::tempo::{Assumed, Colours, Grid, TariffDay};
use ohmstead_tariff::{Formula, Tariff, Tariffs};

use crate::control::Tempo;

/// What is known of Tempo.
#[derive(Clone, Copy)]
pub(crate) struct Told<'t> {
    pub(crate) colours: &'t Colours,
    /// Price grids that were published.
    pub(crate) grids: &'t [Grid],
    /// The tariff day whose colour was not told in time, where that counts as red.
    pub(crate) taken_for_red: Option<Date>,
}

impl<'t> Told<'t> {
    /// As it was told, and nothing taken for red.
    pub(crate) fn of(tempo: Option<&'t Tempo>) -> Self {
        let nothing = ohmstead_tariff::Known::nothing();
        Self {
            colours: tempo.map_or(nothing.colours, |tempo| &tempo.colours),
            grids: tempo.map_or(&[], |tempo| tempo.prices.grids()),
            taken_for_red: None,
        }
    }

    /// The same, with tomorrow taken for red where its colour is late and may be that.
    pub(crate) fn late_is_red(self, now: UnixMillis) -> Self {
        let tomorrow = TariffDay::at(now).and_then(|day| day.0.tomorrow().ok());
        let is_late = |date: &Date| self.colours.assumed(*date, now) == Assumed::TakenForRed;
        Self { taken_for_red: tomorrow.filter(is_late), ..self }
    }
}

/// What is known of prices that are published day by day. None is in another currency than the site's.
pub(crate) struct Market<'m> {
    pub(crate) outlook: &'m Outlook,
    /// What the market asked on days that the outlook has forgotten: days to come are guessed from them.
    pub(crate) stored_spot_per_kwh: &'m Timeline<f64>,
    /// What import cost on such days, all in.
    pub(crate) stored_import_per_kwh: &'m Timeline<f64>,
    /// Whether a supplier is asked for what its customers pay. Its silence is not filled with what the market asks, which lacks
    /// what the supplier adds.
    pub(crate) of_supplier: bool,
}

/// What a kWh costs in `window`.
pub(crate) fn prices_of(
    tariffs: &Tariffs,
    market: &Market<'_>,
    tempo: Told<'_>,
    window: TimeSpan,
    zone: &TimeZone,
) -> Timeline<Price> {
    let spot = market.outlook.figures(Quantity::SpotPrice).or(market.stored_spot_per_kwh);
    let full = market.outlook.figures(Quantity::FullPrice);
    let import = match &tariffs.import {
        // What was stored is what the formula made of it, which here is nothing.
        Tariff::Market(formula) if market.of_supplier && *formula == Formula::default() => {
            full.or(market.stored_import_per_kwh)
        }
        _ if market.of_supplier => full,
        _ => spot.clone(),
    };
    let figures = ohmstead_tariff::Known {
        colours: tempo.colours,
        grids: tempo.grids,
        taken_for_red: tempo.taken_for_red,
        import_spot_per_kwh: &import,
        export_spot_per_kwh: &spot,
        ..ohmstead_tariff::Known::nothing()
    };
    ohmstead_tariff::prices(tariffs, figures, window, zone)
}
