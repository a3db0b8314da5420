//! The one gate to the hardware: every wish for a mode or a setting, from wherever it comes, passes here.
//!
//! ```text
//! plan --no way--> rejected
//!   | read the mode --no answer--> failed (nothing written)
//!   | plan anew, from what was read --no way--> rejected
//!   |               --same------> unchanged
//!   | read-only ----------------> dry_run (nothing written)
//!   | worn too much lately -----> rejected (nothing written)
//!   v
//! remember the original, durably
//! write --> settle --> read back --other mode--> rejected | ineffective | failed
//!                         | same mode
//!                         v
//!                      measure --follows--> confirmed
//!                              --does not-> ineffective
//!                              --no meter-> accepted_unmeasured
//! ```
//!
//! A device's reply proves nothing, neither a yes nor a no: what is read back and measured counts. Every attempt ends as a
//! row of the ledger, durable before the answer is given.

mod attempt;
mod budget;
mod commands;
mod judge;
mod quick;
mod words;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ohmstead_drivers::{Device, Plan};
use ohmstead_model::{BatteryMode, Clock, DeviceId, LedgerEntry, Outcome, Request, Wish};
use tokio_util::sync::CancellationToken;

use crate::records::{Records, attempt_key, original_key};
use attempt::Attempt;
pub(crate) use commands::{
    AnswerTo, Ask, Commander, ControlAsk, ControlDoor, Door, Ended, Ending, How, ModeAsk, SwitchAsk,
};
pub(crate) use ohmstead_control::overrides::LONGEST as LEASE_MAX;
pub(crate) use words::request as shown;

/// Between two looks at something that takes time.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// The gate of one device.
pub(crate) struct Gate {
    /// Whose.
    pub(crate) id: DeviceId,
    /// Whether nothing may be written.
    pub(crate) read_only: ReadOnly,
    /// The one clock.
    pub(crate) clock: Arc<dyn Clock>,
    /// Where the ledger and the original mode go.
    pub(crate) records: Arc<dyn Records>,
    /// Ends the waiting of an attempt.
    pub(crate) stop: CancellationToken,
    /// Who ends a charge at a state of charge.
    pub(crate) until: Until,
    /// What was last written to the device by this process and worked.
    pub(crate) last: LastWrites,
}

/// A request as the ledger shows it, with what may cut its attempt short.
#[derive(Debug, Clone)]
pub(crate) struct Errand {
    /// What the device is asked for. Its lease is the device's own timer.
    pub(crate) request: Request,
    /// What was asked, in words.
    pub(crate) shown: String,
    /// Who asked, in the ledger's words.
    pub(crate) by: String,
    /// Ends the waiting and the measuring: the program stops, or something else is wanted by now.
    pub(crate) interrupt: CancellationToken,
    /// Whether it makes the device what it was before it was ours.
    pub(crate) gives_back: bool,
}

impl Errand {
    /// A request that is carried out as it was made.
    pub(crate) fn plain(request: &Request, interrupt: &CancellationToken) -> Self {
        Self {
            request: request.clone(),
            shown: words::request(request),
            by: request.asked_by.key().to_owned(),
            interrupt: interrupt.clone(),
            gives_back: false,
        }
    }
}

/// How a device was before it was ours.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Original {
    /// For which kind of wish.
    pub(crate) wish: Wish,
    /// In the device's own words.
    pub(crate) native: String,
}

/// What came of a request.
pub(crate) struct Tried {
    /// Its ledger row.
    pub(crate) entry: LedgerEntry,
    /// What the device was told, once it is known what that would be.
    pub(crate) plan: Option<Plan>,
    /// After how long to try again, where it came too soon.
    pub(crate) later: Option<Duration>,
}

/// Whether a limit goes on that was written before, or what it begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begins {
    /// It goes on.
    Already,
    /// The device follows its own automatic.
    InAutomatic,
    /// Something else is at work in it.
    InAnotherMode,
}

/// Who watches a charge that is to end at a state of charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// This program goes on running and ends the charge.
    Watched,
    /// Nobody, unless the device can do it by itself.
    LeftToDevice,
}

/// The writes that made the device what it is, if they were ours.
#[derive(Debug, Default)]
pub(crate) struct LastWrites(Mutex<Option<Vec<String>>>);

impl LastWrites {
    fn set(&self, writes: Option<Vec<String>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = writes;
    }

    fn are(&self, writes: &[String]) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_deref() == Some(writes)
    }
}

/// Whether a device may be written to.
#[derive(Clone)]
pub(crate) struct ReadOnly {
    /// What the device's own settings say, if anything.
    pub(crate) device: Option<bool>,
    /// What the installation says; may change while the program runs.
    pub(crate) installation: Arc<AtomicBool>,
}

impl ReadOnly {
    fn applies(&self) -> bool {
        self.device.unwrap_or_else(|| self.installation.load(Ordering::Relaxed))
    }
}

impl Gate {
    /// Carries out a request and returns its ledger row, which is durable by then unless its reason says otherwise.
    pub(crate) async fn carry_out(&self, device: &mut dyn Device, request: &Request) -> LedgerEntry {
        self.try_out(device, &Errand::plain(request, &self.stop)).await.entry
    }

    /// The same, with what follows for a wish that comes too soon.
    pub(crate) async fn try_out(&self, device: &mut dyn Device, errand: &Errand) -> Tried {
        let mut attempt = Attempt::new(self, errand);
        let (outcome, reason) = attempt.run(device).await;
        let (noted, plan, later) = (attempt.is_noted, attempt.plan.take(), attempt.later);
        let entry = self.record(attempt.into_entry(outcome, reason)).await;
        if noted {
            self.forget_note(&entry).await;
        }
        Tried { entry, plan, later }
    }

    /// What the device was before it was ours, if it is ours now. What lives beside its modes comes first.
    pub(crate) async fn originals(&self) -> Vec<Original> {
        let text = self.records.get_state(original_key(&self.id, &Wish::Mode(BatteryMode::Auto))).await;
        words::originals(&text.ok().flatten().unwrap_or_default())
    }

    /// Whether the device is ours: it has to be given back.
    pub(crate) async fn is_ours(&self) -> bool {
        !self.originals().await.is_empty()
    }

    /// The same where the memory can be read at all.
    pub(crate) async fn knows_whether_ours(&self) -> Option<bool> {
        let text =
            self.records.get_state(original_key(&self.id, &Wish::Mode(BatteryMode::Auto))).await.ok()?;
        Some(!words::originals(&text.unwrap_or_default()).is_empty())
    }

    /// Somebody else has chosen another mode: what it was before is no longer to be brought back.
    pub(crate) async fn forget_mode(&self) {
        let key = original_key(&self.id, &Wish::Mode(BatteryMode::Auto));
        let Ok(Some(text)) = self.records.get_state(key.clone()).await else { return };
        if let Err(error) = self.records.put_state(key, words::without_mode(&text)).await {
            tracing::warn!(target: "control", device = %self.id, %error, "the next start will give the device back");
        }
    }

    /// The device is what it was: it is nobody's again.
    pub(crate) async fn forget_original(&self) {
        let key = original_key(&self.id, &Wish::Mode(BatteryMode::Auto));
        if let Err(error) = self.records.put_state(key, String::new()).await {
            tracing::warn!(target: "control", device = %self.id, %error, "the next start will give the device back once more");
        }
    }

    /// Whether nothing may be written.
    pub(crate) fn is_read_only(&self) -> bool {
        self.read_only.applies()
    }

    /// Writes the row of a request that ended without an attempt of its own, such as by a bug of the driver.
    pub(crate) async fn record_failure(&self, errand: &Errand, reason: &str) -> LedgerEntry {
        let entry = Attempt::new(self, errand).into_entry(Outcome::Failed, reason.to_owned());
        let entry = self.record(entry).await;
        self.forget_note(&entry).await;
        entry
    }

    /// Notes durably what is about to be written, before it is: a crash must not swallow a write.
    async fn open_attempt(&self, entry: &LedgerEntry) -> Result<(), String> {
        let refused = |error| format!("nothing was written: the attempt could not be noted: {error}");
        self.records.put_state(attempt_key(&self.id), words::note(entry)).await.map_err(refused)
    }

    /// Puts an attempt that a crash cut off into the ledger.
    pub(crate) async fn close_interrupted(&self) {
        let note = self.records.get_state(attempt_key(&self.id)).await.ok().flatten();
        if let Some(entry) = note.and_then(|note| words::interrupted(&note, &self.id)) {
            let entry = self.record(entry).await;
            self.forget_note(&entry).await;
        }
    }

    /// The note is of no more use once the row is in the ledger.
    pub(super) async fn forget_note(&self, entry: &LedgerEntry) {
        if entry.id != 0
            && let Err(error) = self.records.put_state(attempt_key(&self.id), String::new()).await
        {
            tracing::warn!(target: "control", device = %self.id, %error, "the next start will count this attempt as interrupted");
        }
    }

    pub(super) async fn record(&self, mut entry: LedgerEntry) -> LedgerEntry {
        match self.records.append_ledger(entry.clone()).await {
            Ok(id) => entry.id = id,
            Err(error) => {
                tracing::error!(device = %self.id, %error, "the attempt could not be written into the ledger");
                entry.reason = format!("{}; not in the ledger: {error}", entry.reason);
            }
        }
        let LedgerEntry { request, outcome, reason, asked_by, .. } = &entry;
        tracing::info!(device = %self.id, request, asked_by, outcome = outcome.key(), reason, "a request was dealt with");
        entry
    }
}

#[cfg(test)]
mod tests;
