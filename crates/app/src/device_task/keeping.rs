//! Keeping the device at what is wanted of it.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use ohmstead_control::{Desired, Reason, Who};
use ohmstead_drivers::Device;
use ohmstead_model::{
    Asker, BatteryMode, Language, LedgerEntry, Metric, Online, Outcome, Request, Unknown, Wish,
};
use ohmstead_units::Watts;
use tokio_util::sync::CancellationToken;

use super::giving_back::LEFT_ALONE;
use super::standing::{Step, Wanted};
use super::{Broken, DeviceTask};
use crate::actuator::{AnswerTo, Begins, Ending, Errand, Tried};

/// A unit that ends by itself what is not renewed does so after this time: long enough for a restart of this program, and
/// short enough for a crash of the machine.
const DEAD_MAN: Duration = Duration::from_secs(300);
/// After its first answer a device has told its state of charge by then, if it ever does.
const FIRST_VALUES: Duration = Duration::from_secs(60);

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
        self.forget_waiting_modes();
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

    fn forget_waiting_modes(&mut self) {
        self.waiting.retain(|_, (waiting, _)| !matches!(waiting.wish, Wish::Mode(_)));
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
                // A mode that came too soon is not carried out against what is wanted now.
                self.forget_waiting_modes();
                self.show(&desired).await;
                let shown = desired.mode.as_ref().map(ToString::to_string).unwrap_or_default();
                let has_waited = self.standing.waits_its_time;
                let (Tried { entry, .. }, result) =
                    self.attempt(device, &desired, shown, Asker::Control).await;
                let is_refused = entry.outcome == Outcome::Rejected && !entry.is_over_budget();
                if is_refused && has_waited {
                    // It is the first time that the device was asked.
                    self.tell_end(&desired, Ending::Refused);
                }
                if is_refused && result.is_ok() { self.rest(device, &desired).await } else { result }
            }
            Step::Renew => {
                self.renew(device, &desired).await;
                Ok(())
            }
            Step::Limit(limit) => self.limit(device, &desired, limit).await,
            Step::LimitAtRest(limit) => self.limit_at_rest(device, limit).await,
            Step::Rest => self.rest(device, &desired).await,
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
            self.standing.forget_limit_at_rest();
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
        let begins = self.standing.begins_to_limit();
        if begins != Begins::Already {
            self.show(desired).await;
        }
        let limited =
            AssertUnwindSafe(self.gate.limit(device, limit, by(desired), begins)).catch_unwind().await;
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
            Err(_) => {
                self.standing.ours |= self.gate.is_ours().await;
                return Err(Broken);
            }
        }
        Ok(())
    }

    /// The same while what is wanted is refused: the device has been given back, and does as it likes.
    async fn limit_at_rest(&mut self, device: &mut dyn Device, limit: Watts) -> Result<(), Broken> {
        let begins = self.standing.begins_to_limit();
        let limited = self.gate.limit(device, limit, Who::Limiter.key(), begins);
        let limited = AssertUnwindSafe(limited).catch_unwind().await;
        let worked = matches!(limited, Ok(Ok(_)));
        self.standing.ours |= self.gate.is_ours().await;
        self.standing.limited_at_rest(limit, worked);
        match limited {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => {
                tracing::debug!(target: "control", device = %self.id, error, "the limit could not be written");
                Ok(())
            }
            Err(_) => Err(Broken),
        }
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
}

/// Who wants it, in the ledger's words: of what was asked by hand, by what way.
fn by(desired: &Desired) -> &str {
    let of_chosen = desired.said.iter().filter(|said| Some(said.who) == desired.chosen);
    let mut ways = of_chosen.filter_map(|said| match &said.reason {
        Reason::AskedBy(way) => Some(way.as_str()),
        _ => None,
    });
    if let Some(way) = ways.next() {
        return way;
    }
    desired.chosen.or_else(|| desired.bounded_by.first().copied()).map_or(LEFT_ALONE, Who::key)
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
