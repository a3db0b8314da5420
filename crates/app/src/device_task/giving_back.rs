//! Making the device what it was before it was ours: when nobody wants anything of it, and when the program stops.

use std::time::Duration;

use ohmstead_drivers::Device;
use ohmstead_model::{Asker, BatteryMode, LedgerEntry, Outcome, Request, Wish};
use tokio_util::sync::CancellationToken;

use super::standing::Standing;
use super::telling::{FOREIGN, INEFFECTIVE};
use super::{Broken, DeviceTask};
use crate::actuator::{Errand, Original, Tried};

/// How long giving the device back may take when the program stops.
const LAST_ACT: Duration = Duration::from_secs(6);

/// Who gives a device back of which nobody wants anything any more, in the ledger's words.
pub(super) const LEFT_ALONE: &str = "control";

impl DeviceTask {
    /// What a request for good means for what was ours: a device in its own automatic is nobody's.
    pub(super) async fn left_as_asked(&mut self, request: &Request, entry: &LedgerEntry) {
        if entry.is_over_budget() {
            // Nothing was written.
            return;
        }
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

    /// Makes the device what it was before it was ours.
    pub(super) async fn give_back(
        &mut self,
        device: &mut dyn Device,
        by: &str,
    ) -> (LedgerEntry, Result<(), Broken>) {
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
