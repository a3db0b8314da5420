//! What lies ahead, in figures: how old what is known of it is, how old and how good the plan is. Prices and colours of the
//! present are values of the house.

use ohmstead_model::{Moment, UnixMillis};

use crate::{Backend, Counter, Outlook, Planning};

type Labels = Vec<(&'static str, String)>;

/// All of them; of what is not configured or not known there is none.
pub(super) fn gauges(backend: &dyn Backend) -> Vec<Counter> {
    let now = backend.now();
    let mut gauges = plan(&backend.planning(), now);
    if let Ok(outlook) = backend.outlook() {
        gauges.extend(sources(&outlook, now.unix));
    }
    gauges
}

fn gauge(name: &'static str, help: &'static str, labels: Labels, value: f64) -> Counter {
    Counter { name, help, labels, value }
}

/// One series a source, also where it serves several purposes.
fn sources(outlook: &Outlook, now: UnixMillis) -> Vec<Counter> {
    let age = |source: &crate::SourceFigures| {
        let labels = vec![("kind", source.kind.clone()), ("source", source.name.clone())];
        let age_s = seconds(source.fetched_at?, now);
        Some(gauge(
            "source_age_seconds",
            "How long ago a source last answered something of use",
            labels,
            age_s,
        ))
    };
    outlook.sources.iter().filter_map(age).collect()
}

fn plan(planning: &Planning, now: Moment) -> Vec<Counter> {
    let acting = if planning.acting { 1.0 } else { 0.0 };
    let mut gauges = vec![gauge("plan_acting", "Whether the plan is carried out at present", vec![], acting)];
    let Some(plan) = planning.plan.as_deref() else { return gauges };
    gauges.push(gauge("plan_age_seconds", "Age of the plan", vec![], seconds(plan.made_at, now.unix)));
    let currency = || ("currency", plan.currency.clone());
    gauges.push(gauge("plan_cost", "What the plan costs until its end", vec![currency()], plan.cost));
    let saving = |against: &str, cost: f64| {
        let labels = vec![("against", against.to_owned()), currency()];
        gauge("plan_saving", "What the plan saves until its end", labels, cost - plan.cost)
    };
    gauges.push(saving("self_consumption", plan.self_consumption_cost));
    gauges.push(saving("no_battery", plan.no_battery_cost));
    gauges
}

fn seconds(from: UnixMillis, to: UnixMillis) -> f64 {
    to.0.saturating_sub(from.0).max(0) as f64 / 1000.0
}
