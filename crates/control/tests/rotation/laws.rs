//! What holds for any sequence of inputs.

use std::time::Duration;

use ohmstead_control::Reason;
use ohmstead_model::{BatteryMode, DeviceId, Metric, Moment};
use proptest::prelude::*;

use crate::house::House;

const NAMES: [&str; 3] = ["a", "b", "c"];

/// What one battery tells in a cycle.
#[derive(Debug, Clone, Copy)]
struct Told {
    online: bool,
    soc: Option<f64>,
    /// It does what it is told.
    obeys: bool,
    power: Option<f64>,
}

/// What there is in a cycle.
#[derive(Debug, Clone)]
struct Input {
    seconds: u64,
    grid: Option<f64>,
    batteries: [Told; 3],
}

fn told() -> impl Strategy<Value = Told> {
    let soc = prop_oneof![1 => Just(None), 8 => (0_u8..=100).prop_map(|soc| Some(f64::from(soc)))];
    let power = prop_oneof![1 => Just(None), 4 => (-2_500.0..2_500.0).prop_map(Some)];
    (prop::bool::weighted(0.9), soc, prop::bool::weighted(0.8), power)
        .prop_map(|(online, soc, obeys, power)| Told { online, soc, obeys, power })
}

fn input() -> impl Strategy<Value = Input> {
    let grid = prop_oneof![1 => Just(None), 3 => (-3_000.0..3_000.0).prop_map(Some)];
    let seconds = prop_oneof![6 => 1_u64..8, 3 => 20_u64..200, 1 => 600_u64..90_000];
    (seconds, grid, [told(), told(), told()]).prop_map(|(seconds, grid, batteries)| Input {
        seconds,
        grid,
        batteries,
    })
}

/// Inputs that stay for a while, so that thresholds are reached.
fn inputs() -> impl Strategy<Value = Vec<Input>> {
    prop::collection::vec((input(), 1_usize..12), 1..40).prop_map(|spells| {
        spells.into_iter().flat_map(|(input, cycles)| std::iter::repeat_n(input, cycles)).collect()
    })
}

fn house(more: &str) -> House {
    let mut house = House::new(&[("a", 50.0), ("b", 50.0), ("c", 50.0)], more);
    house.obedient = false;
    house
}

fn feed(house: &mut House, input: &Input) {
    house.now = house.now.plus(Duration::from_secs(input.seconds));
    house.grid = input.grid;
    for (name, told) in NAMES.iter().zip(input.batteries) {
        house.online(name, told.online);
        house.socs.insert(name, told.soc);
        house.number(name, Metric::BatteryPower, told.power);
    }
    house.cycle();
    let obeying: Vec<DeviceId> = NAMES
        .iter()
        .zip(input.batteries)
        .filter(|(_, told)| told.obeys && told.online)
        .map(|(name, _)| name.parse().unwrap())
        .collect();
    for proposal in &house.proposals {
        if let Some(mode) = proposal.wants.clone().filter(|_| obeying.contains(&proposal.device)) {
            house.confirmed.insert(proposal.device.clone(), mode);
        }
    }
}

fn wanted<'h>(house: &'h House, is: impl Fn(&BatteryMode) -> bool + 'h) -> Vec<&'h str> {
    let matching = house.proposals.iter().filter(move |proposal| proposal.wants.as_ref().is_some_and(&is));
    matching.map(|proposal| proposal.device.as_str()).collect()
}

fn active(house: &House) -> Vec<&str> {
    wanted(house, |mode| *mode == BatteryMode::Auto)
}

fn available(told: &Told) -> bool {
    told.online && told.soc.is_some()
}

const NIGHT: &str = "night: { energy: 14 kWh }";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn two_are_never_both_active_beyond_the_overlap(inputs in inputs(), share in any::<bool>()) {
        let mut house = house(if share { "mode: share" } else { NIGHT });
        let mut together: Option<(Vec<String>, Moment)> = None;
        for input in inputs {
            feed(&mut house, &input);
            let now = house.now;
            let both: Vec<String> = active(&house).iter().map(|name| (*name).to_owned()).collect();
            prop_assert!(both.len() <= 2, "{}", house.wishes());
            together = match together {
                Some((before, since)) if both.len() == 2 && before == both => Some((before, since)),
                _ => (both.len() == 2).then_some((both, now)),
            };
            if let Some((both, since)) = &together {
                prop_assert!(now.since(*since) < Duration::from_secs(5), "{both:?} since {:?}", now.since(*since));
            }
        }
    }

    #[test]
    fn one_is_active_while_any_is_available_and_they_are_not_stopped(inputs in inputs()) {
        let mut house = house("");
        for input in inputs {
            feed(&mut house, &input);
            if house.state.is_stopped("day") {
                prop_assert!(active(&house).is_empty());
            } else if input.batteries.iter().any(available) {
                let active = active(&house);
                prop_assert!(!active.is_empty());
                let is_online = |name: &str| NAMES.iter().zip(input.batteries).any(|(n, told)| *n == name && told.online);
                prop_assert!(active.iter().any(|name| is_online(name)), "{active:?} of {input:?}");
            }
        }
    }

    /// Also: an unknown meter never causes a switch.
    #[test]
    fn no_switch_within_the_lock_or_without_the_meter_but_for_low_or_lost_ones(inputs in inputs()) {
        let mut house = house("");
        let mut switched: Option<Moment> = None;
        for input in inputs {
            let before = house.state.active("day").cloned();
            let was_stopped = house.state.is_stopped("day");
            feed(&mut house, &input);
            let after = house.state.active("day").cloned();
            if before == after {
                continue;
            }
            if after.is_none() {
                // All were sent to rest, which is no switch; the next one counts from here.
                switched = Some(house.now);
                continue;
            }
            let held = before.as_ref().and_then(|before| NAMES.iter().zip(input.batteries).find(|(name, _)| **name == before.as_str()));
            let lost = held.is_some_and(|(_, told)| !told.online);
            let low = held.is_some_and(|(_, told)| told.soc.is_some_and(|soc| soc < 13.0));
            let refused = house.verdicts.iter().any(|verdict| {
                verdict.device == before && verdict.finding.code() == "rotation_did_not_take_over"
            });
            if (before.is_some() && !lost && !low && !refused) || was_stopped {
                let lately = switched.is_some_and(|switched| house.now.since(switched) < Duration::from_secs(300));
                prop_assert!(!lately, "{before:?} -> {after:?}");
                prop_assert!(input.grid.is_some(), "{before:?} -> {after:?} without a meter");
            }
            switched = Some(house.now);
        }
    }

    #[test]
    fn an_unknown_state_of_charge_is_never_charged_by_overflow_or_night(inputs in inputs()) {
        let mut house = house(NIGHT);
        for input in inputs {
            feed(&mut house, &input);
            for name in wanted(&house, |mode| matches!(mode, BatteryMode::Charge { .. })) {
                let told = NAMES.iter().zip(input.batteries).find(|(n, _)| **n == name).unwrap().1;
                prop_assert!(available(&told), "{name} of {input:?}");
            }
        }
    }

    #[test]
    fn the_same_inputs_lead_to_the_same_wishes(inputs in inputs(), share in any::<bool>()) {
        let run = || {
            let mut house = house(if share { "mode: share" } else { NIGHT });
            let wishes: Vec<_> = inputs.iter().map(|input| {
                feed(&mut house, input);
                (house.wishes(), house.findings())
            }).collect();
            (wishes, house.state)
        };
        prop_assert_eq!(run(), run());
    }

    #[test]
    fn a_share_is_never_more_than_one_battery_may_and_changes_no_faster_than_it_should(inputs in inputs()) {
        let mut house = house("mode: share");
        let mut before: Vec<(String, String, Moment)> = Vec::new();
        for input in inputs {
            feed(&mut house, &input);
            let now = house.now;
            for proposal in house.proposals.iter().filter(|proposal| matches!(proposal.reason, Reason::Share(_))) {
                let Some(BatteryMode::Charge { power: Some(power), .. } | BatteryMode::Discharge { power: Some(power) }) = &proposal.wants else { continue };
                prop_assert!((0.0..=2_500.0).contains(&power.0));
                let (name, mode) = (proposal.device.to_string(), proposal.wants.as_ref().unwrap().to_string());
                match before.iter_mut().find(|(device, ..)| *device == name) {
                    Some((_, last, at)) if *last != mode => {
                        prop_assert!(now.since(*at) >= Duration::from_secs(10), "{last} -> {mode}");
                        (*last, *at) = (mode, now);
                    }
                    Some(_) => {}
                    None => before.push((name, mode, now)),
                }
            }
        }
    }
}
