//! The Tempo tariff: its season, today and tomorrow.

use std::collections::BTreeMap;

use jiff::civil::Date;
use ohmstead_model::{TempoColour, UnixMillis};
use ohmstead_outlook::Outlook;
use ohmstead_tariff::tempo::{Colours, Hours, Odds, Rate, Season, TariffDay};
use ohmstead_web::{AheadError, ColourCount, ColourVoice, TempoDay};

use super::Door;

impl Door {
    /// The Tempo tariff.
    pub(crate) fn tempo(&self, now: UnixMillis) -> Result<ohmstead_web::Tempo, AheadError> {
        self.site.borrow().grids().ok_or(NO_TEMPO)?;
        let not_yet = || AheadError::Unavailable("nothing is known of the Tempo tariff yet".to_owned());
        let known = self.tempo.borrow().clone().ok_or_else(not_yet)?;
        let today = TariffDay::at(now).ok_or_else(not_yet)?;
        let season = Season::of(today.0);
        let outlook = self.outlook.borrow().clone();
        let said = self.manual.borrow().colours.clone();
        let day = |date: Date| tempo_day(date, &known.colours, &outlook, &said);
        let tally = known.colours.tally(season);
        let count = |colour| ColourCount { colour, used: tally.used(colour), left: tally.left(colour) };
        let no_grid = || {
            let date = today.0;
            AheadError::Unavailable(format!(
                "no prices of Tempo are known for {date}: is the clock of this machine set?"
            ))
        };
        let grid = known.prices.on(today.0).ok_or_else(no_grid)?;
        let price = |colour, hours| grid.price(Rate { colour, hours }).per_kwh;
        Ok(ohmstead_web::Tempo {
            season: season.days().next().unwrap_or(today.0),
            today: day(today.0),
            tomorrow: day(today.0.tomorrow().unwrap_or(today.0)),
            days: season.days().map(day).filter(|day| day.colour.is_some()).collect(),
            counts: TempoColour::ALL.map(count),
            prices: TempoColour::ALL
                .map(|colour| [Hours::OffPeak, Hours::Peak].map(|hours| price(colour, hours))),
            prices_since: grid.valid_from,
        })
    }
}

pub(super) const NO_TEMPO: AheadError = AheadError::NotConfigured {
    what: "the Tempo tariff",
    hint: "add tariffs: { import: { tempo: {} } } to the configuration",
};

fn tempo_day(
    date: Date,
    colours: &Colours,
    outlook: &Outlook,
    said: &BTreeMap<Date, TempoColour>,
) -> TempoDay {
    let told = outlook.colours.get(&date);
    // What may still change is shown, and marked, though nobody counts on it.
    let colour = colours.get(date).or(told.map(|day| day.colour));
    let voice = |voice: &ohmstead_outlook::Voice| ColourVoice {
        source: voice.source.to_string(),
        colour: voice.colour,
        since: voice.since,
        provisional: voice.is_provisional,
    };
    let odds = || {
        let odds = Odds::of(date, colours);
        TempoColour::ALL.map(|colour| odds.get(colour))
    };
    TempoDay {
        date,
        colour,
        provisional: told.is_some_and(|day| day.is_provisional),
        disputed: told.is_some_and(ohmstead_outlook::TempoDay::is_disputed),
        by_hand: said.contains_key(&date),
        voices: told.map(|day| day.voices.iter().map(voice).collect()).unwrap_or_default(),
        odds: colour.is_none().then(odds),
    }
}
