//! What lies ahead, as the windows of the house see it: the outlook and the plan; the Tempo tariff (`calendar`), what the
//! owner says of it (`said`), and what it all came to (`money`).

mod calendar;
mod money;
mod said;

use std::sync::Arc;

use ohmstead_config::Config;
use ohmstead_control::plan::Plan;
use ohmstead_model::{Band, TimeSpan, UnixMillis};
use ohmstead_outlook::{Manual, Outlook, SourceStatus};
use ohmstead_planner::settings::Mode;
use ohmstead_tariff::tempo::TariffDay;
use ohmstead_web::{AheadError, AheadSlot, Expected, PlannerMode, Planning, SourceFigures};
use tokio::sync::watch;

use super::lack::Lack;
use super::past::QUARTER;
use super::{Shown, Site};
use crate::control::{Ahead, Tempo};

/// The ends of everything that lies ahead.
pub(crate) struct Door {
    pub(crate) site: watch::Sender<Site>,
    pub(crate) outlook: watch::Sender<Arc<Outlook>>,
    pub(crate) manual: watch::Sender<Manual>,
    pub(crate) tempo: watch::Sender<Option<Arc<Tempo>>>,
    pub(crate) plan: watch::Sender<Option<Arc<Plan>>>,
    pub(crate) shown: watch::Sender<Arc<Shown>>,
}

impl Door {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            site: watch::Sender::new(Site::of(config)),
            outlook: watch::Sender::new(Arc::default()),
            manual: watch::Sender::new(Manual::default()),
            tempo: watch::Sender::new(None),
            plan: watch::Sender::new(None),
            shown: watch::Sender::new(Arc::default()),
        }
    }

    /// What control looks at.
    pub(crate) fn for_control(&self) -> Ahead {
        Ahead { plan: self.plan.subscribe(), tempo: self.tempo.subscribe() }
    }

    /// Prices, colours and forecasts.
    pub(crate) fn outlook(&self, now: UnixMillis) -> Result<Arc<ohmstead_web::Outlook>, AheadError> {
        let site = self.site.borrow().clone();
        if site.tariffs.is_none() && site.panels.array.is_none() && self.outlook.borrow().sources.is_empty() {
            return Err(NO_TARIFFS);
        }
        let (outlook, shown) = (self.outlook.borrow().clone(), self.shown.borrow().clone());
        let colours = self.tempo.borrow().clone();
        let ahead = &shown.ahead;
        let window = ahead.window.unwrap_or(TimeSpan::lasting(super::past::floor(now), QUARTER));
        let mut slots = Vec::new();
        let mut start = window.start;
        while start < window.end {
            let span = TimeSpan::lasting(start, QUARTER);
            slots.push(slot(span, ahead, colours.as_deref()));
            start = span.end;
        }
        Ok(Arc::new(ohmstead_web::Outlook {
            at: now,
            currency: site.currency,
            offline: outlook.offline,
            slots,
            sources: outlook.sources.iter().map(|(name, status)| source(name, status)).collect(),
            missing: ahead.missing.iter().map(Lack::in_words).collect(),
        }))
    }

    /// The plan, or why there is none. `is_on` is whether the plan is switched on where it may act.
    pub(crate) fn planning(&self, is_on: Option<bool>) -> Planning {
        let (site, shown) = (self.site.borrow(), self.shown.borrow());
        let mode = match site.settings.mode {
            Mode::Off => PlannerMode::Off,
            Mode::Advise => PlannerMode::Advise,
            Mode::Act => PlannerMode::Act,
        };
        Planning {
            mode,
            read_only: false,
            acting: is_on == Some(true) && self.plan.borrow().is_some(),
            plan: shown.plan.clone(),
            why_none: shown.why_none.as_ref().map(Lack::in_words),
        }
    }
}

const NO_TARIFFS: AheadError = AheadError::NotConfigured {
    what: "what electricity costs",
    hint: "add tariffs: { import: { fixed: 0.25 EUR/kWh } } to the configuration, or tempo, zones, market",
};

fn slot(span: TimeSpan, ahead: &super::problem::Ahead, tempo: Option<&Tempo>) -> AheadSlot {
    let middle = span.start.plus(QUARTER / 2);
    let expected = |band: &Band| Expected { mean_w: band.mean, low_w: band.p10, high_w: band.p90 };
    let price = ahead.prices.at(middle);
    let day = TariffDay::at(middle);
    AheadSlot {
        span,
        import_price: price.map(|price| price.import_per_kwh),
        export_price: price.map(|price| price.export_per_kwh),
        price_estimated: price.is_some_and(|price| price.estimated),
        colour: tempo.and_then(|tempo| tempo.colours.get(day?.0)),
        load: ahead.load_w.at(middle).map(expected),
        pv: ahead.pv_w.at(middle).map(expected),
    }
}

fn source(name: &str, status: &SourceStatus) -> SourceFigures {
    SourceFigures {
        name: name.to_owned(),
        kind: status.kind.id().to_owned(),
        fetched_at: status.fetched_at,
        trouble: status.trouble.clone(),
        next_try: status.next_try,
        licence: status.licence.clone(),
    }
}
