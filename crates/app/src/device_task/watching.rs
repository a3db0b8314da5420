//! Whether the device still does what it was told, looked at after every poll.

use std::time::Duration;

use ohmstead_model::{DeviceState, Metric, Moment, Notice, Severity};

use super::DeviceTask;
use super::standing::Shows;
use super::telling::INEFFECTIVE;
use crate::actuator::Ending;

/// After a write a device needs a while until what it reports means anything.
const SETTLED: Duration = Duration::from_secs(30);
/// A power that stays away from what is wanted for so long has ended.
const POWERLESS: Duration = Duration::from_secs(90);
/// Less than this share of the wanted power is none.
const SOME_SHARE: f64 = 0.25;
/// From this state of charge on a charge, and up to this one a discharge, may rest by itself, percent.
const FULL_OR_EMPTY: (f64, f64) = (95.0, 15.0);

impl DeviceTask {
    /// After a poll: whether the device still reads as it should.
    pub(super) async fn watch(&mut self) {
        let Some(shows) = self.standing.shows.clone() else { return };
        let now = self.gate.clock.now();
        let snapshot = self.hub.snapshot();
        let Some(device) = snapshot.device(self.id.as_str()) else { return };
        match deviation(&shows, device, now) {
            None => {}
            Some(Deviation::OtherMode) if self.standing.deviates(now) => {
                // What they have chosen is not ours to undo; what lives beside the modes stays ours.
                self.gate.forget_mode().await;
                self.standing.ours = self.gate.is_ours().await;
                tracing::warn!(target: "control", device = %self.id, "somebody else steers the device; it is left to them");
            }
            Some(Deviation::OtherMode) => {
                tracing::info!(target: "control", device = %self.id, "the device no longer does as wanted; it is told again");
            }
            Some(Deviation::NoPower) => self.fades(&shows, now).await,
        }
    }

    /// It still reads as it should, and does nothing.
    async fn fades(&mut self, shows: &Shows, now: Moment) {
        let given_up = self.standing.fades(now);
        let next = if given_up { "it is given up" } else { "it is told again" };
        let text = format!("it reads {} and does not do it any more; {next}", shows.word);
        tracing::warn!(target: "control", device = %self.id, "{text}");
        let hint = "the unit ends the mode by itself; see the ledger".to_owned();
        let notice = Notice { code: INEFFECTIVE, severity: Severity::Alarm, text, hint };
        self.notice(INEFFECTIVE, Some(notice)).await;
        let desired = self.door.orders.borrow().clone();
        if let Some(desired) = desired.filter(|_| given_up) {
            self.tell_end(&desired, Ending::GivenUp);
        }
    }
}

/// How a device is not as it was told to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deviation {
    /// It reads otherwise.
    OtherMode,
    /// It reads as it should, and nothing follows.
    NoPower,
}

/// What of it a device has reported since its last write.
fn deviation(shows: &Shows, device: &DeviceState, now: Moment) -> Option<Deviation> {
    let word = device.value(Metric::BatteryModeNative, now).ok();
    let word = word.filter(|known| known.at.since(shows.word_since) >= SETTLED);
    if let Some(word) = word.as_ref().and_then(|known| known.value.as_str())
        && !word.trim().eq_ignore_ascii_case(shows.word.trim())
    {
        return Some(Deviation::OtherMode);
    }
    let wanted = shows.power.map(|power| power.supplied().0).filter(|watts| *watts != 0.0)?;
    let power = device.value(Metric::BatteryPower, now).ok()?;
    let power = Some(power).filter(|known| known.at.since(shows.since) >= POWERLESS)?.value.number()?;
    let rests = device
        .number(Metric::BatterySoc, now)
        .is_ok_and(|soc| if wanted < 0.0 { soc >= FULL_OR_EMPTY.0 } else { soc <= FULL_OR_EMPTY.1 });
    (!rests && power / wanted < SOME_SHARE).then_some(Deviation::NoPower)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ohmstead_model::{DeviceInfo, Observed, Value};
    use ohmstead_units::{BatteryPower, Watts};
    use rstest::rstest;

    use super::*;
    use crate::testing::id;

    #[rstest]
    #[case::as_told("Passive", -790.0, 50.0, 100, None)]
    #[case::another_mode("Auto", -790.0, 50.0, 100, Some(Deviation::OtherMode))]
    #[case::just_written("Auto", 0.0, 50.0, 20, None)]
    #[case::no_power("Passive", 0.0, 50.0, 100, Some(Deviation::NoPower))]
    #[case::no_power_yet("Passive", 0.0, 50.0, 60, None)]
    #[case::the_other_way("Passive", 300.0, 50.0, 100, Some(Deviation::NoPower))]
    #[case::full("Passive", 0.0, 97.0, 100, None)]
    #[case::half("Passive", -400.0, 50.0, 100, None)]
    fn a_device_reads_as_it_should(
        #[case] word: &str,
        #[case] power: f64,
        #[case] soc: f64,
        #[case] after_s: u64,
        #[case] expected: Option<Deviation>,
    ) {
        let now = Moment { mono: Duration::from_secs(1000 + after_s), ..Moment::default() };
        let mut device = DeviceState::new(Arc::new(DeviceInfo::new(id("a"), "test", "")));
        let mut put =
            |metric, value| device.values.insert(metric, Observed { observation: Ok(value), at: now });
        put(Metric::BatteryModeNative, Value::text(word));
        put(Metric::BatteryPower, Value::Number(power));
        put(Metric::BatterySoc, Value::Number(soc));
        let since = Moment { mono: Duration::from_secs(1000), ..Moment::default() };
        let shows = Shows {
            word: "passive".to_owned(),
            word_since: since,
            power: Some(BatteryPower::charging(Watts(800.0))),
            since,
        };
        assert_eq!(deviation(&shows, &device, now), expected);
    }
}
