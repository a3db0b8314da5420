//! Why hours, or all of them, cannot be replayed: which of load, sun and price is missing, and of which time there is something.

use jiff::tz::TimeZone;
use ohmstead_model::{Price, TimeSpan, Timeline};

use super::past::{Past, reach};
use super::window::date;

/// What is wanted, and what there is of it.
pub(super) struct Wanted<'w> {
    pub(super) window: TimeSpan,
    pub(super) past: &'w Past,
    pub(super) prices: &'w Timeline<Price>,
    /// Of which time prices are known, in words, and what to do for more.
    pub(super) of_prices: &'w str,
    pub(super) zone: &'w TimeZone,
}

/// Powers of a house, W: what is beyond is replayed as unknown, see `ohmstead_backtest`.
const POWERS_W: std::ops::RangeInclusive<f64> = -100.0..=1e7;

impl Wanted<'_> {
    /// Why nothing at all can be replayed.
    pub(super) fn nothing(&self) -> String {
        let of = [self.window.start, self.window.end].map(|at| date(at, self.zone));
        let mut lines = vec![format!("nothing of {} to {} can be replayed:", of[0], of[1])];
        lines.push(format!("- load: {}", self.power(&self.past.load_w, self.past.load_reach)));
        lines.push(format!("- sun: {}", self.power(&self.past.pv_w, self.past.pv_reach)));
        let prices = hours(self.prices, self.window);
        lines.push(format!("- price: known for {prices:.0} h of it; {}", self.of_prices));
        let sound = |known: &Timeline<f64>| hours(&sound(known), self.window) > 0.0;
        if prices > 0.0 && sound(&self.past.load_w) && sound(&self.past.pv_w) {
            lines.push("they are never known at the same time".to_owned());
        }
        lines.join("\n")
    }

    /// Why some hours were not replayed; what is missing most is not told from what is missing too.
    pub(super) fn some(&self, unknown_h: f64) -> String {
        let whole = self.window.hours();
        let lacks = [
            ("load", whole - hours(&sound(&self.past.load_w), self.window)),
            ("sun", whole - hours(&sound(&self.past.pv_w), self.window)),
            ("price", whole - hours(self.prices, self.window)),
        ];
        let lacks = lacks.iter().filter(|(_, lack)| *lack >= 0.5);
        let lacks: Vec<_> = lacks.map(|(name, lack)| format!("{name} of {lack:.0} h")).collect();
        format!("{unknown_h:.0} h are in no figure; not known: {}", lacks.join(", "))
    }

    /// What there is of a power.
    fn power(&self, known: &Timeline<f64>, elsewhere: Option<TimeSpan>) -> String {
        let known_h = hours(known, self.window);
        if known_h > 0.0 {
            let odd_h = known_h - hours(&sound(known), self.window);
            let odd = if odd_h < 0.01 {
                String::new()
            } else {
                format!(
                    ", {odd_h:.0} h of that are no power of a house, for they are below {} W or above {:.0} MW: what the house uses and what the sun gives are positive",
                    POWERS_W.start(),
                    POWERS_W.end() / 1e6
                )
            };
            return format!("known for {known_h:.0} h of it{odd}");
        }
        match elsewhere.or_else(|| reach(known)) {
            Some(span) => {
                let of = [span.start, span.end].map(|at| date(at, self.zone));
                format!("none of that time; there is some of {} to {}", of[0], of[1])
            }
            None => "none at all".to_owned(),
        }
    }
}

/// Without what is no power of a house.
fn sound(known: &Timeline<f64>) -> Timeline<f64> {
    let sound = known.slots().filter(|(_, power)| POWERS_W.contains(*power));
    Timeline::of(sound.map(|(span, power)| (span, *power)))
}

fn hours<T: Clone>(known: &Timeline<T>, window: TimeSpan) -> f64 {
    known.touching(window).fold(0.0, |sum, (span, _)| sum + span.common(window).hours())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use expect_test::{Expect, expect};
    use ohmstead_model::{PriceSource, UnixMillis};
    use rstest::rstest;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    /// 2026-11-01, UTC.
    const START: UnixMillis = UnixMillis(1_793_491_200_000);

    fn powers(from_h: u32, values: &[f64]) -> Timeline<f64> {
        let spans = (from_h..).map(|hour| TimeSpan::lasting(START.plus(HOUR * hour), HOUR));
        Timeline::of(spans.zip(values.iter().copied()))
    }

    fn said(load_w: Timeline<f64>, pv_w: Timeline<f64>, price_h: u32) -> String {
        let past = Past { load_reach: reach(&load_w), pv_reach: reach(&pv_w), load_w, pv_w };
        let price = Price {
            import_per_kwh: 0.2,
            export_per_kwh: 0.0,
            estimated: false,
            source: PriceSource::Contract,
        };
        let priced = TimeSpan::lasting(START, HOUR * price_h);
        let wanted = Wanted {
            window: TimeSpan::lasting(START, HOUR * 24),
            past: &past,
            prices: &Timeline::of([(priced, price)]),
            of_prices: "as the contract says",
            zone: &TimeZone::UTC,
        };
        format!("{}\n{}", wanted.nothing(), wanted.some(24.0))
    }

    #[rstest]
    #[case::another_time(powers(48, &[300.0; 24]), powers(48, &[0.0; 24]), 24, expect![[r#"
        nothing of 2026-11-01 to 2026-11-02 can be replayed:
        - load: none of that time; there is some of 2026-11-03 to 2026-11-04
        - sun: none of that time; there is some of 2026-11-03 to 2026-11-04
        - price: known for 24 h of it; as the contract says
        24 h are in no figure; not known: load of 24 h, sun of 24 h"#]])]
    #[case::negative(powers(0, &[-300.0; 24]), powers(0, &[0.0; 24]), 24, expect![[r#"
        nothing of 2026-11-01 to 2026-11-02 can be replayed:
        - load: known for 24 h of it, 24 h of that are no power of a house, for they are below -100 W or above 10 MW: what the house uses and what the sun gives are positive
        - sun: known for 24 h of it
        - price: known for 24 h of it; as the contract says
        24 h are in no figure; not known: load of 24 h"#]])]
    #[case::no_price(powers(0, &[300.0; 24]), powers(0, &[0.0; 24]), 0, expect![[r#"
        nothing of 2026-11-01 to 2026-11-02 can be replayed:
        - load: known for 24 h of it
        - sun: known for 24 h of it
        - price: known for 0 h of it; as the contract says
        24 h are in no figure; not known: price of 24 h"#]])]
    #[case::apart(powers(0, &[300.0; 6]), powers(6, &[0.0; 6]), 24, expect![[r#"
        nothing of 2026-11-01 to 2026-11-02 can be replayed:
        - load: known for 6 h of it
        - sun: known for 6 h of it
        - price: known for 24 h of it; as the contract says
        they are never known at the same time
        24 h are in no figure; not known: load of 18 h, sun of 18 h"#]])]
    #[case::no_load(Timeline::default(), Timeline::default(), 24, expect![[r#"
        nothing of 2026-11-01 to 2026-11-02 can be replayed:
        - load: none at all
        - sun: none at all
        - price: known for 24 h of it; as the contract says
        24 h are in no figure; not known: load of 24 h, sun of 24 h"#]])]
    fn what_is_missing_is_said_with_what_there_is(
        #[case] load_w: Timeline<f64>,
        #[case] pv_w: Timeline<f64>,
        #[case] price_h: u32,
        #[case] expected: Expect,
    ) {
        expected.assert_eq(&said(load_w, pv_w, price_h));
    }
}
