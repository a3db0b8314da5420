//! One attempt to change a device, step by step.

use std::time::Duration;

use ohmstead_drivers::{Device, DeviceError, ModeNow, Plan, Wear};
use ohmstead_model::{Asker, BatteryMode, LedgerEntry, Moment, Outcome, Request, Wish};
use ohmstead_units::{BatteryPower, Timespan};
use tokio_util::sync::CancellationToken;

use super::budget::TooMuch;
use super::judge::{self, Measured, Origin, Reply, Verdict};
use super::{Errand, Gate, LOOK_EVERY, Original, Until, words};
use crate::hub::span_words;
use crate::records::original_key;

/// How often the mode is read back after a write.
const READ_BACKS: usize = 3;

/// Reading back at once again tells nothing new.
const SETTLE_MIN: Duration = Duration::from_secs(1);

/// A driver that always has something to do must not keep an attempt from its measurement.
const POLL_EVERY_MIN: Duration = Duration::from_millis(100);

/// An attempt with what is known of it so far.
pub(super) struct Attempt<'a> {
    gate: &'a Gate,
    request: &'a Request,
    interrupt: &'a CancellationToken,
    gives_back: bool,
    pub(super) entry: LedgerEntry,
    /// Whether its write was noted, so that a crash cannot swallow it.
    pub(super) is_noted: bool,
    /// What the device is told, once that is known.
    pub(super) plan: Option<Plan>,
    /// After how long it can be carried out, where it comes too soon and may wait.
    pub(super) later: Option<Duration>,
}

impl<'a> Attempt<'a> {
    pub(super) fn new(gate: &'a Gate, errand: &'a Errand) -> Self {
        let entry = LedgerEntry {
            id: 0,
            at: gate.clock.now().unix,
            device: gate.id.clone(),
            asked_by: errand.by.clone(),
            request: errand.shown.clone(),
            old: None,
            new: None,
            reply: None,
            read_back: None,
            effect: None,
            outcome: Outcome::Failed,
            reason: String::new(),
        };
        let Errand { request, interrupt, gives_back, .. } = errand;
        let (gives_back, is_noted) = (*gives_back, false);
        Self { gate, request, interrupt, gives_back, entry, is_noted, plan: None, later: None }
    }

    pub(super) fn into_entry(self, outcome: Outcome, reason: String) -> LedgerEntry {
        LedgerEntry { outcome, reason, ..self.entry }
    }

    pub(super) async fn run(&mut self, device: &mut dyn Device) -> Verdict {
        let plan = match self.plan(device) {
            Ok(plan) => plan,
            Err(reason) => return (Outcome::Rejected, reason),
        };
        self.tell(&plan);
        let before = device.read_back(&self.request.wish).await;
        self.entry.old = before.as_ref().ok().map(words::mode);
        // What the writes contain besides the wish, and what they must not contradict, is as the device has it now.
        let plan = match before.as_ref().map(|_| self.plan(device)) {
            Ok(Ok(fresh)) => fresh,
            Ok(Err(reason)) => return (Outcome::Rejected, reason),
            Err(_) => plan,
        };
        self.tell(&plan);
        if let Some(reason) = self.endless(&plan).or_else(|| self.pointless(before.as_ref().ok())) {
            return (Outcome::Rejected, reason);
        }
        let ours = if self.gate.last.are(&plan.writes) { Origin::Ours } else { Origin::Unknown };
        if before.as_ref().is_ok_and(|before| judge::is_unchanged(&plan, before, ours)) {
            return (Outcome::Unchanged, "the device already does this".to_owned());
        }
        if self.gate.read_only.applies() {
            return (
                Outcome::DryRun,
                "read-only: nothing was written (read_only: true in the configuration)".to_owned(),
            );
        }
        let before = match before {
            Ok(before) => before,
            Err(error) => return (Outcome::Failed, format!("nothing was written: {}", chain(&error))),
        };
        if let Err(reason) = self.remember_original(self.is_apart(device), &before).await {
            return (Outcome::Failed, reason);
        }
        if let Some(wear) = &plan.wear
            && let Err(too_much) = self.spend(wear).await
        {
            return self.put_off(wear, too_much);
        }
        if let Err(reason) = self.gate.open_attempt(&self.entry).await {
            return (Outcome::Failed, reason);
        }
        self.is_noted = true;
        self.gate.last.set(None);
        let verdict = self.write_and_prove(device, &plan, &before).await;
        if matches!(verdict.0, Outcome::Confirmed | Outcome::AcceptedUnmeasured) {
            self.gate.last.set(Some(plan.writes));
        }
        verdict
    }

    pub(super) fn tell(&mut self, plan: &Plan) {
        self.entry.new = Some(plan.writes.join("\n"));
        self.plan = Some(plan.clone());
    }

    /// Why a mode that is asked for a time would not end then: nobody goes on running who ends it.
    fn endless(&self, plan: &Plan) -> Option<String> {
        let lease = self.request.lease.filter(|_| self.gate.until == Until::LeftToDevice)?;
        let lease_words = Timespan(lease);
        match plan.lasts {
            Some(lasts) if lasts >= lease => None,
            Some(lasts) => Some(format!(
                "the device ends this by itself after {}, not after {lease_words}: for longer a running `ohmstead run` has to renew it",
                Timespan(lasts)
            )),
            None => Some(format!(
                "the device does not end this after {lease_words} by itself: with a running `ohmstead run` it would be ended"
            )),
        }
    }

    /// What becomes of a wish for which it is too soon. One that somebody waits for is answered; one of control's own, or
    /// from a bus, where a switch was turned, waits itself, as long as this program goes on running.
    fn put_off(&mut self, wear: &Wear, too_much: TooMuch) -> Verdict {
        let (outcome, reason) = too_much.verdict;
        // What control wants is decided anew until then.
        let may_wait = match self.request.asked_by {
            Asker::Control => !self.gives_back,
            Asker::Mqtt => wear.may_wait,
            _ => false,
        };
        let waits = may_wait && self.gate.until == Until::Watched;
        let Some(wait) = too_much.wait.filter(|_| waits) else { return (outcome, reason) };
        self.later = Some(wait);
        (outcome, format!("deferred until {}: {reason}", words::time(self.gate.clock.now().plus(wait).unix)))
    }

    fn plan(&self, device: &dyn Device) -> Result<Plan, String> {
        if matches!(self.request.wish, Wish::Setting(_)) && self.request.lease.is_some() {
            return Err("a setting stays until it is changed again: ask for it without a time".to_owned());
        }
        let lease = self.request.lease.map(Timespan);
        device.plan(&self.wish_for_device(), lease).map_err(|error| error.to_string())
    }

    /// Why a charge up to a state of charge makes no sense as it was asked.
    fn pointless(&self, before: Option<&ModeNow>) -> Option<String> {
        let Wish::Mode(BatteryMode::Charge { until: Some(until), .. }) = &self.request.wish else {
            return None;
        };
        if let Some(soc) = before.and_then(|before| before.soc).filter(|soc| *soc >= until.0) {
            return Some(format!("the battery has {soc:.0} % already"));
        }
        self.request.lease.is_none().then(|| {
            format!(
                "say also for how long at most: the device ends a charge by its own timer, perhaps long before {until}"
            )
        })
    }

    /// The wish as the device is asked for it: the end of a charge is watched by this program where it goes on running.
    fn wish_for_device(&self) -> Wish {
        match &self.request.wish {
            Wish::Mode(BatteryMode::Charge { power, .. }) if self.gate.until == Until::Watched => {
                BatteryMode::Charge { power: *power, until: None }.into()
            }
            wish => wish.clone(),
        }
    }

    /// Keeps how the device, or the setting, was before the first write ever, so that it can be given back.
    pub(super) async fn remember_original(&self, is_apart: bool, before: &ModeNow) -> Result<(), String> {
        // What it is while it is given back is ours.
        if self.gives_back {
            return Ok(());
        }
        let (records, wish) = (&self.gate.records, &self.request.wish);
        let key = original_key(&self.gate.id, wish);
        let refused = |error| format!("nothing was written: the present state could not be stored: {error}");
        let known = records.get_state(key.clone()).await.map_err(refused)?.unwrap_or_default();
        let original = Original { wish: wish.clone(), native: before.native.clone() };
        match words::with_original(&known, &original, is_apart, self.entry.at) {
            Some(text) => records.put_state(key, text).await.map_err(refused),
            None => Ok(()),
        }
    }

    fn is_apart(&self, device: &dyn Device) -> bool {
        self.request.wish.mode().is_some_and(|mode| device.is_apart(mode))
    }

    /// Takes a write of the budget. What is given back is one more, and never too soon: it was ours to take.
    async fn spend(&self, wear: &Wear) -> Result<(), TooMuch> {
        if !self.gives_back {
            return self.gate.spend(wear).await;
        }
        let last = Wear { interval: Duration::ZERO, per_day: wear.per_day.saturating_add(1), ..wear.clone() };
        self.gate.spend(&last).await
    }

    pub(super) async fn write_only(&mut self, device: &mut dyn Device) -> Verdict {
        let plan = match self.plan(device) {
            Ok(plan) => plan,
            Err(reason) => return (Outcome::Rejected, reason),
        };
        self.tell(&plan);
        if let Some(wear) = &plan.wear
            && let Err(too_much) = self.spend(wear).await
        {
            return too_much.verdict;
        }
        if let Err(reason) = self.gate.open_attempt(&self.entry).await {
            return (Outcome::Failed, reason);
        }
        self.is_noted = true;
        self.gate.last.set(None);
        match device.write(&plan).await {
            Ok(reply) => {
                let reason = format!("{} before it could be read back", self.cause());
                self.entry.reply = Some(reply.reply);
                (if reply.accepted { Outcome::AcceptedUnmeasured } else { Outcome::Rejected }, reason)
            }
            Err(error) => (Outcome::Failed, chain(&error)),
        }
    }

    async fn write_and_prove(&mut self, device: &mut dyn Device, plan: &Plan, before: &ModeNow) -> Verdict {
        let reply = match device.write(plan).await {
            Ok(reply) => {
                self.count_again(plan, reply.tries).await;
                let said = if reply.accepted { Reply::Yes } else { Reply::No(one_line(&reply.reply)) };
                self.entry.reply = Some(reply.reply);
                said
            }
            Err(error @ DeviceError::Refused { .. }) => self.no_reply(&error, Reply::No),
            Err(error @ DeviceError::NotSent { .. }) => return (Outcome::Failed, chain(&error)),
            Err(error) => {
                if let DeviceError::NoAnswer { tries, .. } = error {
                    self.count_again(plan, tries).await;
                }
                self.no_reply(&error, Reply::Nothing)
            }
        };
        let written = self.gate.clock.now();
        let read_back = self.read_back(device, plan).await;
        self.entry.read_back = read_back.as_ref().map(words::mode);
        if let Some(verdict) = judge::incomplete(&reply, plan) {
            return verdict;
        }
        match (read_back, plan.expect_power) {
            (None, _) if self.interrupt.is_cancelled() => cut_short(&reply, self.cause()),
            (Some(now), Some(expected)) if judge::in_mode(plan, &now) => {
                self.measure(device, plan, expected, Watch { before, now, written }).await
            }
            (Some(now), None) if judge::in_mode(plan, &now) => judge::unmeasured(&reply, plan, before),
            (read_back, _) => judge::other_mode(&reply, read_back.as_ref(), plan),
        }
    }

    /// Takes what was sent more than once from the budget too.
    async fn count_again(&self, plan: &Plan, tries: u32) {
        if let Some(wear) = plan.wear.as_ref().filter(|_| tries > 1) {
            self.gate.spend_again(wear, tries - 1).await;
        }
    }

    fn no_reply(&mut self, error: &DeviceError, kind: fn(String) -> Reply) -> Reply {
        let text = chain(error);
        self.entry.reply = Some(text.clone());
        kind(text)
    }

    /// Reads the mode until it is the expected one, a few times; the last that was read, if any.
    async fn read_back(&self, device: &mut dyn Device, plan: &Plan) -> Option<ModeNow> {
        let mut last = None;
        for _ in 0..READ_BACKS {
            self.wait(plan.settle.max(SETTLE_MIN)).await;
            if self.interrupt.is_cancelled() {
                break;
            }
            if let Ok(now) = device.read_back(&self.request.wish).await {
                let done = judge::in_mode(plan, &now);
                last = Some(now);
                if done {
                    break;
                }
            }
        }
        last
    }

    /// Watches the power until it is as asked or the time is up. Polls go on meanwhile.
    async fn measure(
        &mut self,
        device: &mut dyn Device,
        plan: &Plan,
        expected: BatteryPower,
        watch: Watch<'_>,
    ) -> Verdict {
        let Watch { before, mut now, written } = watch;
        let mut last = [None, None];
        loop {
            let after = self.gate.clock.now().since(written);
            last = [last[1].or(last[0]), now.power.or(last[1])];
            self.entry.effect =
                now.power.map(|power| format!("{} after {}", words::power(power), span_words(after)));
            if !judge::in_mode(plan, &now) {
                self.entry.read_back = Some(words::mode(&now));
                let reason = format!(
                    "the device left the mode by itself after {}: it reads {}",
                    span_words(after),
                    now.native
                );
                return (Outcome::Ineffective, reason);
            }
            if let Some(power) = now.power.filter(|power| judge::near(expected, *power)) {
                return judge::followed(power, after);
            }
            if self.interrupt.is_cancelled() {
                let reason = format!("{} before the effect could be measured", self.cause());
                return (Outcome::AcceptedUnmeasured, reason);
            }
            if after >= plan.effect_within {
                return judge::not_followed(&Measured {
                    expected,
                    before: before.power,
                    last,
                    soc: now.soc,
                    after,
                });
            }
            self.poll_for(device, LOOK_EVERY.min(plan.effect_within.saturating_sub(after))).await;
            if let Ok(next) = device.read_back(&self.request.wish).await {
                now = next;
            }
        }
    }

    /// Lets the device's polls go on for a while.
    async fn poll_for(&self, device: &mut dyn Device, span: Duration) {
        let until = self.gate.clock.now().plus(span);
        while !self.interrupt.is_cancelled() {
            let left = until.since(self.gate.clock.now());
            let due = device.due_in().max(POLL_EVERY_MIN);
            if due >= left {
                return self.wait(left).await;
            }
            self.wait(due).await;
            if !self.interrupt.is_cancelled() {
                device.poll().await;
            }
        }
    }

    /// Why the attempt was cut short.
    fn cause(&self) -> &'static str {
        if self.gate.stop.is_cancelled() { "the program was stopped" } else { "something else was wanted" }
    }

    async fn wait(&self, span: Duration) {
        tokio::select! {
            () = self.gate.clock.sleep(span) => {}
            () = self.interrupt.cancelled() => {}
        }
    }
}

/// The verdict where an attempt is cut short before anything could be read back.
fn cut_short(reply: &Reply, cause: &str) -> Verdict {
    let reason = format!("{cause} before the mode could be read back");
    let accepted = *reply == Reply::Yes;
    (if accepted { Outcome::AcceptedUnmeasured } else { Outcome::Failed }, reason)
}

/// Where a measurement starts from.
struct Watch<'a> {
    before: &'a ModeNow,
    now: ModeNow,
    written: Moment,
}

/// The error with its causes.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
