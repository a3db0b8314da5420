//! The walk through the past.

use ohmstead_model::{BatteryMode, TimeSpan};
use ohmstead_planner::{Problem, ProblemError, Slot, simulate_modes};
use thiserror::Error;

use crate::civil;
use crate::figures::{Figures, Replay};
use crate::home::{Home, length};
use crate::strategy::{Steering, Strategy};

/// Why a past cannot be replayed.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ReplayError {
    /// The window holds not even one step.
    #[error("the window from {} to {} (Unix ms) holds no whole step: choose a longer one", .0.start.0, .0.end.0)]
    Empty(TimeSpan),
    /// Nowhere in the window load, sun and price are all known.
    #[error("nothing is known of the window: load, sun and price never are at the same time")]
    NothingKnown,
    /// The batteries or the limits make no sense.
    #[error("batteries or limits of the site make no sense: {0}")]
    Site(ProblemError),
}

/// Lives `window` again under a strategy. Steps of which anything is not known are listed and left out.
pub fn replay(home: &Home<'_>, window: TimeSpan, strategy: Strategy<'_>) -> Result<Replay, ReplayError> {
    let steps = steps(home, window)?;
    let mut steering = Steering::of(strategy, home, steps[steps.len() - 1].end);
    let mut replay = Replay::default();
    let mut site = Problem { slots: Vec::new(), ..home.site.clone() };
    let mut checked = false;
    for span in steps {
        let dated = civil::on_wall(span.start, &home.zone).map(jiff::civil::DateTime::date);
        let (Some(slot), Some(date)) = (home.slot(span), dated) else {
            replay.miss(span);
            continue;
        };
        let modes = steering.modes(span.start, home, &site.batteries);
        let figures = live(&mut site, slot, modes, &mut checked)?;
        replay.add(date, figures);
    }
    if replay.days.is_empty() {
        return Err(ReplayError::NothingKnown);
    }
    let stored_wh: f64 = site.batteries.iter().map(|battery| battery.now_wh).sum();
    replay.left_wh = stored_wh - home.stored_wh();
    replay.left_eur = replay.left_wh / 1000.0 * home.left_eur_kwh;
    Ok(replay)
}

/// The whole steps of the window, by the clock of UTC.
fn steps(home: &Home<'_>, window: TimeSpan) -> Result<Vec<TimeSpan>, ReplayError> {
    let length = length(home.step);
    let step_ms = i64::try_from(length.as_millis()).expect("an hour at most");
    let first = -(-window.start.0).div_euclid(step_ms) * step_ms;
    let starts = (0..).map(|step| ohmstead_model::UnixMillis(first + step * step_ms));
    let spans = starts.map(|start| TimeSpan::lasting(start, length));
    let spans: Vec<_> = spans.take_while(|span| span.end <= window.end).collect();
    if spans.is_empty() { Err(ReplayError::Empty(window)) } else { Ok(spans) }
}

/// One step with the batteries in their modes; what they hold at its end is put into `site`.
fn live(
    site: &mut Problem,
    slot: Slot,
    modes: Vec<BatteryMode>,
    checked: &mut bool,
) -> Result<Figures, ReplayError> {
    site.slots = vec![slot];
    if !*checked {
        site.check().map_err(ReplayError::Site)?;
        *checked = true;
    }
    let outcome = simulate_modes(site, &[modes]);
    let slot = &outcome.slots[0];
    for (battery, stored_wh) in site.batteries.iter_mut().zip(&slot.soc_wh) {
        battery.now_wh = *stored_wh;
    }
    Ok(Figures::of(slot, &site.batteries))
}
