//! When a plan is made: every quarter of an hour, and at once where something happened that the last one did not know.

use std::time::Duration;

use ohmstead_control::Override;
use ohmstead_control::overrides::Later;
use ohmstead_model::{BatteryMode, DeviceId, Metric, Moment, UnixMillis};
use ohmstead_planner::settings::Mode;

use super::Planning;
use super::bank::bank;
use super::past::floor;
use crate::control::by_hand::ByHand;

/// A battery that is further than this from where the plan has it, as a part of its capacity, is a surprise.
const SURPRISE: f64 = 0.08;

/// A plan that is hardly made is not made again, whatever happens.
const PAUSE: Duration = Duration::from_secs(120);

/// But for so long after the start, in which one device and one service after the other answers for the first time.
const BEGINNING: Duration = Duration::from_secs(180);

/// Where a plan is wanted and there is none, it is tried again after this time.
const AGAIN: Duration = Duration::from_secs(60);

/// What somebody asked by hand: which battery, what, from when (what counts already: zero), until when. What was asked for now
/// ends to the quarter of an hour: a lease that is renewed every few seconds is the same all the time, as good as.
pub(super) type Asked = (DeviceId, BatteryMode, UnixMillis, UnixMillis);

/// What is asked by hand.
pub(super) fn outline(by_hand: &ByHand) -> Vec<Asked> {
    let of_now =
        |asked: &Override| (asked.device.clone(), asked.mode.clone(), UnixMillis(0), floor(asked.ends));
    let of_later = |later: &Later| {
        let Override { device, mode, since, ends, .. } = &later.asked;
        (device.clone(), mode.clone(), *since, *ends)
    };
    by_hand.now.values().map(of_now).chain(by_hand.later.all().iter().map(of_later)).collect()
}

impl Planning {
    /// Whether it is time for another plan.
    pub(super) fn is_due(&mut self) -> bool {
        let now = self.parts.clock.now();
        let Some(last) = self.last else { return true };
        let since = now.since(last);
        let (every, is_wanted) = {
            let site = self.parts.site.borrow();
            (site.settings.every.0, site.settings.mode != Mode::Off && site.tariffs.is_some())
        };
        let lacks_plan = self.made.is_none() && is_wanted;
        let every = if lacks_plan { every.min(AGAIN) } else { every };
        let begins = self.first.is_none_or(|first| now.since(first) < BEGINNING);
        let pause = if lacks_plan || begins { Duration::ZERO } else { PAUSE };
        let news = [
            self.parts.outlook.has_changed().unwrap_or(false),
            self.parts.site.has_changed().unwrap_or(false),
            self.parts.tempo.has_changed().unwrap_or(false),
            self.is_surprised(now),
        ];
        // Who has asked for something by hand looks at what becomes of it.
        since >= every || self.is_asked_otherwise() || (since >= pause && news.contains(&true))
    }

    /// Whether something else is asked by hand than what the plan was made around.
    fn is_asked_otherwise(&mut self) -> bool {
        if !self.parts.by_hand.has_changed().unwrap_or(false) {
            return false;
        }
        outline(&self.parts.by_hand.borrow_and_update()) != self.asked
    }

    /// Whether a battery is far from where the plan has it, or there are others than those that it was made for.
    fn is_surprised(&self, now: Moment) -> bool {
        let Some(made) = &self.made else { return false };
        let snapshot = self.parts.hub.snapshot();
        let (members, _) = bank(&snapshot, now, &self.parts.site.borrow().settings);
        if members.iter().any(|member| made.bank.iter().all(|known| known.device != member.device)) {
            return true;
        }
        let Some(place) = made.plan.slot_at(now.unix) else { return true };
        let slot = &made.plan.in_modes.slots[place];
        made.bank.iter().enumerate().any(|(number, member)| {
            let device = snapshot.device(member.device.as_str());
            let soc = device.and_then(|device| device.number(Metric::BatterySoc, now).ok());
            let capacity_wh = member.battery.capacity_wh;
            let before_wh = match place.checked_sub(1) {
                Some(before) => made.plan.in_modes.slots[before].soc_wh[number],
                None => member.battery.now_wh,
            };
            let after_wh = slot.soc_wh[number];
            soc.is_some_and(|soc| {
                let stored_wh = capacity_wh * soc / 100.0;
                let off = (before_wh.min(after_wh) - stored_wh).max(stored_wh - before_wh.max(after_wh));
                off > SURPRISE * capacity_wh
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn asked(mode: &str, since_s: i64, ends_s: i64) -> ByHand {
        let device: DeviceId = "a".parse().expect("a name");
        let asked = Override {
            device: device.clone(),
            mode: mode.parse().expect("a mode"),
            asked_by: "rest".to_owned(),
            asked_at: None,
            since: UnixMillis(since_s * 1000),
            ends: UnixMillis(ends_s * 1000),
        };
        ByHand { now: BTreeMap::from([(device, asked)]), ..ByHand::default() }
    }

    #[test]
    fn a_lease_that_is_renewed_is_no_news() {
        let first = outline(&asked("hold", 0, 60));
        assert_eq!(first, outline(&asked("hold", 30, 90)));
        assert_ne!(first, outline(&asked("idle", 0, 60)));
        assert_ne!(first, outline(&asked("hold", 0, 3600)));
        assert_ne!(first, outline(&ByHand::default()));
    }
}
