//! A limit and the panels behind an inverter: a limit says how much a device may make AC, a wish for a discharge how much
//! the battery supplies. What the panels send through the inverter is the difference.

use ohmstead_model::{BatteryMode, DeviceState, Metric, Moment};
use ohmstead_units::Watts;

use super::lever::has_discharge_setting;
use crate::{Bounds, Proposal, Who};

/// The sun moves with every reading; a discharge follows it in steps of so many watts.
const STEP_W: f64 = 50.0;
/// A discharge below this is none, and one that is not under way needs more to begin: it does not come and go with a cloud.
const LEAST_W: f64 = 50.0;
const BEGINS_W: f64 = 300.0;

/// Makes room for the panels where a discharge counts that a limit bounds. Where the panels alone make what the limit
/// leaves, the device follows the meter within it, or does not discharge if nothing bounds it then.
pub(crate) fn make_room(device: &DeviceState, proposals: &mut [Proposal], now: Moment) {
    let Some(BatteryMode::Discharge { .. }) = Proposal::counting(proposals) else { return };
    let through = through(device, now);
    let limits = proposals.iter().filter(|proposal| proposal.who == Who::Limiter);
    let left = limits.map(|limit| limit.bounds.highest().0).fold(f64::INFINITY, f64::min);
    if through <= 0.0 || left.is_infinite() {
        return;
    }
    let discharges =
        device.value(Metric::BatteryMode, now).is_ok_and(|mode| mode.value.as_str() == Some("discharge"));
    let room = left - through;
    if room < if discharges { LEAST_W } else { BEGINS_W } && has_discharge_setting(device) {
        let wishes = proposals.iter_mut().filter(|proposal| proposal.wants.is_some());
        if let Some(wish) = wishes.min_by_key(|proposal| proposal.who) {
            wish.wants = Some(BatteryMode::Auto);
        }
        return;
    }
    let room = if room < LEAST_W { 0.0 } else { room };
    for limit in proposals.iter_mut().filter(|proposal| proposal.who == Who::Limiter) {
        limit.bounds = limit.bounds.narrowed_by(Bounds::discharge_max(Watts(room)));
    }
}

/// What a device makes AC that its battery does not supply, W: no more than its panels give, for in a ramp one of the two
/// powers is told before the other.
fn through(device: &DeviceState, now: Moment) -> f64 {
    let number = |metric| device.number(metric, now).ok().filter(|number: &f64| number.is_finite());
    let powers = (number(Metric::InverterPower), number(Metric::BatteryPower), number(Metric::PvPower));
    let (Some(made), Some(supplied), Some(panels)) = powers else { return 0.0 };
    let through = (made - supplied).clamp(0.0, panels.max(0.0));
    (through / STEP_W).floor() * STEP_W
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ohmstead_model::{Allowed, DeviceInfo, Observed, Setting, Value};
    use rstest::rstest;

    use super::*;
    use crate::limiter::tests::MAX_DISCHARGE;
    use crate::{Reason, arbiter};

    fn device(made: f64, supplied: f64, panels: f64, mode: &str, has_lever: bool) -> DeviceState {
        let mut info = DeviceInfo::new("a".parse().unwrap(), "test", "nowhere");
        if has_lever {
            let allowed = Allowed::Range { min: 0.0, max: 100_000.0, step: 1.0 };
            info.settings.push(Setting { metric: MAX_DISCHARGE, allowed });
        }
        let mut device = DeviceState::new(Arc::new(info));
        let values = [
            (Metric::InverterPower, Value::Number(made)),
            (Metric::PvPower, Value::Number(panels)),
            (Metric::BatteryPower, Value::Number(supplied)),
            (Metric::BatteryMode, Value::text(mode)),
        ];
        for (metric, value) in values {
            device.values.insert(metric, Observed { observation: Ok(value), at: Moment::default() });
        }
        device
    }

    #[rstest]
    #[case::a_ramp(5_500.0, 4_000.0, 0.0, "discharge", true, "discharge 2000 W", None)]
    #[case::no_panels(4_000.0, 4_000.0, 0.0, "discharge", true, "discharge 2000 W", None)]
    #[case::losses_are_no_panels(3_800.0, 4_000.0, 0.0, "discharge", true, "discharge 2000 W", None)]
    #[case::panels(5_500.0, 4_000.0, 1_500.0, "discharge", true, "discharge 500 W", None)]
    #[case::too_many_panels(6_500.0, 4_000.0, 2_500.0, "discharge", true, "auto", Some(2_000.0))]
    #[case::hardly_any_room(1_900.0, 150.0, 1_750.0, "discharge", true, "discharge 250 W", None)]
    #[case::too_little_to_begin(1_900.0, 150.0, 1_750.0, "auto", true, "auto", Some(2_000.0))]
    #[case::enough_to_begin(1_800.0, 150.0, 1_650.0, "auto", true, "discharge 350 W", None)]
    #[case::without_a_lever(5_500.0, 4_000.0, 1_500.0, "discharge", false, "discharge 500 W", None)]
    #[case::nothing_can_be_bounded(6_500.0, 4_000.0, 2_500.0, "discharge", false, "hold", None)]
    fn the_panels_are_a_part_of_what_is_made(
        #[case] made: f64,
        #[case] supplied: f64,
        #[case] panels: f64,
        #[case] mode: &str,
        #[case] has_lever: bool,
        #[case] expected: &str,
        #[case] discharge_max: Option<f64>,
    ) {
        let device = device(made, supplied, panels, mode, has_lever);
        let id = device.info.id.clone();
        let limit = Reason::SiteLimit { limit: "multi_output".to_owned(), left: Watts(2_000.0) };
        let mut proposals = vec![
            Proposal::wish(Who::Override, id.clone(), "discharge 4 kW".parse().unwrap(), Reason::NobodyAsks),
            Proposal::bound(Who::Limiter, id.clone(), Bounds::discharge_max(Watts(2_000.0)), limit.clone()),
        ];
        make_room(&device, &mut proposals, Moment::default());
        let decided = arbiter::decide(&id, proposals, &[]);
        assert_eq!(decided.mode.map(|mode| mode.to_string()).as_deref(), Some(expected));
        assert_eq!(decided.discharge_max, discharge_max.map(Watts));
        assert_eq!(
            (decided.chosen, decided.bounded_by, decided.reason),
            (Some(Who::Override), vec![Who::Limiter], limit)
        );
    }

    #[test]
    fn what_is_not_bounded_is_as_it_was() {
        let device = device(5_500.0, 4_000.0, 1_500.0, "discharge", true);
        let id = device.info.id.clone();
        let mut proposals =
            vec![Proposal::wish(Who::Override, id, "discharge 4 kW".parse().unwrap(), Reason::NobodyAsks)];
        let before = proposals.clone();
        make_room(&device, &mut proposals, Moment::default());
        assert_eq!(proposals, before);
    }
}
