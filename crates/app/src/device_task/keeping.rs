//! Keeping the device at what is wanted of it, and giving it back.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use ohmstead_control::{Desired, Language, Who};
use ohmstead_drivers::Device;
use ohmstead_model::{
    Asker, BatteryMode, ControlPhase, ControlState, LedgerEntry, Metric, Moment, Notice, Online, Outcome,
    Request, Severity, Unknown, Wish,
};
use ohmstead_units::Watts;
use tokio_util::sync::CancellationToken;

use super::standing::{Shows, Standing, Step, Wanted};
use super::{Broken, DeviceTask};
use crate::actuator::{AnswerTo, Ended, Ending, Errand, How, Original, Tried};

/// A unit that ends by itself what is not renewed does so after this time: long enough for a restart of this program, and
/// short enough for a crash of the machine.
const DEAD_MAN: Duration = Duration::from_secs(300);
/// How long giving the device back may take when the program stops.
const LAST_ACT: Duration = Duration::from_secs(6);
/// After its first answer a device has told its state of charge by then, if it ever does.
const FIRST_VALUES: Duration = Duration::from_secs(60);
/// After a write a device needs a while until what it reports means anything.
const SETTLED: Duration = Duration::from_secs(30);
/// A power that stays away from what is wanted for so long has ended.
const POWERLESS: Duration = Duration::from_secs(90);
/// Less than this share of the wanted power is none.
const SOME_SHARE: f64 = 0.25;
/// From this state of charge on a charge, and up to this one a discharge, may rest by itself, percent.
const FULL_OR_EMPTY: (f64, f64) = (95.0, 15.0);

/// Who gives a device back of which nobody wants anything any more, in the ledger's words.
const LEFT_ALONE: &str = "control";

/// The notices of control.
const INEFFECTIVE: &str = "control_ineffective";
const FOREIGN: &str = "control_foreign";
const REFUSED: &str = "control_refused";

impl DeviceTask {
    /// Takes over what control makes of a request, and answers it.
    pub(super) async fn serve_order(
        &mut self,
        device: &mut dyn Device,
        request: &Request,
        desired: Desired,
        answer: AnswerTo,
    ) -> Result<(), Broken> {
        self.standing.take();
        self.waiting.retain(|_, (waiting, _)| !matches!(waiting.wish, Wish::Mode(_)));
        self.show(&desired).await;
        let shown = match (&desired.mode, desired.chosen) {
            // What comes after what was asked by hand.
            (Some(mode), chosen) if chosen != Some(Who::Override) => format!("release: {mode}"),
            _ => crate::actuator::shown(request),
        };
        let (entry, result) = match (&desired.mode, self.standing.ours) {
            (Some(_), _) => {
                let (tried, result) = self.attempt(device, &desired, shown, request.asked_by).await;
                // Who asked has the refusal in hand.
                if tried.entry.outcome == Outcome::Rejected && tried.later.is_none() {
                    self.tell_end(&desired, Ending::Refused);
                }
                (tried.entry, result)
            }
            (None, true) => self.give_back(device, request.asked_by.key()).await,
            (None, false) => (self.nothing_to_do(request, &desired), Ok(())),
        };
        let _ = answer.send(Ok(entry));
        self.show(&desired).await;
        result
    }

    /// Nobody wants anything, and nothing is ours: there is no attempt and no row.
    fn nothing_to_do(&self, request: &Request, desired: &Desired) -> LedgerEntry {
        LedgerEntry {
            id: 0,
            at: self.gate.clock.now().unix,
            device: self.id.clone(),
            asked_by: request.asked_by.key().to_owned(),
            request: crate::actuator::shown(request),
            old: None,
            new: None,
            reply: None,
            read_back: None,
            effect: None,
            outcome: Outcome::Unchanged,
            reason: format!("the device is left alone: {}", desired.reason.sentence(Language::En)),
        }
    }

    /// What a request for good means for what was ours: a device in its own automatic is nobody's.
    pub(super) async fn left_as_asked(&mut self, request: &Request, entry: &LedgerEntry) {
        let worked =
            matches!(entry.outcome, Outcome::Confirmed | Outcome::AcceptedUnmeasured | Outcome::Unchanged);
        if request.wish != Wish::Mode(BatteryMode::Auto) {
            if request.wish.mode().is_some() {
                // Nobody wants it to go on: what was written is taken back.
                self.standing = Standing::anew();
                self.standing.is_to_be_given_back(self.gate.is_ours().await, self.gate.clock.now());
            }
            return;
        }
        let originals = self.gate.originals().await;
        if !worked {
            // It may have been written all the same.
            self.standing.is_to_be_given_back(!originals.is_empty(), self.gate.clock.now());
            return;
        }
        // What lives beside the modes is not undone by it.
        let beside = originals.iter().any(|original| original.wish != request.wish);
        if !originals.is_empty() && !beside {
            self.gate.forget_original().await;
        }
        self.standing = Standing::anew();
        self.standing.is_to_be_given_back(beside, self.gate.clock.now());
    }

    /// Does what is to be done for what is wanted at present.
    pub(super) async fn keep(&mut self, device: &mut dyn Device) -> Result<(), Broken> {
        let Some(desired) = self.door.orders.borrow_and_update().clone() else { return Ok(()) };
        if !self.is_known() {
            // A device that does not answer is asked for nothing: it would only refuse, and nothing is over because of it.
            // One that has only begun to answer goes on as it is: what is wanted is decided without its values, as for
            // a device that keeps them to itself.
            self.standing.look_again(self.gate.clock.now());
            self.show(&desired).await;
            return Ok(());
        }
        let now = self.gate.clock.now();
        if !self.learn_what_is_ours().await {
            self.standing.look_again(now);
            return Ok(());
        }
        if self.standing.is_left(&desired) {
            self.show(&desired).await;
            return Ok(());
        }
        let result = match self.standing.step(&desired, self.gate.is_read_only(), now) {
            Step::Wait => Ok(()),
            Step::Attempt => {
                self.show(&desired).await;
                let shown = desired.mode.as_ref().map(ToString::to_string).unwrap_or_default();
                let (Tried { entry, .. }, result) =
                    self.attempt(device, &desired, shown, Asker::Control).await;
                if entry.outcome == Outcome::Rejected && !entry.is_over_budget() && result.is_ok() {
                    self.rest(device, &desired).await
                } else {
                    result
                }
            }
            Step::Renew => {
                self.renew(device, &desired).await;
                Ok(())
            }
            Step::Limit(limit) => self.limit(device, &desired, limit).await,
            Step::GiveBack => {
                self.show(&desired).await;
                self.give_back(device, LEFT_ALONE).await.1
            }
        };
        self.show(&desired).await;
        result
    }

    /// What is wanted is refused at present: what was there before does not go on meanwhile.
    async fn rest(&mut self, device: &mut dyn Device, desired: &Desired) -> Result<(), Broken> {
        if !self.standing.ours {
            return Ok(());
        }
        let again_at = self.standing.again_at();
        let (_, result) = self.give_back(device, LEFT_ALONE).await;
        self.standing.rests(desired, again_at);
        result
    }

    /// What an earlier run left behind. A memory that cannot be read yet is asked again: what is ours must not be taken for
    /// somebody else's.
    async fn learn_what_is_ours(&mut self) -> bool {
        if !self.standing.knows_ours
            && let Some(ours) = self.gate.knows_whether_ours().await
        {
            self.standing.ours |= ours;
            self.standing.knows_ours = true;
        }
        self.standing.knows_ours
    }

    /// Whether the device answers, and has told its state of charge or had the time to.
    fn is_known(&self) -> bool {
        let snapshot = self.hub.snapshot();
        let Some(device) = snapshot.device(self.id.as_str()) else { return false };
        let now = self.gate.clock.now();
        let Online::Yes(since) = device.online else { return false };
        let is_missing = device.info.metrics.contains(&Metric::BatterySoc)
            && matches!(device.number(Metric::BatterySoc, now), Err(Unknown::NeverRead));
        !is_missing || now.since(since) >= FIRST_VALUES
    }

    async fn attempt(
        &mut self,
        device: &mut dyn Device,
        desired: &Desired,
        shown: String,
        asked_by: Asker,
    ) -> (Tried, Result<(), Broken>) {
        let by = if asked_by == Asker::Control { by(desired) } else { asked_by.key() };
        let by = match desired.bounded_by.first() {
            Some(who) => format!("{by}, bounded by {}", who.key()),
            None => by.to_owned(),
        };
        let interrupt = self.gate.stop.child_token();
        let errand = Errand {
            request: self.request(desired, asked_by),
            shown,
            by,
            interrupt: interrupt.clone(),
            gives_back: false,
        };
        let wanted = Wanted::of(desired);
        let mut orders = self.door.orders.clone();
        // What is ordered already is what this attempt is for, or is looked at after it.
        orders.mark_unchanged();
        let (tried, result) = {
            let attempt = self.carry_out(device, &errand);
            tokio::pin!(attempt);
            loop {
                tokio::select! {
                    tried = &mut attempt => break tried,
                    () = until_other(&mut orders, &wanted, &interrupt) => interrupt.cancel(),
                }
            }
        };
        // A write that was refused or not answered may have been taken all the same, or a part of it.
        self.standing.ours |= self.gate.is_ours().await;
        let now = self.gate.clock.now();
        let given_up =
            self.standing.tried(desired, tried.entry.outcome, tried.plan.as_ref(), tried.later, now);
        self.tell(desired, &tried.entry, given_up).await;
        (tried, result)
    }

    /// What the device is asked for.
    fn request(&self, desired: &Desired, asked_by: Asker) -> Request {
        let wish = desired.mode.clone().unwrap_or(BatteryMode::Auto).into();
        let lease = Some(self.dead_man(desired));
        // What comes after what was asked by hand is control's own: nobody waits for it.
        let asked_by = if desired.chosen == Some(Who::Override) { asked_by } else { Asker::Control };
        Request { device: self.id.clone(), wish, lease, asked_by }
    }

    /// The device's own timer ends at the end of the wish, if that is nearer.
    fn dead_man(&self, desired: &Desired) -> Duration {
        let Some(ends) = desired.ends else { return DEAD_MAN };
        let left = ends.0.saturating_sub(self.gate.clock.now().unix.0);
        let left = Duration::from_millis(u64::try_from(left).unwrap_or(0));
        left.clamp(Duration::from_secs(1), DEAD_MAN)
    }

    /// Keeps what the device discharges with of its own accord under a limit. Whatever else was wanted before ends first.
    async fn limit(
        &mut self,
        device: &mut dyn Device,
        desired: &Desired,
        limit: Watts,
    ) -> Result<(), Broken> {
        if self.standing.is_in_another_mode() {
            self.show(desired).await;
            let plain = Desired { discharge_max: None, ..desired.clone() };
            self.attempt(device, &plain, BatteryMode::Auto.to_string(), Asker::Control).await.1?;
            if self.standing.is_in_another_mode() {
                // It would hide what still is at work. It is tried again in its time.
                return Ok(());
            }
        }
        let limited = AssertUnwindSafe(self.gate.limit(device, limit, by(desired))).catch_unwind().await;
        let now = self.gate.clock.now();
        match limited {
            Ok(Ok(_)) => self.standing.limited(desired, Outcome::AcceptedUnmeasured, now),
            Ok(Err(error)) => {
                let read_only = self.gate.is_read_only();
                if !read_only {
                    tracing::warn!(target: "control", device = %self.id, error, "the limit could not be written");
                }
                let outcome = if read_only { Outcome::DryRun } else { Outcome::Failed };
                self.standing.ours |= self.gate.is_ours().await;
                self.standing.limited(desired, outcome, now);
            }
            Err(_) => return Err(Broken),
        }
        Ok(())
    }

    async fn renew(&mut self, device: &mut dyn Device, desired: &Desired) {
        let request = self.request(desired, Asker::Control);
        let renewed = self.gate.renew(device, &request).await;
        let now = self.gate.clock.now();
        match &renewed {
            Ok(plan) => self.standing.renewed(desired, Ok(plan), now),
            Err(error) => {
                tracing::warn!(target: "control", device = %self.id, error, "what is wanted could not be renewed; it is proven anew");
                self.standing.renewed(desired, Err(()), now);
            }
        }
    }

    /// Makes the device what it was before it was ours.
    async fn give_back(&mut self, device: &mut dyn Device, by: &str) -> (LedgerEntry, Result<(), Broken>) {
        let mut last = None;
        let originals = self.gate.originals().await;
        for wish in ways_back(device, &originals) {
            let errand = self.way_back(wish, by, self.gate.stop.child_token());
            let (Tried { entry, .. }, result) = self.carry_out(device, &errand).await;
            let goes_on = given_back(&entry) && result.is_ok();
            last = Some((entry, result));
            if !goes_on {
                break;
            }
        }
        let (entry, result) = last.expect("there is a way back always");
        let worked = given_back(&entry);
        if worked {
            self.gate.forget_original().await;
            self.notice(INEFFECTIVE, None).await;
            self.notice(FOREIGN, None).await;
        }
        self.standing.given_back(worked, self.gate.clock.now());
        (entry, result)
    }

    fn way_back(&self, wish: Wish, by: &str, interrupt: CancellationToken) -> Errand {
        let shown = format!("give back: {wish}");
        let request = Request { device: self.id.clone(), wish, lease: None, asked_by: Asker::Control };
        Errand { shown, request, by: by.to_owned(), interrupt, gives_back: true }
    }

    /// What is ours is given back when the program stops; there is no time to measure it. It is forgotten only when it reads
    /// so: otherwise the next start tries again.
    pub(super) async fn give_back_at_the_end(&mut self, device: &mut dyn Device) {
        let ours = self.standing.ours || !self.standing.knows_ours && self.gate.is_ours().await;
        if !ours || self.gate.is_read_only() {
            return;
        }
        let all = async {
            let originals = self.gate.originals().await;
            for wish in ways_back(device, &originals) {
                let errand = self.way_back(wish, "stop", self.gate.stop.clone());
                let Tried { entry, plan, .. } = self.gate.write_at_once(device, &errand).await;
                let Some(plan) = plan.filter(|_| given_back(&entry)) else { return };
                if !self.gate.reads(device, &errand.request.wish, &plan).await {
                    tracing::warn!(target: "control", device = %self.id, "the device does not read as it was given back; the next start tries again");
                    return;
                }
            }
            self.gate.forget_original().await;
        };
        tokio::select! {
            () = all => {}
            () = self.gate.clock.sleep(LAST_ACT) => {
                tracing::warn!(target: "control", device = %self.id, "the device was silent while it was given back; the next start tries again");
            }
        }
    }

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

    /// A request that this device cannot be asked is over for control too.
    pub(super) fn tell_refused(&self, how: &How) {
        if let How::Held(desired) = how {
            self.tell_end(desired, Ending::Refused);
        }
    }

    fn tell_end(&self, desired: &Desired, why: Ending) {
        let ended = Ended { device: self.id.clone(), chosen: desired.chosen, ends: desired.ends, why };
        // Control that is too slow for it looks at the phase.
        if self.door.ends.try_send(ended).is_err() {
            tracing::debug!(target: "control", device = %self.id, "nobody took notice of an end");
        }
    }

    async fn tell(&mut self, desired: &Desired, entry: &LedgerEntry, given_up: bool) {
        match entry.outcome {
            Outcome::Ineffective => {
                let mode = desired.mode.as_ref().map(ToString::to_string).unwrap_or_default();
                let notice = Notice {
                    code: INEFFECTIVE,
                    severity: Severity::Alarm,
                    text: format!("{mode} has no effect: {}", entry.reason),
                    hint: "it is tried again a few times and then given up; see the ledger".to_owned(),
                };
                self.notice(INEFFECTIVE, Some(notice)).await;
            }
            Outcome::Rejected if !entry.is_over_budget() => {
                let notice = Notice {
                    code: REFUSED,
                    severity: Severity::Alarm,
                    text: format!("it cannot be steered: {}", entry.reason),
                    hint: "it is tried again later while it is wanted; see the ledger".to_owned(),
                };
                self.notice(REFUSED, Some(notice)).await;
            }
            Outcome::Confirmed | Outcome::AcceptedUnmeasured | Outcome::Unchanged => {
                self.notice(INEFFECTIVE, None).await;
                self.notice(REFUSED, None).await;
            }
            _ => {}
        }
        if given_up {
            let refused = entry.outcome == Outcome::Rejected;
            self.tell_end(desired, if refused { Ending::Refused } else { Ending::GivenUp });
        }
    }

    async fn notice(&self, code: &'static str, notice: Option<Notice>) {
        self.hub.notice(self.id.clone(), code, notice).await;
    }

    /// Shows where the device stands, when that has changed.
    async fn show(&mut self, desired: &Desired) {
        let phase = self.standing.phase(desired);
        let state = ControlState {
            wants: desired.mode.as_ref().map(ToString::to_string),
            by: desired.chosen.map(Who::key),
            phase,
            code: desired.reason.code(),
            reason: desired.reason.sentence(Language::En),
            ends: desired.ends,
        };
        if self.shown.as_ref() == Some(&state) {
            return;
        }
        self.shown = Some(state.clone());
        self.hub.control(self.id.clone(), state).await;
        if phase == ControlPhase::Unset {
            self.notice(REFUSED, None).await;
        }
        let foreign = phase == ControlPhase::Foreign;
        if foreign {
            self.tell_end(desired, Ending::Foreign);
        }
        self.notice(FOREIGN, foreign.then(foreign_notice)).await;
    }
}

fn foreign_notice() -> Notice {
    Notice {
        code: FOREIGN,
        severity: Severity::Warning,
        text: "somebody else has changed the mode twice: the device is left to them".to_owned(),
        hint: "look for another program, or a schedule of the device's own; ask for a mode to take it back"
            .to_owned(),
    }
}

/// Who wants it, in the ledger's words.
fn by(desired: &Desired) -> &'static str {
    desired.chosen.or_else(|| desired.bounded_by.first().copied()).map_or(LEFT_ALONE, Who::key)
}

/// What makes the device what it was, step by step. A device whose past is not known gets its own automatic.
fn ways_back(device: &dyn Device, originals: &[Original]) -> Vec<Wish> {
    if originals.is_empty() {
        return vec![BatteryMode::Auto.into()];
    }
    originals.iter().map(|Original { wish, native }| device.way_back(wish, native)).collect()
}

fn given_back(entry: &LedgerEntry) -> bool {
    matches!(entry.outcome, Outcome::Confirmed | Outcome::AcceptedUnmeasured | Outcome::Unchanged)
}

/// Ends when something else than `wanted` is ordered from now on; once only. A bound that moves does not cut short what is
/// under way.
async fn until_other(
    orders: &mut tokio::sync::watch::Receiver<Option<Desired>>,
    wanted: &Wanted,
    interrupt: &CancellationToken,
) {
    if interrupt.is_cancelled() {
        return std::future::pending().await;
    }
    while orders.changed().await.is_ok() {
        let is_other = orders.borrow_and_update().as_ref().is_some_and(|order| order.mode != wanted.mode);
        if is_other {
            return;
        }
    }
    std::future::pending::<()>().await;
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
fn deviation(shows: &Shows, device: &ohmstead_model::DeviceState, now: Moment) -> Option<Deviation> {
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

    use ohmstead_model::{DeviceInfo, DeviceState, Observed, Value};
    use ohmstead_units::BatteryPower;
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
