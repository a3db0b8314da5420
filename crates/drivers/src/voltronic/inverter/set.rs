//! A unit that works in a parallel set: which of them it is, and the values of all together.

use ohmstead_model::{Metric, Observation, Value};

use super::asking::{FIRST, OF_SET, SECOND, complaint};
use super::{Inverter, Trackers};
use crate::voltronic::decode::within;
use crate::voltronic::families::{Family, pi30};
use crate::voltronic::link::Answer;
use crate::voltronic::native;
use crate::voltronic::parallel::{index_of, second_tracker};
use crate::voltronic::schedule::{Expected, is_of_set};
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
        let of_set = is_of_set(query.command);
        if of_set {
            self.take_member(query, answer);
            self.take_second_tracker(query, answer, values);
        }
        let oldest = answer.at.mono.saturating_sub(self.schedule.set_age_max());
        let Some(unit) = self.unit.as_ref() else { return };
        let total = self.settings.parallel == ParallelSetting::Total;
        let sums = total && unit.known.in_set && unit.set.len() > 1;
        if sums {
            // Its own values go on under names of their own.
            for (metric, _) in values.iter_mut() {
                if let Some((_, own)) = OWN.iter().find(|(of_all, _)| of_all == metric) {
                    *metric = *own;
                }
            }
        }
        if of_set {
            let totals = unit.set.totals(oldest).into_iter();
            values.extend(totals.filter(|(metric, _)| *metric == Metric::ParallelUnits || sums));
        }
    }

    fn take_member(&mut self, query: &'static Query, answer: &Answer) {
        let now = self.now().mono;
        let Some(unit) = self.unit.as_mut() else { return };
        let (index, side) = (index_of(query.command), unit.decoder.side);
        if !unit.set.take(query.command, &answer.payload, side, answer.at.mono) && query.command != OF_SET {
            let expected = if unit.set.expects(index) { Expected::Back } else { Expected::Nobody };
            self.schedule.put_off(query.command, now, expected);
        }
        if unit.known.in_set {
            unit.known.unit = unit.set.index_of(self.memory.serials());
        }
        let fault_of = |index: u8| unit.set.members().find(|member| member.index == index)?.fault;
        self.states.insert(query.command, fault_of(index).map(complaint).into_iter().collect());
        // Who has left complains no more.
        let is_there = |index: u8| unit.set.members().any(|member| member.index == index);
        self.states.retain(|command, _| !is_of_set(command) || is_there(index_of(command)));
    }

    /// Some units refuse to tell of their second tracker themselves, but tell of it as units of a set, a single one too.
    fn take_second_tracker(
        &mut self,
        query: &'static Query,
        answer: &Answer,
        values: &mut Vec<(Metric, Observation)>,
    ) {
        if self.is_open() || self.memory.may_answer(SECOND) {
            return;
        }
        let Some(unit) = self.unit.as_mut() else { return };
        if !matches!(unit.family, Family::Pi30 | Family::Pi30Max) {
            return;
        }
        let was = unit.trackers;
        match second_tracker(&answer.payload) {
            None => unit.trackers = Trackers::Settled,
            Some((volts, amperes)) if unit.known.unit == Some(index_of(query.command)) => {
                unit.trackers = Trackers::Settled;
                self.schedule.ask_often(query.command);
                // Where there is none it stands at zero, day and night.
                if unit.decoder.has("pv2") || volts != Ok(0.0) {
                    let watts =
                        volts.clone().and_then(|volts| within(volts * amperes.clone()?, 0.0, pi30::PV_W_MAX));
                    values.push((Metric::PvVoltage2, volts.map(Value::Number)));
                    values.push((Metric::PvCurrent2, amperes.map(Value::Number)));
                    values.extend(pi30::with_tracker_2(watts, &mut unit.decoder));
                }
            }
            Some(_) => {}
        }
        if was == Trackers::Unsettled && unit.trackers == Trackers::Settled {
            self.schedule.hurry(FIRST);
        }
    }
}
