//! A unit that works in a parallel set: which of them it is, and the values of all together.

use ohmstead_model::{Metric, Observation};

use super::Inverter;
use super::asking::complaint;
use crate::voltronic::link::Answer;
use crate::voltronic::native;
use crate::voltronic::schedule::is_of_set;
use crate::voltronic::settings::ParallelSetting;
use crate::voltronic::table::Query;

/// The values that become sums, and the names under which the unit's own are told then.
pub(super) const OWN: &[(Metric, Metric)] = &[
    (Metric::LoadPower, native::UNIT_LOAD_POWER),
    (Metric::PvPower, native::UNIT_PV_POWER),
    (Metric::BatteryPower, native::UNIT_BATTERY_POWER),
];

impl Inverter {
    /// Takes in what was told about one unit of the set, and puts the values of all in the place of this unit's where the
    /// owner wants that.
    pub(super) fn take_set(
        &mut self,
        query: &'static Query,
        answer: &Answer,
        values: &mut Vec<(Metric, Observation)>,
    ) {
        let total = self.settings.parallel == ParallelSetting::Total;
        let now = self.now().mono;
        let Some(unit) = self.unit.as_mut() else { return };
        let several = unit.known.in_set && unit.set.len() > 1;
        if !is_of_set(query.command) {
            if total && several {
                // Its own values go on under names of their own.
                for (metric, _) in values.iter_mut() {
                    if let Some((_, own)) = OWN.iter().find(|(of_all, _)| of_all == metric) {
                        *metric = *own;
                    }
                }
            }
            return;
        }
        let index = query.command.bytes().last().map_or(0, |digit| digit.wrapping_sub(b'0'));
        if !unit.set.take(index, &answer.payload, answer.at.mono) && index > 0 {
            self.schedule.put_off(query.command, now);
        }
        if unit.known.in_set {
            unit.known.unit = unit.set.index_of(self.memory.serial.as_deref());
        }
        let totals = unit.set.totals();
        let fault = unit
            .set
            .members()
            .into_iter()
            .find(|member| member.index == index)
            .and_then(|member| member.fault);
        let wanted = |metric: &Metric| *metric == Metric::ParallelUnits || (total && several);
        values.retain(|(metric, _)| !totals.iter().any(|(known, _)| known == metric));
        values.extend(totals.into_iter().filter(|(metric, _)| wanted(metric)));
        self.states.insert(query.command, fault.map(complaint).into_iter().collect());
    }
}
