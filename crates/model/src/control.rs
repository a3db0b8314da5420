//! What control wants of a device at present, and how far it has got, for everybody who shows it.

use crate::UnixMillis;

/// A part of control that its owner can switch off and on while the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The limits of the site.
    Limits,
    /// What the planner says.
    Plan,
    /// What is done before dear days of the Tempo tariff.
    Tempo,
    /// Modes by the clock.
    Schedule,
    /// Batteries that take turns.
    Rotation,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Limits, Self::Plan, Self::Tempo, Self::Schedule, Self::Rotation];

    /// As it is written in topics, in JSON and on the command line.
    pub fn key(self) -> &'static str {
        match self {
            Self::Limits => "limits",
            Self::Plan => "plan",
            Self::Tempo => "tempo",
            Self::Schedule => "schedule",
            Self::Rotation => "rotation",
        }
    }

    /// The part of that key.
    pub fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.key() == key)
    }
}

/// Which parts of control there are, and whether they are on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Switches {
    /// `None`: the configuration has no limits.
    pub limits: Option<bool>,
    /// `None`: the configuration lets no plan act.
    pub plan: Option<bool>,
    /// `None`: the configuration has no strategy for the Tempo tariff.
    pub tempo: Option<bool>,
    /// `None`: the configuration has no schedule.
    pub schedule: Option<bool>,
    /// `None`: the configuration has no rotation.
    pub rotation: Option<bool>,
}

impl Switches {
    /// The parts that there are.
    pub fn parts(&self) -> impl Iterator<Item = Part> + use<'_> {
        Part::ALL.into_iter().filter(|part| self.get(*part).is_some())
    }

    /// Whether a part is on; `None` where there is none.
    pub fn get(&self, part: Part) -> Option<bool> {
        match part {
            Part::Limits => self.limits,
            Part::Plan => self.plan,
            Part::Tempo => self.tempo,
            Part::Schedule => self.schedule,
            Part::Rotation => self.rotation,
        }
    }
}

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
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Unset,
        Self::Pending,
        Self::DryRun,
        Self::Confirmed,
        Self::AcceptedUnmeasured,
        Self::Ineffective,
        Self::Failed,
        Self::Foreign,
        Self::NotControllable,
    ];

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
