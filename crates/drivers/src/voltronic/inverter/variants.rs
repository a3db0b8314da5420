//! A unit that calls itself PI30 and may be a REVO: asked again until that is settled, and one from the moment on that any
//! of its answers shows it. See [`crate::voltronic::variant`].

use std::time::Duration;

use ohmstead_model::{Evidence, Metric, Observation, Reading, Unknown};

use super::recognising::{chosen, who};
use super::{Inverter, Unit};
use crate::Report;
use crate::voltronic::families::Family;
use crate::voltronic::frame::Payload;
use crate::voltronic::identify::{self, LITHIUM, ONLY_REVO, WHO};
use crate::voltronic::link::{Answer, Failure};
use crate::voltronic::notices;
use crate::voltronic::presence::Kind;
use crate::voltronic::schedule::SETTINGS;
use crate::voltronic::setters::Known;
use crate::voltronic::settings::FamilySetting;
use crate::voltronic::table::Query;
use crate::voltronic::{decode, variant};

/// The first pause before the question is asked again; it doubles.
const AGAIN: Duration = Duration::from_secs(30);
/// The longest one.
const AGAIN_MAX: Duration = Duration::from_secs(3600);

impl Unit {
    /// Whether it is not known which variant of PI30 this is: then it is only read, without what differs. The owner's word
    /// settles what the unit keeps silent about, as long as its ratings do not say otherwise.
    pub(super) fn is_open(&self, setting: FamilySetting) -> bool {
        let named = matches!(setting, FamilySetting::Pi30 | FamilySetting::Pi30Max) && self.doubt.told;
        self.doubt.remains(self.family) && !named
    }
}

impl Inverter {
    pub(super) fn is_open(&self) -> bool {
        self.unit.as_ref().is_some_and(|unit| unit.is_open(self.settings.family))
    }

    /// When the question that only a REVO answers is due again (monotonic), if it is.
    pub(super) fn variant_due(&self) -> Option<Duration> {
        let unit = self.unit.as_ref()?;
        (unit.doubt.remains(unit.family) && !unit.doubt.refused).then_some(self.variant_due)
    }

    /// Asks it.
    pub(super) async fn ask_variant(&mut self) {
        let pause = AGAIN.saturating_mul(1 << self.variant_tries.min(7)).min(AGAIN_MAX);
        self.variant_due = self.now().mono + pause;
        self.variant_tries = self.variant_tries.saturating_add(1);
        match self.link.ask_clearly(&who(&LITHIUM), &who(&WHO)).await {
            Ok(answer) => {
                self.alive();
                self.take_variant(&answer);
            }
            Err(Failure::Gone(_)) => self.failed(Kind::NoPort),
            Err(failure) => {
                tracing::debug!(device = %self.id, command = LITHIUM.command, %failure, "which variant?");
            }
        }
    }

    fn take_variant(&mut self, answer: &Answer) {
        if !answer.payload.is_nak() {
            return self.turn_into_revo(LITHIUM.command, &answer.payload, ONLY_REVO.to_owned());
        }
        if let Some(unit) = self.unit.as_mut() {
            unit.doubt.refused = true;
        }
        self.show(LITHIUM.command, "NAK".to_owned(), "the unit does not know it".to_owned());
        self.settle_variant();
    }

    /// Looks at an answer for what only a REVO would say. Returns the question as the unit's family means it.
    pub(super) fn look_for_revo(&mut self, query: &'static Query, payload: &Payload) -> &'static Query {
        let Some(unit) = self.unit.as_mut() else { return query };
        if !matches!(unit.family, Family::Pi30 | Family::Pi30Max) {
            return query;
        }
        let Some(sign) = variant::sign(query.command, payload.body()) else {
            if query.command == "QPIRI" && !unit.doubt.rated {
                let was_open = unit.is_open(self.settings.family);
                unit.doubt.take_ratings(payload.body());
                if was_open {
                    self.settle_variant();
                }
            }
            return query;
        };
        self.turn_into_revo(query.command, payload, identify::shape_of_revo(sign));
        Family::Revo.query(query.command).unwrap_or(query)
    }

    /// The unit is a REVO after all.
    fn turn_into_revo(&mut self, command: &str, payload: &Payload, means: String) {
        let Some(unit) = self.unit.as_mut() else { return };
        let before = unit.family;
        let (family, proven) = chosen(self.settings.family, Family::Revo);
        tracing::warn!(device = %self.id, command, means, "this is no PI30 but a REVO: it is only read from now on");
        (unit.family, unit.proven, unit.known) = (family, proven, Known::new(family));
        let rated_va = unit.decoder.rated_va;
        unit.decoder = decode::Context::new(self.settings.interval.0);
        unit.decoder.rated_va = rated_va;
        self.memory.family = Some(family.name().to_owned());
        self.show(command, identify::shown(payload), means);
        self.schedule.restart();
        self.forget_values(before, family);
        self.describe(family);
        self.lasting_notices(family, proven, Family::Revo);
        self.offer();
        self.report(Report::Info(self.info.clone()));
    }

    /// What was told under another family, and is not told under this one, is not known.
    fn forget_values(&mut self, before: Family, now: Family) {
        let told = now.metrics();
        let at = self.now();
        self.last = super::Last::default();
        let values = before.metrics().into_iter().filter(|metric| !told.contains(metric));
        let values = values.map(|metric| (metric, Err(Unknown::NotReported))).collect();
        self.report(Report::Reading(Reading { device: self.id.clone(), at, values }));
    }

    /// Draws the conclusion where nothing is open any more.
    fn settle_variant(&mut self) {
        if !self.is_open() {
            self.notices.remove(notices::VARIANT);
            for query in self.queries().filter(|query| SETTINGS.contains(&query.command)) {
                self.schedule.hurry(query.command);
            }
            self.offer();
        }
    }

    /// Values that mean another thing on a REVO are unknown while it may be one.
    pub(super) fn hold_back(&self, query: &Query, values: &mut [(Metric, Observation)]) {
        if !self.is_open() {
            return;
        }
        for (metric, observation) in values {
            if !variant::is_common(query.command, *metric) {
                *observation = Err(Unknown::missing("which variant of PI30 the inverter is"));
            }
        }
    }

    /// Puts a piece of evidence in the place of an earlier one.
    fn show(&mut self, what: &str, seen: String, means: String) {
        let mut evidence = self.evidence.clone();
        evidence.retain(|known| known.what != what);
        evidence.push(Evidence { what: what.to_owned(), seen, means });
        self.tell(&evidence);
    }
}
