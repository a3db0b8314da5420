//! How a sink is doing, for others to show.

use std::time::Duration;

use ohmstead_model::Moment;

/// How a sink is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// By how much the oldest value that is not acknowledged is behind; `None` before the first look.
    pub behind: Option<Duration>,
    /// Values acknowledged since the start.
    pub sent: u64,
    /// Values that the target refused for good since the start; they are skipped.
    pub refused: u64,
    /// When something was last acknowledged.
    pub last_success: Option<Moment>,
    /// Why nothing can be sent and what to do, if so.
    pub trouble: Option<String>,
}
