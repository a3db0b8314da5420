//! From what every source said to what counts: the first that is fresh, gaps from the next, the owner on top. Pure.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use ohmstead_model::{Timeline, UnixMillis};

use crate::held::{Dated, Held};
use crate::outlook::MANUAL;
use crate::{Manual, PriceGrid, Quantity, Sourced, TempoDay, Voice};

/// A source; they come in the order of trust.
pub(crate) struct Source<'h> {
    pub(crate) name: Arc<str>,
    pub(crate) held: &'h Held,
    /// Its forecasts are stale when it has not answered for so long.
    pub(crate) fresh_for: Duration,
}

/// The series that count, and the currency of their prices.
pub(crate) fn series(
    sources: &[Source<'_>],
    manual: &Manual,
    now: UnixMillis,
) -> (BTreeMap<Quantity, Timeline<Sourced>>, Option<String>) {
    // The first source that has prices decides on the currency; prices in another one cannot fill its gaps.
    let has_prices = |held: &Held| held.series.keys().any(|quantity| quantity.is_price());
    let currency = sources.iter().find(|it| has_prices(it.held)).and_then(|it| it.held.currency.clone());
    let quantities: BTreeSet<Quantity> =
        sources.iter().flat_map(|it| it.held.series.keys().copied()).collect();
    let mut merged: BTreeMap<_, Timeline<Sourced>> = BTreeMap::new();
    for quantity in quantities {
        let usable = |held: &Held| !quantity.is_price() || held.currency == currency;
        let usable: Vec<_> = sources.iter().filter(|it| usable(it.held)).collect();
        merged.insert(quantity, one_series(quantity, &usable, now));
    }
    if !manual.prices.is_empty() {
        let said = manual.prices.map(|_, value| Sourced {
            value: *value,
            source: MANUAL.into(),
            fetched_at: now,
            is_stale: false,
        });
        let known = merged.entry(Quantity::SpotPrice).or_default();
        *known = said.or(known);
    }
    (merged, currency)
}

fn one_series(quantity: Quantity, sources: &[&Source<'_>], now: UnixMillis) -> Timeline<Sourced> {
    let is_stale = |it: &Source<'_>| {
        !quantity.is_price() && it.held.fetched_at.is_none_or(|at| at < now.minus(it.fresh_for))
    };
    let mut ranked: Vec<_> = sources
        .iter()
        .filter_map(|it| Some((&it.name, it.held.series.get(&quantity)?, is_stale(it), it.held.fetched_at)))
        .collect();
    // Stable: the fresh ones stay in their order, of the stale ones the youngest goes first.
    ranked.sort_by_key(|(_, _, stale, at)| (*stale, if *stale { Reverse(*at) } else { Reverse(None) }));
    let mut merged = Timeline::default();
    for (name, known, is_stale, _) in ranked {
        let sourced = known.map(|_, Dated { value, fetched_at }| Sourced {
            value: *value,
            source: Arc::clone(name),
            fetched_at: *fetched_at,
            is_stale,
        });
        merged = merged.or(&sourced);
    }
    merged
}

/// The Tempo days of which anything is known.
pub(crate) fn colours(sources: &[Source<'_>], manual: &Manual) -> BTreeMap<Date, TempoDay> {
    let mut voices: BTreeMap<Date, Vec<Voice>> = BTreeMap::new();
    for Source { name, held, .. } in sources {
        for (day, said) in &held.colours {
            voices.entry(*day).or_default().push(Voice {
                source: Arc::clone(name),
                colour: said.colour,
                since: said.since,
                last: said.last,
                is_provisional: said.is_provisional(*day),
            });
        }
    }
    for day in manual.colours.keys() {
        voices.entry(*day).or_default();
    }
    voices.into_iter().filter_map(|(day, voices)| Some((day, judged(day, voices, manual)?))).collect()
}

fn judged(day: Date, voices: Vec<Voice>, manual: &Manual) -> Option<TempoDay> {
    match manual.colours.get(&day) {
        Some(colour) => Some(TempoDay::said(*colour, voices)),
        None => TempoDay::of_voices(voices),
    }
}

/// The grids of the first source that has any, and older or other ones of the next.
pub(crate) fn grids(sources: &[Source<'_>]) -> Vec<PriceGrid> {
    let mut merged: Vec<PriceGrid> = Vec::new();
    for grid in sources.iter().flat_map(|it| &it.held.grids) {
        if !merged.iter().any(|known| known.from == grid.from) {
            merged.push(grid.clone());
        }
    }
    merged.sort_by_key(|grid| grid.from);
    merged
}

#[cfg(test)]
mod tests {
    use ohmstead_model::{TempoColour, TimeSpan};

    use super::*;
    use crate::Answer;
    use crate::held::Said;
    use crate::parse::Left;

    const HOUR: i64 = 3_600_000;

    fn held(quantity: Quantity, hours: &[(i64, f64)], currency: &str, fetched_at: i64) -> Held {
        let slots = hours.iter().map(|(hour, value)| {
            (TimeSpan::new(UnixMillis(hour * HOUR), UnixMillis((hour + 1) * HOUR)), *value)
        });
        let mut held = Held::default();
        let answer = Answer::of(quantity, (Timeline::of(slots), Left::default())).priced_in(currency);
        held.take(answer, UnixMillis(fetched_at * HOUR));
        held
    }

    fn source<'h>(name: &str, held: &'h Held) -> Source<'h> {
        Source { name: name.into(), held, fresh_for: Duration::from_secs(6 * 3600) }
    }

    fn shown(merged: &Timeline<Sourced>) -> String {
        let slots = merged.slots().map(|(span, it)| {
            format!("{}:{}{}{}", span.start.0 / HOUR, it.value, it.source, if it.is_stale { "~" } else { "" })
        });
        slots.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_first_counts_the_next_fills_and_other_money_is_left_out() {
        let one = held(Quantity::SpotPrice, &[(0, 1.0), (2, 1.0)], "EUR", 0);
        let two = held(Quantity::SpotPrice, &[(0, 2.0), (1, 2.0)], "SEK", 0);
        let three = held(Quantity::SpotPrice, &[(1, 3.0), (2, 3.0), (3, 3.0)], "EUR", 0);
        let sources = [source("a", &one), source("b", &two), source("c", &three)];
        let (merged, currency) = series(&sources, &Manual::default(), UnixMillis(100 * HOUR));
        assert_eq!(shown(&merged[&Quantity::SpotPrice]), "0:1a 1:3c 2:1a 3:3c", "prices do not go stale");
        assert_eq!(currency.as_deref(), Some("EUR"));
        let price = TimeSpan::new(UnixMillis(HOUR), UnixMillis(3 * HOUR));
        let manual = Manual { prices: Timeline::of([(price, 9.0)]), ..Manual::default() };
        let (merged, _) = series(&sources, &manual, UnixMillis(0));
        assert_eq!(shown(&merged[&Quantity::SpotPrice]), "0:1a 1:9manual 3:3c");
    }

    #[test]
    fn a_stale_forecast_steps_back_behind_a_fresh_one() {
        let one = held(Quantity::PvPower, &[(10, 1.0), (11, 1.0)], "", 0);
        let two = held(Quantity::PvPower, &[(10, 2.0)], "", 2);
        let sources = [source("a", &one), source("b", &two)];
        let at =
            |now| shown(&series(&sources, &Manual::default(), UnixMillis(now * HOUR)).0[&Quantity::PvPower]);
        assert_eq!(at(6), "10:1a 11:1a");
        assert_eq!(at(7), "10:2b 11:1a~");
        assert_eq!(at(9), "10:2b~ 11:1a~", "of two stale ones the younger counts");
    }

    #[test]
    fn what_is_final_counts_and_who_disagrees_is_seen() {
        let day: Date = "2025-12-11".parse().unwrap();
        let said = |colour, stamp: &str| {
            let at = UnixMillis(stamp.parse::<jiff::Timestamp>().unwrap().as_millisecond());
            Held { colours: BTreeMap::from([(day, Said { colour, since: at, last: at })]), ..Held::default() }
        };
        let early = said(TempoColour::White, "2025-12-10T07:00:00+01:00");
        let late = said(TempoColour::Red, "2025-12-10T10:45:00+01:00");
        let sources = [source("a", &early), source("b", &late)];
        let merged = &colours(&sources, &Manual::default())[&day];
        assert_eq!((merged.colour, &*merged.source, merged.is_provisional), (TempoColour::Red, "b", false));
        assert!(merged.is_disputed());
        assert_eq!(merged.voices.iter().map(|it| it.is_provisional).collect::<Vec<_>>(), [true, false]);
        let merged = &colours(&sources[..1], &Manual::default())[&day];
        assert!(merged.is_provisional && !merged.is_disputed());
        let manual = Manual { colours: BTreeMap::from([(day, TempoColour::Blue)]), ..Manual::default() };
        let merged = &colours(&sources, &manual)[&day];
        assert_eq!((merged.colour, &*merged.source, merged.voices.len()), (TempoColour::Blue, "manual", 2));
        assert_eq!(colours(&[], &manual).len(), 1);
    }
}
