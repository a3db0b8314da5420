//! Marstek Venus batteries over their local API: JSON over UDP, one exchange at a time.
//!
//! ```text
//!            schedule (what is due)                 learn (what this unit answers)
//!                   |                                     |
//! battery --asks--> link --one request, its answer--> decode (units, filters) --> readings
//!    |                                                    |
//!    +-- presence (does it answer? has it moved?)         scale (which unit is this number in?)
//!    +-- identity (what is it?), notices (what is wrong?)
//!    +-- writes, mode (the writes for a battery mode)
//! ```
//!
//! States of a unit: *not asked yet* -> *online* after its first answer; *offline* after two exchanges in a row without
//! one, each with retries. While offline one probe at a time, with growing pauses, tries `params.id` 0 and 1, both
//! source ports, and, where the unit's MAC is known, rarely a broadcast: it may have a new address.

mod battery;
mod decode;
mod explain;
mod field;
mod filter;
mod learn;
mod link;
mod mode;
mod notices;
mod profile;
mod scale;
mod schedule;
mod search;
mod settings;
mod wire;

pub use battery::Battery;
pub use explain::{ExplainError, Explained, explain};
pub use search::{PORTS, Search, discover};
pub use settings::{PORT, PhaseSetting, Settings};
pub use wire::{DatagramError, Method};

use crate::Driver;

/// The driver.
pub const DRIVER: Driver = Driver {
    name: "marstek",
    about: "Marstek Venus batteries over the local UDP API",
    metrics: decode::METRICS,
    native: &[],
};
