//! What is told of control: where the device stands, its notices, and to control itself what is over.

use ohmstead_control::{Desired, Who};
use ohmstead_model::{ControlPhase, ControlState, Language, LedgerEntry, Notice, Outcome, Severity};

use super::DeviceTask;
use crate::actuator::{Ended, Ending, How};

/// The notices of control.
pub(super) const INEFFECTIVE: &str = "control_ineffective";
pub(super) const FOREIGN: &str = "control_foreign";
const REFUSED: &str = "control_refused";

impl DeviceTask {
    /// A request that this device cannot be asked is over for control too.
    pub(super) fn tell_refused(&self, how: &How) {
        if let How::Held(desired) = how {
            self.tell_end(desired, Ending::Refused);
        }
    }

    pub(super) fn tell_end(&self, desired: &Desired, why: Ending) {
        let ended = Ended { device: self.id.clone(), chosen: desired.chosen, ends: desired.ends, why };
        // Control that is too slow for it looks at the phase.
        if self.door.ends.try_send(ended).is_err() {
            tracing::debug!(target: "control", device = %self.id, "nobody took notice of an end");
        }
    }

    pub(super) async fn tell(&mut self, desired: &Desired, entry: &LedgerEntry, given_up: bool) {
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

    pub(super) async fn notice(&self, code: &'static str, notice: Option<Notice>) {
        self.hub.notice(self.id.clone(), code, notice).await;
    }

    /// Shows where the device stands, when that has changed.
    pub(super) async fn show(&mut self, desired: &Desired) {
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
