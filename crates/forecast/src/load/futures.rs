//! Ways in which the load may come. Bands say how far off each step may be by itself; whether a whole evening comes out high is
//! said by evenings that did. So a way is what is expected, with what was off in a stretch of the past of the same length at the
//! same time of day; in the next hours less of it, as far as the last hours tell what comes.

use ohmstead_model::{Band, Timeline};

use super::Learned;
use crate::Step;

/// `count` ways, from the latest stretches of the past. Where the history is too short for so many, the rest are the bands'
/// quantiles, in turn.
pub(super) fn of(learned: &Learned, bands: &Timeline<Band>, step: Step, count: usize) -> Vec<Timeline<f64>> {
    let days = bands.slots().len().div_ceil(step.per_day()).max(1);
    let begins = (days..).map_while(|back| learned.off.len().checked_sub(back * step.per_day()));
    let as_was = begins.map(|begin| way(learned, bands, begin));
    let quantiles = (0..).map(|number| bands.map(|_, band| band.quantiles()[number % Band::LEVELS.len()].max(0.0)));
    as_was.chain(quantiles).take(count).collect()
}

/// What was off from a cell of the past on, added to what is expected. An unknown cell was not off.
fn way(learned: &Learned, bands: &Timeline<Band>, begin: usize) -> Timeline<f64> {
    let mut off = learned.off[begin..].iter();
    let mut ahead = 0;
    bands.map(|_, band| {
        let off = off.next().copied().flatten().unwrap_or(0.0);
        let (_, narrowing) = learned.recent.ahead(ahead);
        ahead += 1;
        (band.mean + off * narrowing * learned.scale_w).max(0.0)
    })
}
