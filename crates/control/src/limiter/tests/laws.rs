//! What holds for any input.

use proptest::prelude::*;

use super::house::{Device, Limiter, Metric, at, discharge_of, snapshot};
use crate::limiter::{Limit, Name, Settings};
use ohmstead_units::Watts;

/// What one cycle sees: the output if it is known, how it is shared between two devices, and the time to the next cycle.
#[derive(Debug, Clone)]
struct Seen {
    output: Option<f64>,
    share: f64,
    pause: f64,
}

fn seen() -> impl Strategy<Value = Seen> {
    let output = prop_oneof![
        8 => (-5_000.0..60_000.0).prop_map(Some),
        8 => (9_000.0..11_000.0).prop_map(Some),
        2 => Just(None),
    ];
    // Mostly a second, now and then a long gap, or a cycle at once.
    let pause = prop_oneof![6 => Just(1.0), 1 => 0.0..1.0, 1 => 1.0..90.0];
    (output, 0.0..1.0, pause).prop_map(|(output, share, pause)| Seen { output, share, pause })
}

/// Runs of the same, for much depends on how long something lasts.
fn life() -> impl Strategy<Value = Vec<Seen>> {
    let run = (seen(), 1..45_usize).prop_map(|(seen, times)| vec![seen; times]);
    prop::collection::vec(run, 1..12).prop_map(|runs| runs.concat())
}

fn limit() -> impl Strategy<Value = Limit> {
    let powers = (5_000.0..15_000.0, 0.0..4_000.0, 10.0..20_000.0, 0.0..2_000.0);
    (powers, prop::bool::weighted(0.2)).prop_map(|((max, floor, step, hysteresis), at_once)| Limit {
        floor: Some(Watts(floor)),
        step: Watts(if at_once { f64::INFINITY } else { step }),
        hysteresis: Watts(hysteresis),
        ..Limit::of(Watts(max))
    })
}

/// What a cycle led to.
#[derive(Debug, Clone, PartialEq)]
struct Cycle {
    bound: Option<f64>,
    /// What was proposed for the two devices.
    proposed: [Option<f64>; 2],
    /// Power that is known, of both devices together and at least 0 for each.
    controlled: Option<f64>,
    measured: Option<f64>,
    /// Time since the cycle before, as far as it counts.
    passed: f64,
    /// The time.
    now: f64,
}

fn run(life: &[Seen], limit: &Limit) -> Vec<Cycle> {
    let mut limiter = Limiter::new("{}");
    limiter.settings = Settings { multi_output: Some(limit.clone()), ..Settings::default() };
    let (mut now, mut passed) = (0.0, 0.0);
    let mut cycles = Vec::new();
    for seen in life {
        let (a, b) = (Device::gx("a"), Device::gx("b"));
        let powers = seen.output.map(|output| [output * seen.share, output * (1.0 - seen.share)]);
        let moment = at(now);
        let devices = match powers {
            Some([first, second]) => [
                a.shows(Metric::InverterPower, first, moment),
                b.shows(Metric::InverterPower, second, moment),
            ],
            None => [a.shows(Metric::InverterPower, 1.0, moment), b.lost(Metric::InverterPower, moment)],
        };
        let (proposals, _) = limiter.step(&snapshot(devices), moment);
        cycles.push(Cycle {
            bound: limiter.state.held(Name::MultiOutput).map(|(bound, _)| bound.0),
            proposed: ["a", "b"].map(|name| discharge_of(&proposals, name)),
            controlled: powers.map(|powers| powers.map(|power| power.max(0.0)).iter().sum()),
            measured: powers.map(|powers| powers.iter().sum()),
            passed,
            now,
        });
        now += seen.pause;
        passed = seen.pause.min(1.0);
    }
    cycles
}

proptest! {
    #[test]
    fn between_floor_and_what_was_measured(life in life(), limit in limit()) {
        let ceiling = limit.hysteresis.0 + limit.max.0 * 0.1;
        let floor = limit.floor.unwrap().0;
        let mut before: Option<f64> = None;
        for cycle in run(&life, &limit) {
            if let Some(bound) = cycle.bound {
                prop_assert!(bound.is_finite() && bound >= floor, "{cycle:?}");
                match (before, cycle.controlled) {
                    (None, power) => prop_assert!(bound <= power.unwrap().max(floor) + 1e-6, "{cycle:?}"),
                    (Some(before), Some(power)) if bound > before => {
                        prop_assert!(bound <= power + ceiling + 1e-6, "{cycle:?}");
                    }
                    _ => {}
                }
            }
            before = cycle.bound;
        }
    }

    #[test]
    fn the_ramp_is_never_exceeded(life in life(), limit in limit()) {
        for pair in run(&life, &limit).windows(2) {
            let (Some(before), Some(after)) = (pair[0].bound, pair[1].bound) else { continue };
            let step = if pair[1].passed > 0.0 { limit.step.0 * pair[1].passed } else { 0.0 };
            prop_assert!(before - after <= step + 1e-3 && after - before <= step / 10.0 + 1e-3, "{pair:?}");
        }
    }

    /// It goes down only while too much is measured, and up only while less is.
    #[test]
    fn the_direction_is_right(life in life(), limit in limit()) {
        for pair in run(&life, &limit).windows(2) {
            let (Some(before), Some(after), Some(measured)) = (pair[0].bound, pair[1].bound, pair[1].measured) else {
                continue;
            };
            prop_assert!(after >= before || measured > limit.max.0, "{pair:?}");
            prop_assert!(after <= before || measured < limit.max.0, "{pair:?}");
        }
    }

    #[test]
    fn what_is_unknown_changes_nothing_but_by_the_release(life in life(), limit in limit()) {
        let mut since = None;
        for pair in run(&life, &limit).windows(2) {
            if pair[1].measured.is_some() {
                since = None;
                continue;
            }
            let since = *since.get_or_insert(pair[1].now);
            let may_release = pair[1].now - since >= 10.0 - 1e-6;
            let same = pair[1].proposed == pair[0].proposed;
            prop_assert!(if may_release { pair[1].bound.is_none() } else { same }, "{pair:?}");
        }
    }

    #[test]
    fn what_is_not_exceeded_proposes_nothing(life in life(), limit in limit()) {
        let limit = Limit { max: Watts(60_001.0), ..limit };
        for cycle in run(&life, &limit) {
            prop_assert_eq!((cycle.bound, cycle.proposed), (None, [None, None]));
        }
    }

    #[test]
    fn shares_make_the_whole(life in life(), limit in limit()) {
        for cycle in run(&life, &limit) {
            let sum = cycle.proposed.iter().flatten().sum::<f64>();
            prop_assert!(cycle.proposed.iter().flatten().all(|power| power.is_finite() && *power >= 0.0));
            // Whole watts.
            prop_assert!((sum - cycle.bound.unwrap_or(0.0)).abs() <= 1.0 + 1e-6, "{cycle:?}");
        }
    }

    #[test]
    fn the_same_leads_to_the_same(life in life(), limit in limit()) {
        prop_assert_eq!(run(&life, &limit), run(&life, &limit));
    }
}
