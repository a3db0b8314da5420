//! Something that happened and is worth remembering: a device went offline, a setting was refused.

use crate::{DeviceId, Severity, UnixMillis};

/// One change of state, as the event list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Number in the store; 0 before it is stored.
    pub id: i64,
    /// When.
    pub at: UnixMillis,
    /// How serious.
    pub severity: Severity,
    /// Which device, if one.
    pub device: Option<DeviceId>,
    /// Stable key, such as `device_offline`.
    pub code: String,
    /// One sentence for people.
    pub text: String,
}
