//! From colours and price grids to prices of stretches of time.

use std::collections::BTreeSet;

use jiff::civil::{Date, Time};
use ohmstead_model::{PriceSource, TimeSpan, Timeline};

use super::{Colours, DAY_BEGINS, Odds, PEAK_ENDS, PriceTable, Rate, TariffDay, paris};
use crate::civil;
use crate::resolve::OneWay;

/// What a kilowatt hour from the grid costs in `window`. A day whose colour is not known has its expected price, by
/// `odds`; before the first grid of the table nothing is known.
pub fn import_prices(
    window: TimeSpan,
    colours: &Colours,
    table: &PriceTable,
    mut odds: impl FnMut(Date) -> Odds,
) -> Timeline<OneWay> {
    let times = BTreeSet::from([Time::midnight(), DAY_BEGINS, PEAK_ENDS]);
    let mut last: Option<(Date, Odds)> = None;
    let mut odds_of = move |date| match last {
        Some((of, odds)) if of == date => odds,
        _ => last.insert((date, odds(date))).1,
    };
    let pieces = civil::pieces(window, &paris(), &times);
    Timeline::of(pieces.into_iter().filter_map(|(span, civil)| {
        let (day, hours) = TariffDay::of_civil(civil)?;
        let grid = table.on(civil.date())?;
        let price = match colours.get(day.0) {
            Some(colour) => OneWay {
                per_kwh: grid.price(Rate { colour, hours }).per_kwh,
                estimated: false,
                source: PriceSource::Tempo(colour),
            },
            None => OneWay {
                per_kwh: grid.expected(hours, &odds_of(day.0)),
                estimated: true,
                source: PriceSource::ExpectedColour,
            },
        };
        Some((span, price))
    }))
}
