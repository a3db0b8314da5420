//! What is reported when: fast values as soon as they change, slow ones together, all of them every ten seconds.

use ohmstead_model::catalogue::PollClass;
use ohmstead_model::{Metric, Moment, Notice, Observation, Reading, Severity, Unknown};

use super::{COALESCE, Gx, REPEAT, read};
use crate::Report;
use crate::victron::{canonical, ess, notices, site};

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
        self.is_dirty = false;
        let values = self.values(now);
        let mut told = self.select(values, repeats, may_tell_slow);
        told.extend(self.watched_values(now));
        if repeats {
            self.repeated = Some(now);
            self.look_around();
        }
        self.tell(told, now);
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
    fn select(&mut self, values: canonical::Values, repeats: bool, may_tell_slow: bool) -> canonical::Values {
        let mut told = Vec::new();
        self.has_more = false;
        for (metric, observation) in values {
            let is_new = self.reported.get(&metric) != Some(&observation);
            let is_fast = metric.def().poll == PollClass::Fast;
            if repeats || is_new && (is_fast || may_tell_slow) {
                told.push((metric, observation));
            } else {
                self.has_more |= is_new;
            }
        }
        told
    }

    fn tell(&mut self, told: Vec<(Metric, Observation)>, now: Moment) {
        if told.is_empty() {
            return;
        }
        if told.iter().any(|(metric, _)| metric.def().poll != PollClass::Fast) {
            self.coalesced = Some(now);
        }
        for (metric, observation) in &told {
            self.reported.insert(*metric, observation.clone());
        }
        self.report(Report::Reading(Reading { device: self.id.clone(), at: now, values: told }));
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
                hint: "nothing is lost; the better way is taken again when it works".to_owned(),
            });
        }
        notices
    }
}
