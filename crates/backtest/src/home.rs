//! The house that is replayed: what was measured, what energy cost, and the batteries that it has or might have had.

use std::time::Duration;

use jiff::tz::TimeZone;
use ohmstead_forecast::Step;
use ohmstead_model::{Price, TimeSpan, Timeline};
use ohmstead_planner::{Problem, Slot};

/// A house and its past.
#[derive(Debug, Clone)]
pub struct Home<'h> {
    /// What it used without its batteries, W, as measured; what is not known is left out.
    pub load_w: &'h Timeline<f64>,
    /// What its panels gave, W, as measured; a site without panels has 0 throughout.
    pub pv_w: &'h Timeline<f64>,
    /// What energy cost, as it turned out.
    pub prices: &'h Timeline<Price>,
    /// The batteries, with what is in each at the beginning, and the limits of the site. Its slots are not looked at.
    pub site: Problem,
    /// How finely the past is replayed. Within a step everything is its mean.
    pub step: Step,
    /// The zone of its people's clocks.
    pub zone: TimeZone,
    /// What a stored kWh more at the end than at the beginning is credited with, EUR; one less is charged with it.
    pub left_eur_kwh: f64,
}

/// The length of a step.
pub(crate) fn length(step: Step) -> Duration {
    Duration::from_secs(match step {
        Step::Quarter => 900,
        Step::HalfHour => 1800,
        Step::Hour => 3600,
    })
}

impl Home<'_> {
    /// The step that begins with `span`, as it was; `None` if any part of load, sun or price is not known.
    pub(crate) fn slot(&self, span: TimeSpan) -> Option<Slot> {
        let load_w = sound(self.load_w.mean(span)?)?;
        let pv_w = sound(self.pv_w.mean(span)?)?;
        let (import_price, export_price) = mean_price(self.prices, span)?;
        Some(Slot { span, load_w, pv_w, import_price, export_price })
    }

    /// What is stored in all batteries at the beginning, Wh.
    pub(crate) fn stored_wh(&self) -> f64 {
        self.site.batteries.iter().map(|battery| battery.now_wh).sum()
    }
}

/// No power of a house: not a number, or negative by more than the noise of a meter at zero.
fn sound(power_w: f64) -> Option<f64> {
    (-100.0..=1e7).contains(&power_w).then_some(power_w.max(0.0))
}

/// The mean of both prices over a stretch, EUR/kWh; `None` if any part is not known.
pub(crate) fn mean_price(prices: &Timeline<Price>, span: TimeSpan) -> Option<(f64, f64)> {
    let (mut hours, mut import, mut export) = (0.0, 0.0, 0.0);
    for (held, price) in prices.touching(span) {
        let common = held.common(span).hours();
        hours += common;
        import += common * price.import_per_kwh;
        export += common * price.export_per_kwh;
    }
    let is_whole = hours > 0.0 && (hours - span.hours()).abs() < 1e-9;
    (is_whole && import.is_finite() && export.is_finite()).then_some((import / hours, export / hours))
}
