//! What the owner says of the colours of Tempo, whatever the services say.

use std::sync::Arc;

use jiff::civil::Date;
use ohmstead_model::{TempoColour, UnixMillis};
use ohmstead_outlook::{Manual, Outlook, TempoDay};
use ohmstead_tariff::tempo::{Colours, TariffDay};
use ohmstead_web::AheadError;

use super::super::looking;
use super::Door;
use super::calendar::NO_TEMPO;
use crate::store::Store;

impl Door {
    /// Says the colour of a day, or takes back what was said.
    pub(crate) async fn set_colour(
        &self,
        store: &Store,
        now: UnixMillis,
        date: Date,
        colour: Option<TempoColour>,
    ) -> Result<ohmstead_web::Tempo, AheadError> {
        let grids = self.site.borrow().grids().ok_or(NO_TEMPO)?;
        let today = TariffDay::at(now).ok_or(NO_TEMPO)?.0;
        if today.since(date).is_ok_and(|age| age.get_days().abs() > SAID_DAYS_MAX) {
            return Err(AheadError::TooFar(date));
        }
        if let Some(colour) = colour.filter(|colour| !Colours::default().may_be(date, *colour)) {
            return Err(AheadError::Impossible(date, colour));
        }
        let said = looking::say(store, &self.manual, today, (date, colour)).await;
        said.map_err(|error| AheadError::Unavailable(format!("it cannot be kept: {error}")))?;
        // Not only when the outlook comes round to it: who asked looks at the answer.
        self.outlook.send_modify(|outlook| *outlook = Arc::new(with_said(outlook, &self.manual.borrow())));
        self.tempo.send_replace(Some(Arc::new(looking::tempo(&self.outlook.borrow(), &grids, Some(today)))));
        self.tempo(now)
    }
}

/// Nobody knows the colour of a day that is further away.
const SAID_DAYS_MAX: i32 = 400;

/// The outlook with what the owner says now; a day of which that was taken back has what the sources say of it again.
fn with_said(outlook: &Outlook, manual: &Manual) -> Outlook {
    let mut changed = outlook.clone();
    changed.colours = std::mem::take(&mut changed.colours)
        .into_iter()
        .filter_map(|(date, day)| {
            let is_taken_back = day.is_said() && !manual.colours.contains_key(&date);
            Some((date, if is_taken_back { TempoDay::of_voices(day.voices)? } else { day }))
        })
        .collect();
    for (date, colour) in &manual.colours {
        let voices = changed.colours.remove(date).map(|day| day.voices).unwrap_or_default();
        changed.colours.insert(*date, TempoDay::said(*colour, voices));
    }
    changed
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn what_is_taken_back_leaves_the_sources_word() {
        let date: Date = "2026-12-02".parse().expect("a date");
        let voice = ohmstead_outlook::Voice {
            source: Arc::from("rte_site"),
            colour: TempoColour::White,
            since: UnixMillis(0),
            last: UnixMillis(0),
            is_provisional: true,
        };
        let told = ohmstead_outlook::TempoDay {
            colour: TempoColour::White,
            source: Arc::from("rte_site"),
            is_provisional: true,
            voices: vec![voice],
        };
        let outlook = Outlook { colours: BTreeMap::from([(date, told)]), ..Outlook::default() };
        let next = date.tomorrow().expect("a date");
        let said = Manual {
            colours: BTreeMap::from([(date, TempoColour::Red), (next, TempoColour::Blue)]),
            ..Manual::default()
        };
        let corrected = with_said(&outlook, &said);
        assert_eq!((corrected.colours[&date].colour, corrected.colours.len()), (TempoColour::Red, 2));
        assert_eq!(with_said(&corrected, &Manual::default()), outlook);
    }
}
