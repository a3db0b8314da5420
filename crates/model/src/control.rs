//! What control wants of a device at present, and how far it has got, for everybody who shows it.

use crate::UnixMillis;

/// How far a device has got with what is wanted of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Nothing is wanted: it is left alone.
    Unset,
    /// Wanted, and not written yet.
    Pending,
    /// Nothing was written because the device or the installation is read-only.
    DryRun,
    /// A measured effect shows it.
    Confirmed,
    /// Accepted and read back; no meter shows an effect.
    AcceptedUnmeasured,
    /// It was accepted, but the measurement does not follow.
    Ineffective,
    /// The device did not answer.
    Failed,
    /// Somebody else has changed it since: it is left to them.
    Foreign,
    /// The device refuses it, or cannot do it.
    NotControllable,
}

impl Phase {
    /// As it is written in JSON.
    pub fn key(self) -> &'static str {
        match self {
            Self::Unset => "unset",
            Self::Pending => "pending",
            Self::DryRun => "dry_run",
            Self::Confirmed => "confirmed",
            Self::AcceptedUnmeasured => "accepted_unmeasured",
            Self::Ineffective => "ineffective",
            Self::Failed => "failed",
            Self::Foreign => "foreign",
            Self::NotControllable => "not_controllable",
        }
    }
}

/// What is wanted of a device.
#[derive(Debug, Clone, PartialEq)]
pub struct ControlState {
    /// The mode, as it prints; `None` where the device is left alone.
    pub wants: Option<String>,
    /// Who wants it: `override`, `schedule` and so on.
    pub by: Option<&'static str>,
    /// How far it has got.
    pub phase: Phase,
    /// Stable key of the reason.
    pub code: &'static str,
    /// The reason in a sentence, English.
    pub reason: String,
    /// When it ends by itself, if it does.
    pub ends: Option<UnixMillis>,
}

impl ControlState {
    /// A device that is left alone.
    pub fn hands_off() -> Self {
        Self {
            wants: None,
            by: None,
            phase: Phase::Unset,
            code: "nobody_asks",
            reason: "nobody wants anything of it".to_owned(),
            ends: None,
        }
    }
}
