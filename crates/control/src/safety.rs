//! What a battery itself allows, before anything is asked of it.
//!
//! A device that follows the meter by itself keeps its battery's limits by itself; they are bounds only where a power is
//! wanted of it.

use ohmstead_model::{BatteryMode, DeviceState, Metric, Moment};
use ohmstead_units::Watts;

use crate::{Bounds, Proposal, Reason, Who};

/// BMS limits are current times voltage and change with every reading: they are taken in steps of this size, W.
const STEP: f64 = 100.0;

/// The bounds for a device of which a power is wanted: what its BMS allows, and no discharge of a battery whose state of
/// charge is not known. A limit that the battery does not tell is none, and one that allows nothing is kept by the BMS
/// itself. Only the wish that counts is looked at.
pub(crate) fn propose(device: &DeviceState, proposals: &[Proposal], now: Moment) -> Vec<Proposal> {
    let wish = Proposal::counting(proposals);
    let charges = matches!(wish, Some(BatteryMode::Charge { .. }));
    let discharges = matches!(wish, Some(BatteryMode::Discharge { .. }));
    let step = |watts: f64| Some(Watts((watts / STEP).floor() * STEP)).filter(|most| most.0 > 0.0);
    let limit = |metric| device.number(metric, now).ok().and_then(step);
    let bound = |bounds, reason| Proposal::bound(Who::Safety, device.info.id.clone(), bounds, reason);
    let charge = limit(Metric::BatteryChargePowerMax)
        .filter(|_| charges)
        .map(|most| bound(Bounds::charge_max(most), Reason::BmsLimit(most)));
    let discharge = limit(Metric::BatteryDischargePowerMax)
        .filter(|_| discharges)
        .map(|most| bound(Bounds::discharge_max(most), Reason::BmsLimit(most)));
    let blind = discharges && device.number(Metric::BatterySoc, now).is_err();
    let blind = blind.then(|| bound(Bounds::NO_DISCHARGE, Reason::SocUnknown));
    [charge, discharge, blind].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ohmstead_model::{DeviceInfo, Observed, Value};
    use rstest::rstest;

    use super::*;
    use crate::arbiter;

    #[rstest]
    #[case::within("discharge 500 W", Some(50.0), "discharge 500 W")]
    #[case::more_than_the_bms_allows("discharge 5 kW", Some(50.0), "discharge 2000 W")]
    #[case::charging("charge 5 kW", Some(50.0), "charge 1000 W")]
    #[case::as_much_as_possible("charge", Some(50.0), "charge 1000 W")]
    #[case::blind("discharge 500 W", None, "hold")]
    #[case::blind_charging("charge 500 W", None, "charge 500 W")]
    #[case::follows_by_itself("auto", None, "auto")]
    fn a_power_stays_within_what_the_battery_allows(
        #[case] wish: &str,
        #[case] soc: Option<f64>,
        #[case] expected: &str,
    ) {
        let now = Moment::default();
        let mut device = DeviceState::new(Arc::new(DeviceInfo::new("a".parse().unwrap(), "test", "nowhere")));
        let values = [
            (Metric::BatteryChargePowerMax, Some(1000.0)),
            (Metric::BatteryDischargePowerMax, Some(2000.0)),
            (Metric::BatterySoc, soc),
        ];
        for (metric, value) in values {
            if let Some(value) = value {
                device.values.insert(metric, Observed { observation: Ok(Value::Number(value)), at: now });
            }
        }
        let id = device.info.id.clone();
        let mut proposals =
            vec![Proposal::wish(Who::Override, id.clone(), wish.parse().unwrap(), Reason::NobodyAsks)];
        proposals.extend(propose(&device, &proposals, now));
        let decided = arbiter::decide(&id, proposals, &[]);
        assert_eq!(decided.mode.map(|mode| mode.to_string()).as_deref(), Some(expected));
    }
}
