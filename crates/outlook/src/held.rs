//! What one source has said so far, with the age of every word of it. A new answer is laid over it.

use std::collections::BTreeMap;

use jiff::Span;
use jiff::civil::{Date, Time};
use ohmstead_model::{TempoColour, TimeSpan, Timeline, UnixMillis};

use crate::answer::Lack;
use crate::provider::{TEMPO, midnight};
use crate::schedule::Memory;
use crate::{Answer, Failure, Kind, PriceGrid, Quantity};

/// A figure and when it was said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Dated {
    pub(crate) value: f64,
    pub(crate) fetched_at: UnixMillis,
}

/// A colour, since when it is said, and when it was said last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) colour: TempoColour,
    pub(crate) since: UnixMillis,
    pub(crate) last: UnixMillis,
}

impl Said {
    /// Whether it was last said before RTE commits to the colour of `day`.
    pub(crate) fn is_provisional(self, day: Date) -> bool {
        committed_at(day).is_none_or(|at| self.last < at)
    }
}

/// When RTE commits to the colour of a day: on the day before, at 10:30 in Paris.
fn committed_at(day: Date) -> Option<UnixMillis> {
    let time = Time::new(TEMPO.due.0, TEMPO.due.1, 0, 0).ok()?;
    let zoned = day.yesterday().ok()?.to_datetime(time).to_zoned(TEMPO.zone()).ok()?;
    Some(UnixMillis(zoned.timestamp().as_millisecond()))
}

/// Days of figures that are kept after they are over: for comparison with what came.
const DAYS_KEPT: u64 = 2;
/// No source looks further; what claims to has its stamps wrong.
const DAYS_AHEAD: u64 = 17;
/// Days of colours: a season and what is before it.
const COLOUR_DAYS_KEPT: i64 = 400;

/// Days of colours to come: RTE tells tomorrow's, and its calendar reaches a day further.
const COLOUR_DAYS_AHEAD: i64 = 2;

/// The days whose figures are kept.
pub(crate) fn window(now: UnixMillis) -> TimeSpan {
    let days = |count: u64| std::time::Duration::from_secs(count * 86_400);
    TimeSpan::new(now.minus(days(DAYS_KEPT)), now.plus(days(DAYS_AHEAD)))
}

/// All that one source has said.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Held {
    /// What the figures are of; see `Provider::identity`.
    pub(crate) identity: String,
    pub(crate) series: BTreeMap<Quantity, Timeline<Dated>>,
    pub(crate) colours: BTreeMap<Date, Said>,
    pub(crate) grids: Vec<PriceGrid>,
    pub(crate) currency: Option<String>,
    pub(crate) licence: Option<String>,
    pub(crate) refused: usize,
    pub(crate) fetched_at: Option<UnixMillis>,
    /// What was wrong with the last try, in words without secrets.
    pub(crate) trouble: Option<String>,
    pub(crate) memory: Memory,
}

/// Whether an answer said anything that was not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    Changed,
    Same,
}

impl News {
    fn or(self, other: Self) -> Self {
        if self == Self::Same { other } else { self }
    }
}

impl Held {
    /// Takes in what became of an ask. What is wrong, if anything is, comes in words.
    pub(crate) fn hear(&mut self, heard: Result<Answer, Failure>, now: UnixMillis) -> (News, Option<String>) {
        let withdrawn = heard.as_ref().map_or(News::Same, |answer| self.take_back(answer, now));
        match heard.and_then(|answer| answer.usable(window(now))) {
            Ok(mut answer) => {
                // What it did say counts, and the rest is a trouble like any other.
                let trouble = answer.lack.take().map(|Lack { what, why }| {
                    self.memory.failed(now, &why);
                    format!("{what}: {why}")
                });
                if trouble.is_none() {
                    self.memory.succeeded();
                }
                (self.take(answer, now).or(withdrawn), trouble)
            }
            Err(failure) => {
                if let Failure::Absurd { refused, .. } = failure {
                    self.refused = refused;
                }
                self.memory.failed(now, &failure);
                (withdrawn, Some(failure.to_string()))
            }
        }
    }

    /// Lays an answer over what is known.
    pub(crate) fn take(&mut self, answer: Answer, now: UnixMillis) -> News {
        let before = self.substance();
        if answer.currency.is_some() && answer.currency != self.currency {
            self.series.retain(|quantity, _| !quantity.is_price());
            self.currency = answer.currency;
        }
        let kept = window(now);
        for (quantity, timeline) in answer.series {
            let dated = timeline.map(|_, value| Dated { value: *value, fetched_at: now });
            let known = self.series.entry(quantity).or_default();
            *known = dated.or(known);
        }
        for known in self.series.values_mut() {
            *known = known.within(kept);
        }
        self.series.retain(|_, known| !known.is_empty());
        let too_late = self.take_colours(answer.colours, now);
        if !answer.grids.is_empty() {
            self.grids = answer.grids;
        }
        self.licence = answer.licence.or(self.licence.take());
        (self.refused, self.fetched_at) = (answer.refused + too_late, Some(now));
        if self.substance() == before { News::Same } else { News::Changed }
    }

    /// Takes the voice for days to come that the answer covers and has no colour for: the source has thought again. Who knows
    /// today's colour covers tomorrow.
    fn take_back(&mut self, answer: &Answer, now: UnixMillis) -> News {
        let today = crate::parse::today(now, &TEMPO.zone());
        let knows_today = answer.colours.contains_key(&today);
        let is_covered = |day: &Date| {
            answer.undecided.contains(day) || (knows_today && today.tomorrow().ok() == Some(*day))
        };
        let before = self.colours.len();
        self.colours.retain(|day, _| *day <= today || answer.colours.contains_key(day) || !is_covered(day));
        if self.colours.len() == before { News::Same } else { News::Changed }
    }

    /// Nobody knows a colour beyond the day after tomorrow: tells how many claim to, which are left out.
    fn take_colours(&mut self, mut colours: BTreeMap<Date, TempoColour>, now: UnixMillis) -> usize {
        let today = crate::parse::today(now, &TEMPO.zone());
        let last = today.checked_add(Span::new().days(COLOUR_DAYS_AHEAD)).unwrap_or(today);
        let told = colours.len();
        colours.retain(|day, _| *day <= last);
        let too_late = told - colours.len();
        for (day, colour) in colours {
            let said = self.colours.entry(day).or_insert(Said { colour, since: now, last: now });
            if said.colour != colour {
                *said = Said { colour, since: now, last: now };
            }
            said.last = now;
        }
        if let Ok(first) = today.checked_sub(Span::new().days(COLOUR_DAYS_KEPT)) {
            self.colours.retain(|day, _| (first..=last).contains(day));
        }
        too_late
    }

    /// All but when it was said, which changes with every answer. That a colour became final is a change.
    fn substance(&self) -> impl PartialEq + use<> {
        let figures: BTreeMap<_, Timeline<f64>> =
            self.series.iter().map(|(quantity, known)| (*quantity, known.map(|_, it| it.value))).collect();
        let colours: Vec<_> =
            self.colours.iter().map(|(day, said)| (*day, said.colour, said.is_provisional(*day))).collect();
        (figures, colours, self.grids.clone(), self.currency.clone(), self.licence.clone())
    }

    /// The end of what is known for certain, for sources that publish day by day.
    pub(crate) fn known_until(&self, kind: Kind) -> Option<UnixMillis> {
        match kind {
            Kind::Prices => {
                let prices = self.series.iter().filter(|(quantity, _)| quantity.is_price());
                prices.filter_map(|(_, known)| known.end()).max()
            }
            Kind::Colours => {
                let certain = self.colours.iter().rev().find(|(day, said)| !said.is_provisional(**day));
                Some(midnight(certain?.0.tomorrow().ok()?, &TEMPO.zone()))
            }
            Kind::Grids | Kind::Pv => None,
        }
    }

    /// Keeps only the memory of asks: the figures are of something else.
    pub(crate) fn forget_figures(&mut self, identity: String) {
        let memory = std::mem::take(&mut self.memory);
        // What the other settings were refused for says nothing about these.
        let asks = memory.asks;
        *self = Self { identity, memory: Memory { asks, ..Memory::default() }, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::parse::Left;

    fn instant(text: &str) -> UnixMillis {
        UnixMillis(text.parse::<Timestamp>().unwrap().as_millisecond())
    }

    fn of_colour(day: Date, colour: TempoColour) -> Answer {
        Answer { colours: BTreeMap::from([(day, colour)]), ..Answer::default() }
    }

    #[test]
    fn a_colour_is_final_when_it_was_said_after_half_past_ten() {
        let day: Date = "2025-12-11".parse().unwrap();
        let mut held = Held::default();
        let early = instant("2025-12-10T06:45:00+01:00");
        assert_eq!(held.take(of_colour(day, TempoColour::White), early), News::Changed);
        assert!(held.colours[&day].is_provisional(day));
        assert_eq!(held.known_until(Kind::Colours), None);
        let repeated = instant("2025-12-10T08:00:00+01:00");
        assert_eq!(held.take(of_colour(day, TempoColour::White), repeated), News::Same);
        let late = instant("2025-12-10T10:42:00+01:00");
        assert_eq!(held.take(of_colour(day, TempoColour::White), late), News::Changed, "it is final now");
        assert_eq!(held.colours[&day], Said { colour: TempoColour::White, since: early, last: late });
        assert_eq!(held.known_until(Kind::Colours), Some(instant("2025-12-12T00:00:00+01:00")));
        let changed = instant("2025-12-10T11:05:00+01:00");
        held.take(of_colour(day, TempoColour::Red), changed);
        assert_eq!(held.colours[&day], Said { colour: TempoColour::Red, since: changed, last: changed });
    }

    /// A source that takes back its word for tomorrow has no voice for it; what began stays, and so does what is not told of.
    #[test]
    fn a_word_that_is_taken_back_does_not_count() {
        let [today, tomorrow]: [Date; 2] = ["2025-12-10", "2025-12-11"].map(|day| day.parse().unwrap());
        let now = instant("2025-12-10T11:00:00+01:00");
        let of = |colours: &[Date], undecided: &[Date]| Answer {
            colours: colours.iter().map(|day| (*day, TempoColour::Red)).collect(),
            undecided: undecided.iter().copied().collect(),
            ..Answer::default()
        };
        let heard = |answer: Answer| {
            let mut held = Held::default();
            held.hear(Ok(of(&[today, tomorrow], &[])), now);
            let (news, trouble) = held.hear(Ok(answer), now.plus(std::time::Duration::from_secs(60)));
            let known: Vec<_> = held.colours.keys().map(|day| day.day()).collect();
            (known, news, trouble.is_some())
        };
        assert_eq!(
            heard(of(&[today], &[])),
            (vec![10], News::Changed, false),
            "who knows today covers tomorrow"
        );
        assert_eq!(
            heard(of(&[], &[tomorrow])),
            (vec![10], News::Changed, true),
            "undecided, and nothing else"
        );
        assert_eq!(heard(of(&[tomorrow], &[today])), (vec![10, 11], News::Same, false), "today has begun");
        assert_eq!(heard(of(&[], &[])), (vec![10, 11], News::Same, true), "nothing is told of any day");
    }

    #[test]
    fn colours_of_days_that_nobody_can_know_are_left_out() {
        let now = instant("2025-12-10T11:00:00+01:00");
        let mut held = Held::default();
        let days = ["2025-12-12", "2025-12-13", "2199-01-01"];
        let colours = days.map(|day| (day.parse().unwrap(), TempoColour::Red));
        held.take(Answer { colours: BTreeMap::from(colours), ..Answer::default() }, now);
        assert_eq!((held.colours.len(), held.refused), (1, 2));
        assert_eq!(held.known_until(Kind::Colours), None);
    }

    #[test]
    fn what_an_answer_leaves_out_stays_with_its_age() {
        let span = |from: i64, to: i64| TimeSpan::new(UnixMillis(from), UnixMillis(to));
        let prices = |slots: &[(i64, i64, f64)], currency: &str| {
            let slots = slots.iter().map(|(from, to, value)| (span(*from, *to), *value));
            Answer::of(Quantity::SpotPrice, (Timeline::of(slots), Left::default())).priced_in(currency)
        };
        let mut held = Held::default();
        let far = i64::MAX / 2;
        held.take(prices(&[(0, 10, 1.0), (10, 20, 2.0), (far, far + 1, 3.0)], "EUR"), UnixMillis(1));
        assert_eq!(
            held.known_until(Kind::Prices),
            Some(UnixMillis(20)),
            "stamps of the far future are wrong"
        );
        assert_eq!(held.take(prices(&[(0, 10, 1.0)], "EUR"), UnixMillis(2)), News::Same);
        let known = &held.series[&Quantity::SpotPrice];
        assert_eq!(known.at(UnixMillis(5)), Some(&Dated { value: 1.0, fetched_at: UnixMillis(2) }));
        assert_eq!(known.at(UnixMillis(15)), Some(&Dated { value: 2.0, fetched_at: UnixMillis(1) }));
        held.take(prices(&[(0, 10, 11.0)], "SEK"), UnixMillis(3));
        assert_eq!(held.series[&Quantity::SpotPrice].at(UnixMillis(15)), None, "kronor are no euros");
        let days = 3 * 86_400_000;
        held.take(Answer::default(), UnixMillis(days));
        assert!(held.series.is_empty(), "days that are over are dropped");
    }
}
