//! How a limit is doing, for people and for alarms.

use std::fmt;

use ohmstead_model::{DeviceId, Unknown};
use ohmstead_units::Watts;

use super::Name;

/// How a limit is doing. Each limit that is set has one of the first four in every cycle, and a
/// [`NotControllable`](Self::NotControllable) for each device that should be bounded and cannot be.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// A bound is commanded.
    Holding {
        /// Which limit.
        limit: Name,
        /// What all its devices may make together.
        bound: Watts,
        /// The limited power.
        measured: Watts,
    },
    /// Nothing is commanded, for nothing is exceeded.
    Released {
        /// Which limit.
        limit: Name,
        /// The limited power.
        measured: Watts,
    },
    /// The limited power is not known. A bound that was commanded stays for 10 s and is then released.
    Blind {
        /// Which limit.
        limit: Name,
        /// Why it is not known.
        why: Unknown,
        /// What is still commanded.
        bound: Option<Watts>,
    },
    /// A bound did not make of the limited power what it should.
    Ineffective {
        /// Which limit.
        limit: Name,
        /// The limited power at that time.
        measured: Watts,
        /// What it should have become.
        expected: Watts,
        /// What is commanded all the same: the floor, which acts but is not enough. `None` where the bound had no effect
        /// and was given back for a while.
        bound: Option<Watts>,
    },
    /// A device cannot be bounded.
    NotControllable {
        /// Which limit.
        limit: Name,
        /// Which device; `site` where there is none at all.
        device: DeviceId,
        /// Why not.
        reason: String,
    },
}

impl Verdict {
    /// Which limit it is about.
    pub fn limit(&self) -> Name {
        match self {
            Self::Holding { limit, .. }
            | Self::Released { limit, .. }
            | Self::Blind { limit, .. }
            | Self::Ineffective { limit, .. }
            | Self::NotControllable { limit, .. } => *limit,
        }
    }

    /// The code, stable for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Holding { .. } => "holding",
            Self::Released { .. } => "released",
            Self::Blind { .. } => "blind",
            Self::Ineffective { .. } => "ineffective",
            Self::NotControllable { .. } => "not_controllable",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = |power: &Watts| Watts(power.0.round());
        match self {
            Self::Holding { limit, bound, measured } => {
                write!(f, "{limit}: held at {}, measured {}", whole(bound), whole(measured))
            }
            Self::Released { limit, measured } => {
                write!(f, "{limit}: not bounded, measured {}", whole(measured))
            }
            Self::Blind { limit, why, bound: None } => write!(f, "{limit}: not limited, {why}"),
            Self::Blind { limit, why, bound: Some(bound) } => {
                write!(f, "{limit}: held at {} for now, {why}", whole(bound))
            }
            Self::Ineffective { limit, measured, expected, bound } => {
                let (measured, expected) = (whole(measured), whole(expected));
                write!(f, "{limit}: measured {measured} where {expected} should be, ")?;
                match bound {
                    Some(bound) => write!(f, "the devices are held at {} and can do no more", whole(bound)),
                    None => f.write_str("the bound has no effect and is given back for a while"),
                }
            }
            Self::NotControllable { limit, device, reason } => write!(f, "{limit}: {device}: {reason}"),
        }
    }
}
