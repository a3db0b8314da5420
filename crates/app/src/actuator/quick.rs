//! Writes that do not go through a whole attempt: a limit that follows a measurement, what is given back when the program
//! stops, and what is there already and written again.

use ohmstead_drivers::{Device, Plan, WriteReply};
use ohmstead_model::{Asker, Assignment, BatteryMode, Outcome, Request, Wish};
use ohmstead_units::{Timespan, Watts};

use super::attempt::{Attempt, chain};
use super::{Begins, Errand, Gate, Tried, judge};

/// The setting by which a device limits what it discharges with, where it has one.
const DISCHARGE_LIMIT: &str = "max_discharge_power";

impl Gate {
    /// Lets the device discharge with at most `limit` of its own accord. Quick, for it follows a measurement: no row of the
    /// ledger but for the first, no reading back, for who limits measures what comes of it. `Ok(true)` where it was written.
    /// Another mode ends in the same breath: whatever comes between would be without a limit.
    pub(crate) async fn limit(
        &self,
        device: &mut dyn Device,
        limit: Watts,
        by: &str,
        begins: Begins,
    ) -> Result<bool, String> {
        if self.is_read_only() {
            return Err("read-only".to_owned());
        }
        let value = format!("{}", limit.0.round());
        let wish = Wish::Setting(Assignment { name: DISCHARGE_LIMIT.to_owned(), value });
        let plan = device.plan(&wish, None).map_err(|error| error.reason)?;
        if self.last.are(&plan.writes) {
            return Ok(false);
        }
        let request = Request { device: self.id.clone(), wish, lease: None, asked_by: Asker::Control };
        let errand = Errand { by: by.to_owned(), ..Errand::plain(&request, &self.stop) };
        let is_first = begins != Begins::Already;
        if is_first {
            self.keep_original_mode(device, &request).await?;
        }
        let mut told = plan.clone();
        if begins == Begins::InAnotherMode {
            let auto = device.plan(&BatteryMode::Auto.into(), None).map_err(|error| error.reason)?;
            let reply = self.write_quickly(device, &auto).await?;
            if !reply.accepted {
                return Err(format!("the device refused: {}", reply.reply));
            }
            told.writes = [auto.writes, told.writes].concat();
        }
        let reply = self.write_quickly(device, &plan).await?;
        if is_first {
            let mut attempt = Attempt::new(self, &errand);
            attempt.tell(&told);
            attempt.entry.reply = Some(reply.reply.clone());
            let outcome = if reply.accepted { Outcome::AcceptedUnmeasured } else { Outcome::Rejected };
            let entry = attempt.into_entry(outcome, "what follows is measured by the limit".to_owned());
            self.record(entry).await;
        }
        if !reply.accepted {
            return Err(format!("the device refused: {}", reply.reply));
        }
        self.last.set(Some(plan.writes));
        Ok(true)
    }

    /// Keeps what the mode was before the first write, unless it is kept already: what lives beside the modes is no mode.
    async fn keep_original_mode(&self, device: &mut dyn Device, request: &Request) -> Result<(), String> {
        let auto = Wish::Mode(BatteryMode::Auto);
        if self.originals().await.iter().any(|original| original.wish == auto) {
            return Ok(());
        }
        let mode = Request { wish: auto, ..request.clone() };
        let mode = Errand::plain(&mode, &self.stop);
        let before = device.read_back(&mode.request.wish).await.map_err(|error| chain(&error))?;
        Attempt::new(self, &mode).remember_original(false, &before).await
    }

    /// Writes a plan and takes its answer for what it is.
    async fn write_quickly(&self, device: &mut dyn Device, plan: &Plan) -> Result<WriteReply, String> {
        if let Some(wear) = &plan.wear {
            self.spend(wear).await.map_err(|too_much| too_much.verdict.1)?;
        }
        self.last.set(None);
        device.write(plan).await.map_err(|error| chain(&error))
    }

    /// Writes without looking before and after, for there is no time for it: the program stops.
    pub(crate) async fn write_at_once(&self, device: &mut dyn Device, errand: &Errand) -> Tried {
        let mut attempt = Attempt::new(self, errand);
        let (outcome, reason) = attempt.write_only(device).await;
        let (noted, plan) = (attempt.is_noted, attempt.plan.take());
        let entry = self.record(attempt.into_entry(outcome, reason)).await;
        if noted {
            self.forget_note(&entry).await;
        }
        Tried { entry, plan, later: None }
    }

    /// Whether the device reads as a plan says, now or when it has had time for it. One that cannot be read does not.
    pub(crate) async fn reads(&self, device: &mut dyn Device, wish: &Wish, plan: &Plan) -> bool {
        for _ in 0..2 {
            match device.read_back(wish).await {
                Ok(now) if judge::in_mode(plan, &now) => return true,
                Ok(_) => self.clock.sleep(plan.settle).await,
                Err(_) => return false,
            }
        }
        false
    }

    /// Writes again what is wanted already, because the device ends it by itself or because the house has changed
    /// meanwhile. No row of the ledger: nothing new is wanted. What was written, or why nothing was.
    pub(crate) async fn renew(&self, device: &mut dyn Device, request: &Request) -> Result<Plan, String> {
        if self.read_only.applies() {
            return Err("read-only".to_owned());
        }
        let plan = device.plan(&request.wish, request.lease.map(Timespan)).map_err(|error| error.reason)?;
        if plan.wear.is_some() {
            return Err("what wears out is not written again".to_owned());
        }
        if plan.lasts.is_none() && self.last.are(&plan.writes) {
            return Ok(plan);
        }
        self.last.set(None);
        match device.write(&plan).await {
            Ok(reply) if reply.accepted => {
                self.last.set(Some(plan.writes.clone()));
                Ok(plan)
            }
            Ok(reply) => Err(format!("the device refused: {}", reply.reply)),
            Err(error) => Err(chain(&error)),
        }
    }
}
