//! Asking our unit what is due, and taking in what comes.

use std::sync::Arc;
use std::time::Duration;

use ohmstead_model::{Metric, Moment, Notice, Observation, Reading, Value};

use super::{Inverter, Trackers};
use crate::Report;
use crate::voltronic::decode::{self, Decoded};
use crate::voltronic::families::Family;
use crate::voltronic::faults::Named;
use crate::voltronic::frame::{CrcOut, Payload};
use crate::voltronic::link::{Answer, Ask, Failure, Fits};
use crate::voltronic::notices;
use crate::voltronic::presence::Kind;
use crate::voltronic::schedule::{Expected, SETTINGS, is_of_set};
use crate::voltronic::table::{self, Query};

/// The lists of currents that a unit takes: altogether, and from the grid.
const CURRENTS: &[&str] = &["QMCHGCR", "MCHGCR"];
const GRID_CURRENTS: &[&str] = &["QMUCHGCR", "MUCHGCR"];
/// The questions that tell of the first tracker or phase, and of further ones.
pub(super) const FIRST: &str = "QPIGS";
pub(super) const SECOND: &str = "QPIGS2";
/// What may tell of a second tracker where [`SECOND`] does not.
pub(super) const OF_SET: &str = "QPGS0";
/// Which questions tell the time of the unit's clock.
const CLOCK: &[&str] = &["QT", "T"];
/// Complaints that come with every sunset: values, but nothing that anybody has to see to.
const EVERY_NIGHT: &[&str] = &["pv_lost", "pv_energy_low"];
/// What some newer units take only without a checksum.
const BARE: &[&str] = &["QT"];
/// The battery types of which the inverter guesses the state of charge; with the others the battery tells it.
const GUESSED: &[&str] = &["agm", "flooded", "user"];
/// More entries than any list of currents has.
const CURRENTS_MAX: usize = 40;

impl Inverter {
    /// Asks what is due. While answers fail to come, what would be due next is asked at once.
    pub(super) async fn ask_due(&mut self) {
        if self.variant_due().is_some_and(|due| due <= self.now().mono) && !self.presence.is_failing() {
            return self.ask_variant().await;
        }
        let Some((query, due)) = self.next_query() else { return };
        if due > self.now().mono && !self.presence.is_failing() {
            return;
        }
        if let Err(failure) = self.ask(query).await {
            tracing::debug!(device = %self.id, command = query.command, %failure, counters = ?self.link.counters, "no good answer");
        }
    }

    /// The question that is due next, and when (monotonic).
    pub(super) fn next_query(&self) -> Option<(&'static Query, Duration)> {
        let confuses = |query: &Query| {
            self.link.would_confuse(query.command, &|payload: &Payload| table::fits(query, payload))
        };
        self.schedule.next(&self.queries(), |query| query.command, confuses)
    }

    /// Asks one question of the family's table and takes in whatever comes of it. A refusal is an answer without values.
    pub(super) async fn ask(&mut self, query: &'static Query) -> Result<Answer, Failure> {
        let ask = self.question(query);
        let asked = self.now();
        match self.link.ask(&ask).await {
            Ok(answer) if answer.payload.is_nak() => {
                self.alive();
                self.refused(query, &ask);
                Ok(answer)
            }
            Ok(answer) => {
                self.alive();
                self.take_answer(query, &ask, &answer);
                Ok(answer)
            }
            Err(failure) => {
                self.take_failure(query, &ask, &failure, asked);
                Err(failure)
            }
        }
    }

    fn question(&self, query: &'static Query) -> Ask {
        let dialect =
            self.unit.as_ref().map_or(crate::voltronic::frame::Dialect::Paren, |unit| unit.family.dialect());
        let fits: Fits = Arc::new(move |payload: &Payload| table::fits(query, payload));
        let mut ask = Ask { dialect, command: query.command.to_owned(), crc: CrcOut::Classic, fits };
        ask.crc = self.crc_of(&ask);
        ask
    }

    /// How the checksum of a question is sent. Where it has a zero byte, units differ; the other way is tried in turn
    /// until one has proven right.
    pub(super) fn crc_of(&self, ask: &Ask) -> CrcOut {
        let habit = self.memory.habit(&ask.command);
        let bare_turn = !habit.answered && habit.refused % 2 == 1 && BARE.contains(&ask.command.as_str());
        if bare_turn || self.memory.bare.contains(&ask.command) {
            return CrcOut::None;
        }
        let other_turn = !habit.answered && (habit.refused + habit.silent) % 2 == 1 && has_zero(ask);
        match (self.memory.zero_escaped, other_turn) {
            (false, false) | (true, true) => CrcOut::Classic,
            (true, false) | (false, true) => CrcOut::ZeroEscaped,
        }
    }

    /// What a checksum with a zero byte that was understood tells about the unit.
    pub(super) fn learn_crc(&mut self, ask: &Ask) {
        if ask.crc == CrcOut::None {
            self.memory.bare.insert(ask.command.clone());
        } else if has_zero(ask) {
            self.memory.zero_escaped = ask.crc == CrcOut::ZeroEscaped;
        }
    }

    /// A "no" is an answer: the unit lives.
    fn refused(&mut self, query: &'static Query, ask: &Ask) {
        let now = self.now().mono;
        let habit = self.memory.habit_mut(&ask.command);
        habit.refused = habit.refused.saturating_add(1);
        let habit = *habit;
        self.without_second(query.command);
        if habit.is_unknown() && query.optional && habit.answered && is_of_set(query.command) {
            // A unit of the set that is off at present, not a question that nobody knows.
            self.schedule.put_off(query.command, now, Expected::Back);
        } else if habit.is_unknown() && query.optional {
            self.schedule.unknown(query.command, now);
        } else {
            self.schedule.failed(query.command, now, query.class);
        }
    }

    fn take_failure(&mut self, query: &'static Query, ask: &Ask, failure: &Failure, asked: Moment) {
        let now = self.now();
        let habit = self.memory.habit_mut(&ask.command);
        if matches!(failure, Failure::Silent) {
            habit.silent = habit.silent.saturating_add(1);
        }
        let habit = *habit;
        // Silence about what the unit may not know proves nothing as long as it answers the rest.
        let alive = self
            .link
            .last_good()
            .is_some_and(|at| asked.since(at) <= self.settings.interval.0.saturating_mul(2));
        let is_its_own = query.optional && !habit.answered && alive && matches!(failure, Failure::Silent);
        if !is_its_own {
            self.failed(match failure {
                Failure::Silent | Failure::Unclear => Kind::Silent,
                Failure::Damaged(_) => Kind::Damaged,
                Failure::Gone(_) => Kind::NoPort,
            });
        }
        if habit.is_unknown() && query.optional {
            self.without_second(query.command);
            self.schedule.unknown(query.command, now.mono);
        } else {
            self.schedule.failed(query.command, now.mono, query.class);
        }
    }

    /// A question that may tell of a second tracker is not answered: another one may, and the sum can be told then.
    fn without_second(&mut self, command: &str) {
        if command == SECOND && self.memory.may_answer(OF_SET) {
            self.schedule.hurry(OF_SET);
        }
        if [SECOND, OF_SET].contains(&command) && !self.memory.may_answer(SECOND) {
            self.schedule.hurry(FIRST);
        }
    }

    fn take_answer(&mut self, query: &'static Query, ask: &Ask, answer: &Answer) {
        self.learn_crc(ask);
        let query = self.look_for_revo(query, &answer.payload);
        let habit = self.memory.habit_mut(&ask.command);
        (habit.answered, habit.refused, habit.silent) = (true, 0, 0);
        self.schedule.answered(query.command, self.now().mono, query.class);
        let Some(unit) = self.unit.as_mut() else { return };
        unit.decoder.now = answer.at.mono;
        let mut decoded = decode::read_of(unit.family, query, &answer.payload, &mut unit.decoder);
        self.hold_back(query, &mut decoded.values);
        let mut values = decoded.values.clone();
        if query.command == FIRST {
            self.leave_out_sums(&mut values);
        }
        self.learn(query, &answer.payload, &decoded);
        self.watch(query, &decoded, answer);
        self.take_set(query, answer, &mut values);
        if query.class == ohmstead_model::catalogue::PollClass::Fast {
            values.extend(self.figures(answer));
        }
        if SETTINGS.contains(&query.command) {
            let capacity = self.settings.capacity;
            values.extend(capacity.map(|wh| (Metric::BatteryCapacity, Ok(Value::Number(wh.0)))));
        }
        if !values.is_empty() {
            self.report(Report::Reading(Reading { device: self.id.clone(), at: answer.at, values }));
        }
    }

    /// What one tracker or phase gives is not what all give, as long as it is not known whether there is another one.
    fn leave_out_sums(&mut self, values: &mut Vec<(Metric, Observation)>) {
        let Some(unit) = self.unit.as_mut() else { return };
        if unit.family.query(SECOND).is_none() {
            return;
        }
        let may_come = self.memory.may_answer(SECOND);
        let nobody_tells = unit.family == Family::Pi41 || !self.memory.may_answer(OF_SET);
        if !may_come && nobody_tells {
            unit.trackers = Trackers::Settled;
        }
        let no_pv = !unit.decoder.has("pv2") && (may_come || unit.trackers == Trackers::Unsettled);
        let no_load = unit.family == Family::Pi41 && may_come && !unit.decoder.has("l2");
        values.retain(|(metric, _)| {
            !(no_pv && *metric == Metric::PvPower || no_load && *metric == Metric::LoadPower)
        });
    }

    fn figures(&self, answer: &Answer) -> Vec<(Metric, Observation)> {
        let share = self.link.answered_pct().map(|pct| (Metric::AnswerShare, pct));
        let time = (Metric::AnswerTime, answer.took.as_secs_f64() * 1000.0);
        let dropped = (Metric::FramesDropped, self.link.counters.damaged as f64);
        let figures = share.into_iter().chain([time, dropped]);
        figures.map(|(metric, number)| (metric, Ok(Value::Number(number)))).collect()
    }

    /// Keeps what later questions and writes depend on.
    fn learn(&mut self, query: &Query, payload: &Payload, decoded: &Decoded) {
        let Some(unit) = self.unit.as_mut() else { return };
        let known = &mut unit.known;
        let before = (
            known.rated_v,
            known.charge_currents.len(),
            known.grid_charge_currents.len(),
            known.values.len(),
        );
        if CURRENTS.contains(&query.command) {
            known.charge_currents = currents(payload);
        } else if GRID_CURRENTS.contains(&query.command) {
            known.grid_charge_currents = currents(payload);
        }
        known.rated_v = unit.decoder.rated_battery_v.or(known.rated_v);
        if let Some((_, mode)) = decoded.raw.iter().find(|(name, _)| name == "output_mode") {
            known.in_set = mode.bytes().any(|byte| byte != b'0');
            known.unit = if known.in_set { unit.set.index_of(self.memory.serials()) } else { Some(0) };
        }
        for (metric, observation) in decoded
            .values
            .iter()
            .filter(|(metric, _)| crate::voltronic::setters::is_setting(unit.family, *metric))
        {
            match observation {
                Ok(value) => known.values.insert(*metric, value.clone()),
                Err(_) => known.values.remove(metric),
            };
        }
        self.memory.energy_unit = unit.decoder.energy.unit;
        self.memory.solar_side = unit.decoder.side;
        let after = (
            known.rated_v,
            known.charge_currents.len(),
            known.grid_charge_currents.len(),
            known.values.len(),
        );
        if before != after {
            self.offer();
        }
    }

    /// Keeps the last power and state of charge, and what the owner should know.
    fn watch(&mut self, query: &'static Query, decoded: &Decoded, answer: &Answer) {
        for (metric, observation) in &decoded.values {
            let Ok(Value::Number(number)) = observation else { continue };
            if *metric == Metric::BatteryPower {
                self.last.power = Some((*number, answer.at));
            } else if *metric == Metric::BatterySoc {
                self.last.soc = Some((*number, answer.at));
            }
        }
        if let Some(states) = &decoded.states {
            let told = states.iter().filter(|named| !EVERY_NIGHT.contains(&named.key));
            self.states.insert(query.command, told.map(|named| complaint(named)).collect());
        }
        if CLOCK.contains(&query.command) {
            self.watch_clock(answer);
        }
        self.watch_temperature(decoded);
        if SETTINGS.contains(&query.command) {
            self.watch_type();
        }
    }

    /// Whose word the state of charge is.
    fn watch_type(&mut self) {
        let battery = self.unit.as_ref().and_then(|unit| unit.known.values.get(&Metric::BatteryType));
        match battery.and_then(Value::as_str) {
            Some(told) if !GUESSED.contains(&told) => _ = self.notices.remove("soc_estimated"),
            _ => self.notice(notices::soc_estimated()),
        }
    }

    fn watch_clock(&mut self, answer: &Answer) {
        let Some(shown) = unix_of(answer.payload.body()) else { return };
        let ours = answer.at.unix.0.div_euclid(1000);
        match notices::clock_off(shown - ours) {
            Some(notice) => self.notice(notice),
            None => _ = self.notices.remove("clock_off"),
        }
    }

    fn watch_temperature(&mut self, decoded: &Decoded) {
        let heat = decoded.raw.iter().find(|(name, _)| name == "heatsink_temperature");
        let Some(heat) = heat.and_then(|(_, text)| text.parse::<f64>().ok()) else { return };
        if heat > notices::RAW_TEMPERATURE {
            self.notice(notices::raw_temperature());
        } else {
            self.notices.remove("raw_temperature");
        }
    }
}

/// Whether the checksum of a question has a zero byte, about which units differ.
pub(super) fn has_zero(ask: &Ask) -> bool {
    let with = |crc| crate::voltronic::frame::encode(ask.dialect, &ask.command, crc);
    with(CrcOut::Classic) != with(CrcOut::ZeroEscaped)
}

fn currents(payload: &Payload) -> Vec<f64> {
    let list = payload.body().split([' ', ',']).take(CURRENTS_MAX);
    list.filter_map(|text| text.parse::<u16>().ok()).map(f64::from).collect()
}

/// A fault or warning of the unit's own.
pub(super) fn complaint(named: &Named) -> Notice {
    Notice {
        code: named.key,
        severity: named.severity,
        text: named.text.to_owned(),
        hint: named.hint.to_owned(),
    }
}

/// Unix seconds of `YYYYMMDDhhmmss`, as if that were UTC.
fn unix_of(digits: &str) -> Option<i64> {
    let number = |from: usize, to: usize| digits.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let (hour, minute, second) = (number(8, 10)?, number(10, 12)?, number(12, 14)?);
    let valid = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..60).contains(&second);
    // Days since 1970 by the civil calendar: March is the first month, so that the leap day comes last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1 - 719_468;
    valid.then_some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("19700101000000", Some(0))]
    #[case("20000229235959", Some(951_868_799))]
    #[case("20210726122606", Some(1_627_302_366))]
    #[case("20211326122606", None)]
    #[case("2021072612", None)]
    #[case("", None)]
    fn clocks_are_read(#[case] digits: &str, #[case] unix: Option<i64>) {
        assert_eq!(unix_of(digits), unix);
    }
}
