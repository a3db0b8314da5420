//! What was asked by hand for a time to come.

use ohmstead_model::{BatteryMode, DeviceId, TimeSpan};

/// A stretch of time ahead for which somebody has asked a battery for a mode.
#[derive(Debug, Clone, PartialEq)]
pub struct AskedAhead {
    /// The number under which it is taken back.
    pub id: u32,
    /// For which device.
    pub device: DeviceId,
    /// What it should do.
    pub mode: BatteryMode,
    /// From when until when.
    pub span: TimeSpan,
    /// By what way it was asked.
    pub asked_by: String,
}

/// What somebody wants of it.
#[derive(Debug, Clone, PartialEq)]
pub enum AheadChange {
    /// Something new; it takes the time of what was asked before.
    Add {
        /// For which device.
        device: DeviceId,
        /// What it should do.
        mode: BatteryMode,
        /// From when until when.
        span: TimeSpan,
    },
    /// One is taken back.
    Remove {
        /// Its number.
        id: u32,
    },
}
