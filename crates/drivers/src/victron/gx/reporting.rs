//! What is reported when: fast values as soon as they change, slow ones together, all of them every ten seconds as far as
//! they were read or heard of anew.

use std::collections::BTreeMap;

use ohmstead_model::catalogue::PollClass;
use ohmstead_model::{Metric, Moment, Notice, Observation, Observed, Reading, Severity, Unknown};

use super::freshness::Freshness;
use super::{COALESCE, Gx, REPEAT, later, read};
use crate::Report;
use crate::victron::transport::Kind;
use crate::victron::{canonical, ess, notices, site};

/// A value that is to be reported.
pub(super) struct Due {
    pub(super) metric: Metric,
    pub(super) observation: Observation,
    /// As of when it is known.
    pub(super) at: Moment,
}

impl Gx {
    /// Reports what is due of the values.
    pub(super) fn report_values(&mut self) {
        let now = self.now();
        let repeats = self.repeated.is_none_or(|at| now.since(at) >= REPEAT);
        let may_tell_slow = self.coalesced.is_none_or(|at| now.since(at) >= COALESCE);
        let is_watch_due = self.watch_due_in(now).is_zero();
        if !(repeats || is_watch_due || self.is_dirty || self.has_more && may_tell_slow) {
            return;
        }
        let heard = self.slots.get(self.active).map(|slot| slot.heard);
        let is_news = self.is_dirty || self.has_more || is_watch_due || heard != self.repeated_up_to;
        if repeats && !is_news {
            // Nothing was read or heard of since: there is nothing to repeat.
            self.repeated = Some(now);
            return;
        }
        self.is_dirty = false;
        let values = self.values(now);
        let Some(fresh) = self.freshness() else { return };
        let mut told = self.select(values, &fresh, repeats, may_tell_slow);
        told.extend(self.watched_values(now, &fresh));
        self.is_new_way = false;
        if repeats {
            (self.repeated, self.repeated_up_to) = (Some(now), heard);
            self.look_around();
        }
        self.tell(told, now);
    }

    fn freshness(&self) -> Option<Freshness> {
        let slot = self.slots.get(self.active)?;
        Some(Freshness::of(slot, &read(&slot.tree)))
    }

    /// Everything that can be said, and of what was said once and cannot be any more, that it cannot.
    fn values(&mut self, now: Moment) -> canonical::Values {
        let tree = self.tree();
        let tree = read(&tree);
        let mut values = canonical::values(&tree);
        self.can.look(&tree);
        values.extend(self.can.values(now));
        values.extend(canonical::ages(&tree, now));
        if let (Some(capacity), None) =
            (self.settings.capacity, values.iter().position(|(metric, _)| *metric == Metric::BatteryCapacity))
        {
            values.push((Metric::BatteryCapacity, Ok(ohmstead_model::Value::Number(capacity.0))));
        }
        let known: std::collections::BTreeSet<_> = values.iter().map(|(metric, _)| *metric).collect();
        let lost: Vec<_> = self
            .reported
            .keys()
            .filter(|metric| !known.contains(metric) && !self.is_watched(**metric))
            .map(|metric| (*metric, Err(Unknown::NotReported)))
            .collect();
        values.extend(lost);
        values
    }

    fn is_watched(&self, metric: Metric) -> bool {
        self.settings.watch.iter().any(|watch| watch.metric == metric)
    }

    /// What of it to tell now.
    fn select(
        &mut self,
        values: canonical::Values,
        fresh: &Freshness,
        repeats: bool,
        may_tell_slow: bool,
    ) -> Vec<Due> {
        let mut told = Vec::new();
        self.has_more = false;
        for (metric, observation) in values {
            let known = self.reported.get(&metric);
            let is_new = known.is_none_or(|known| known.observation != observation);
            let at = self.as_of(metric, is_new, fresh);
            let is_renewed = known.is_none_or(|known| at.mono > known.at.mono);
            let is_fast = metric.def().poll == PollClass::Fast;
            if repeats && (is_new || is_renewed) || is_new && (is_fast || may_tell_slow) {
                told.push(Due { metric, observation, at });
            } else {
                self.has_more |= is_new;
            }
        }
        told
    }

    /// As of when a value is known; never earlier than what was reported of the metric before.
    fn as_of(&self, metric: Metric, is_new: bool, fresh: &Freshness) -> Moment {
        let known = self.reported.get(&metric);
        let at = match self.can.told_at(metric) {
            Some(told) => told,
            // What differs from before was told just now.
            None if is_new && known.is_some() && !self.is_new_way => fresh.newest,
            None => fresh.of_metric(metric),
        };
        known.map_or(at, |known| later(known.at, at))
    }

    /// Reports values, those of one time together and in the order of time.
    fn tell(&mut self, told: Vec<Due>, now: Moment) {
        if told.iter().any(|due| due.metric.def().poll != PollClass::Fast) {
            self.coalesced = Some(now);
        }
        let mut readings: BTreeMap<_, Reading> = BTreeMap::new();
        for Due { metric, observation, at } in told {
            let empty = || Reading { device: self.id.clone(), at, values: Vec::new() };
            self.reported.insert(metric, Observed { observation: observation.clone(), at });
            readings.entry(at.mono).or_insert_with(empty).values.push((metric, observation));
        }
        for reading in readings.into_values() {
            self.report(Report::Reading(reading));
        }
    }

    /// What changes rarely: the description, what is wrong, what is known about control.
    fn look_around(&mut self) {
        self.offer();
        self.report_notices();
        let mut evidence = self.ways_evidence();
        let tree = self.tree();
        let tree = read(&tree);
        let site = site::Site::of(&tree);
        if let Some(slot) = self.slots.get(self.active) {
            evidence.extend(ess::evidence(&site, slot.kind()));
        }
        evidence.extend(self.services_evidence(&tree));
        drop(tree);
        if evidence != self.evidence {
            self.evidence.clone_from(&evidence);
            self.report(Report::Evidence(self.id.clone(), evidence));
        }
    }

    pub(super) fn report_notices(&mut self) {
        let tree = self.tree();
        let mut current = if self.is_complete() { notices::notices(&read(&tree)) } else { Vec::new() };
        current.extend(self.can.notice(self.now()).filter(|_| self.is_complete()));
        current.extend(self.own_notices());
        if current != self.notices {
            self.notices.clone_from(&current);
            self.report(Report::Notices(self.id.clone(), current));
        }
    }

    /// What the way in use does not have.
    fn lacks(&self) -> &'static str {
        match self.slots.get(self.active).map(super::Slot::kind) {
            Some(Kind::Modbus) => {
                "over Modbus TCP nothing can be controlled or set, and there are no battery mode, firmware, names, CAN \
                 buses, notifications and only some alarms"
            }
            Some(Kind::Http) => {
                "over the port-8088 interface values come as often as `interval`, and writing needs version 3 of it"
            }
            Some(Kind::Mqtt) => "over MQTT no value is lost; a write is not answered there, only read back",
            Some(Kind::Dbus) | None => "nothing is lost",
        }
    }

    /// What is wrong with the ways.
    fn own_notices(&self) -> Vec<Notice> {
        let mut notices = Vec::new();
        let failing: Vec<_> = self
            .slots
            .iter()
            .take(self.active + 1)
            .filter_map(|slot| Some((slot, slot.trouble.as_ref()?)))
            .collect();
        let why = || {
            failing.iter().map(|(slot, why)| format!("{}: {why}", slot.route)).collect::<Vec<_>>().join("; ")
        };
        if !self.is_complete() && self.online == Some(false) {
            notices.push(Notice {
                code: "gx_unreachable",
                severity: Severity::Alarm,
                text: format!("the GX device is not reached: {}", why()),
                hint:
                    "check that it is on and in the network, and that this way is switched on in its settings"
                        .to_owned(),
            });
        } else if self.active > 0 && !failing.is_empty() {
            notices.push(Notice {
                code: "gx_second_way",
                severity: Severity::Info,
                text: format!("the GX device is reached by the next best way, because of {}", why()),
                hint: format!("{}; the better way is taken again when it works", self.lacks()),
            });
        }
        let remarks = self.slots.get(self.active).and_then(|slot| slot.remark.clone());
        notices.extend(remarks.map(|text| Notice {
            code: "gx_several",
            severity: Severity::Warning,
            text,
            hint: "name the one that is meant under `mqtt:` as `portal:`".to_owned(),
        }));
        notices
    }
}
