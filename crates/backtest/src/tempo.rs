//! The proposer that steers a house on the Tempo tariff, shown the simulated batteries as if they had been measured.

use std::collections::BTreeMap;
use std::sync::Arc;

use ohmstead_control::tempo::{self, View};
use ohmstead_model::{
    BatteryMode, DeviceId, DeviceInfo, DeviceState, Metric, Moment, Observed, Role, Snapshot, UnixMillis,
    Value,
};
use ohmstead_planner::Battery;
use ohmstead_tariff::tempo::PriceTable;

use crate::foresight::Foresight;

/// The proposer and what it looks at.
#[derive(Clone, Copy)]
pub struct TempoRule<'s> {
    /// Its settings. It is simplest to name no batteries: all of them are meant then.
    pub settings: &'s tempo::Settings,
    /// Who knows which colours were known.
    pub foresight: &'s dyn Foresight,
    /// The prices of the contract.
    pub prices: &'s PriceTable,
}

impl TempoRule<'_> {
    /// What it asks of each battery; `auto` where it asks for nothing.
    pub(crate) fn modes(
        &self,
        now: UnixMillis,
        batteries: &[Battery],
        last: &[BatteryMode],
    ) -> Vec<BatteryMode> {
        let moment = Moment { unix: now, ..Moment::default() };
        let colours = self.foresight.colours(now);
        let confirmed: BTreeMap<DeviceId, BatteryMode> =
            last.iter().enumerate().map(|(number, mode)| (id(number), mode.clone())).collect();
        let snapshot = measured(batteries, moment);
        let view =
            View { snapshot: &snapshot, confirmed: &confirmed, colours: &colours, prices: self.prices };
        let asked = tempo::propose(view, moment, self.settings);
        let mode_of = |number: usize| {
            let of_battery = asked.iter().find(|proposal| proposal.device == id(number));
            of_battery.and_then(|proposal| proposal.wants.clone()).unwrap_or(BatteryMode::Auto)
        };
        (0..batteries.len()).map(mode_of).collect()
    }
}

/// The device that stands for a battery.
fn id(number: usize) -> DeviceId {
    format!("battery_{number}").parse().expect("letters and digits")
}

fn measured(batteries: &[Battery], at: Moment) -> Snapshot {
    let mut snapshot = Snapshot::default();
    for (number, battery) in batteries.iter().enumerate() {
        let mut info = DeviceInfo::new(id(number), "backtest", "nowhere");
        info.roles = vec![Role::Battery];
        let mut device = DeviceState::new(Arc::new(info));
        if battery.capacity_wh > 0.0 {
            let soc = Value::Number(battery.now_wh / battery.capacity_wh * 100.0);
            device.values.insert(Metric::BatterySoc, Observed { observation: Ok(soc), at });
        }
        snapshot.insert(device);
    }
    snapshot
}
