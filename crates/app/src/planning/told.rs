//! A plan in the words of control, which follows it, and of the page, which shows it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use ohmstead_control::plan;
use ohmstead_model::{BatteryMode, Language, Moment, Timeline};
use ohmstead_planner::{FallbackReason, Origin, Plan, Problem, Why, main_reason, worth};
use ohmstead_web::{PlanBattery, PlanReason, PlanSlot, PlanStep};

use super::bank::Member;
use super::lack::Lack;
use super::problem::Ahead;

/// A plan with what it was made from.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) at: Moment,
    pub(crate) took: Duration,
    pub(crate) bank: Vec<Member>,
    pub(crate) problem: Problem,
    pub(crate) plan: Plan,
    pub(crate) missing: Vec<Lack>,
}

impl Made {
    /// For control: the batteries that the plan may steer.
    pub(crate) fn for_control(&self, zone: &TimeZone) -> plan::Plan {
        let reasons = self.plan.reasons(&self.problem);
        let mut steps: BTreeMap<_, Timeline<plan::Step>> = BTreeMap::new();
        for (number, member) in self.bank.iter().enumerate().filter(|(_, member)| member.acts) {
            let slots = self.problem.slots.iter().zip(&self.plan.modes).zip(&reasons).zip(&self.plan.by_hand);
            let of_battery = slots.filter_map(|(((slot, modes), reasons), by_hand)| {
                let (mode, why) = match by_hand.get(number)? {
                    // What was asked by hand is not the plan's to ask for. Where it ends early the battery follows the house
                    // until there is another plan.
                    true => (BatteryMode::Auto, &Why::Planned),
                    false => (modes.get(number)?.clone(), reasons.get(number)?),
                };
                let PlanReason { code, sentences } = in_words(why, zone);
                Some((
                    slot.span,
                    plan::Step { mode, why: plan::Why { code, sentences: Arc::new(sentences) } },
                ))
            });
            steps.insert(member.device.clone(), Timeline::of(of_battery));
        }
        plan::Plan { made: self.at, steps }
    }

    /// Whether it is no better than following the house because nothing better could be had.
    pub(crate) fn is_fallback(&self) -> bool {
        self.fallback().is_some()
    }

    /// Why it is no better than that.
    pub(crate) fn fallback(&self) -> Option<&FallbackReason> {
        match &self.plan.origin {
            Origin::Fallback(why) => Some(why),
            _ => None,
        }
    }

    /// For the page.
    pub(crate) fn for_page(&self, ahead: &Ahead, currency: &str, zone: &TimeZone) -> ohmstead_web::Plan {
        let (origin, trouble) = match &self.plan.origin {
            Origin::Found(_) => ("found", None),
            Origin::SelfConsumption => ("self_consumption", None),
            Origin::Kept(_) => ("kept", None),
            Origin::Fallback(why) => ("fallback", Some(cause_in_words(why))),
        };
        let mut missing = self.missing.clone();
        if let Some(lost) = self.plan.modes_lose_eur() {
            missing.push(Lack::ModesLose { lost, currency: currency.to_owned() });
        }
        ohmstead_web::Plan {
            made_at: self.at.unix,
            took_ms: self.took.as_secs_f64() * 1000.0,
            origin,
            trouble,
            currency: currency.to_owned(),
            batteries: self.bank.iter().map(battery).collect(),
            slots: self.slots(ahead, zone),
            cost: self.plan.in_modes.score_eur(),
            self_consumption_cost: self.plan.self_consumption.score_eur(),
            no_battery_cost: self.plan.no_battery.score_eur(),
            missing: missing.iter().map(Lack::in_words).collect(),
        }
    }

    fn slots(&self, ahead: &Ahead, zone: &TimeZone) -> Vec<PlanSlot> {
        let reasons = self.plan.reasons(&self.problem);
        let worths = worth(&self.problem, &self.plan.outcome);
        let outcome = &self.plan.in_modes;
        let all =
            outcome.slots.iter().zip(&self.problem.slots).zip(&self.plan.modes).zip(&reasons).enumerate();
        all.map(|(place, (((done, slot), modes), reasons))| {
            let price = ahead.prices.at(slot.span.start);
            let worth =
                worths.get(place).and_then(|worths| worths.iter().flatten().copied().reduce(f64::max));
            let steps = self.bank.iter().enumerate().map(|(number, member)| {
                let stored_wh = done.soc_wh[number];
                let capacity_wh = member.battery.capacity_wh;
                PlanStep {
                    mode: modes.get(number).cloned().unwrap_or(BatteryMode::Auto),
                    power_w: done.battery_w[number],
                    stored_wh,
                    soc_pct: (capacity_wh > 0.0).then(|| stored_wh / capacity_wh * 100.0),
                    reason: in_words(&reasons[number], zone),
                    by_hand_until: self.problem.batteries[number].pin(slot.span).map(|pin| pin.span.end),
                }
            });
            PlanSlot {
                span: slot.span,
                import_price: slot.import_price,
                export_price: slot.export_price,
                price_estimated: price.is_some_and(|price| price.estimated),
                load_w: slot.load_w,
                pv_w: done.pv_w,
                grid_w: done.grid_w,
                worth,
                cost: done.cost_eur,
                steps: steps.collect(),
                reason: in_words(&main_reason(&self.problem, outcome, place, reasons), zone),
            }
        })
        .collect()
    }
}

fn battery(member: &Member) -> PlanBattery {
    PlanBattery {
        device: member.device.clone(),
        acts: member.acts,
        capacity_wh: member.battery.capacity_wh,
        now_wh: member.battery.now_wh,
    }
}

fn in_words(why: &Why, zone: &TimeZone) -> PlanReason {
    PlanReason { code: why.code(), sentences: Language::ALL.map(|language| why.sentence(language, zone)) }
}

fn cause_in_words(why: &FallbackReason) -> PlanReason {
    PlanReason { code: why.code(), sentences: Language::ALL.map(|language| why.sentence(language)) }
}

#[cfg(test)]
mod tests {
    use ohmstead_control::Override;
    use ohmstead_model::{TimeSpan, UnixMillis};
    use ohmstead_planner::{Battery, Slot, Tuning, plan};

    use super::super::past::QUARTER;
    use super::super::problem::pins;
    use super::*;

    fn at(quarter: u32) -> UnixMillis {
        UnixMillis(1_795_248_000_000).plus(QUARTER * quarter)
    }

    fn asked(mode: &str, from: u32, to: u32) -> Override {
        Override {
            device: "a".parse().unwrap(),
            mode: mode.parse().unwrap(),
            asked_by: "rest".to_owned(),
            since: at(from),
            ends: at(to),
            asked_at: None,
        }
    }

    /// Eight quarters from the second on, of which somebody wants some otherwise.
    fn made(by_hand: &[Override]) -> Made {
        let slot = |quarter| Slot {
            span: TimeSpan::lasting(at(quarter), QUARTER),
            load_w: 500.0,
            pv_w: 0.0,
            import_price: 0.2,
            export_price: 0.1,
        };
        let battery = Battery {
            name: "a".to_owned(),
            capacity_wh: 5000.0,
            max_wh: 5000.0,
            now_wh: 4000.0,
            charge_max_w: 1000.0,
            discharge_max_w: 1000.0,
            pins: pins(by_hand.iter(), at(2)),
            ..Battery::default()
        };
        let problem =
            Problem { slots: (2..10).map(slot).collect(), batteries: vec![battery], ..Problem::default() };
        let plan = plan(&problem, None, &Tuning::default());
        let member =
            Member { device: "a".parse().unwrap(), acts: true, battery: problem.batteries[0].clone() };
        let (at, took, missing) = (Moment::default(), Duration::ZERO, Vec::new());
        Made { at, took, bank: vec![member], problem, plan, missing }
    }

    #[test]
    fn what_was_asked_by_hand_is_shown_until_its_end_and_not_asked_by_the_plan() {
        let made = made(&[asked("idle", 0, 4), asked("hold", 6, 7), asked("charge", 0, 2)]);
        let page = made.for_page(&Ahead::default(), "EUR", &TimeZone::UTC);
        let shown: Vec<_> = page.slots.iter().map(|slot| &slot.steps[0]).collect();
        let until: Vec<_> = shown.iter().map(|step| step.by_hand_until).collect();
        let expected = [Some(at(4)), Some(at(4)), None, None, Some(at(7)), None, None, None];
        assert_eq!(until, expected);
        let codes = shown.iter().map(|step| step.reason.code == "by_hand");
        assert!(codes.eq(expected.iter().map(Option::is_some)), "the reason says so");
        assert_eq!((&shown[0].mode, &shown[4].mode), (&BatteryMode::Idle, &BatteryMode::Hold));
        let control = made.for_control(&TimeZone::UTC);
        let steps = &control.steps[&made.bank[0].device];
        let steered = |quarter| steps.at(at(quarter)).expect("a step for every slot").mode.clone();
        assert_eq!([2, 3, 6].map(steered), [BatteryMode::Auto, BatteryMode::Auto, BatteryMode::Auto]);
    }
}
