//! What every device should do now, and why: plain functions of what is known, what was wanted before, the time and the
//! settings.
//!
//! ```text
//! Inputs (snapshot, overrides, plan, colours) --> proposers --Proposal--> arbiter --Desired, one per device--> the actuators of `app`
//!                                  safety, limiter, override, plan, tempo, schedule, rotation
//! ```
//!
//! A proposer says what it would like a device to do, and between which bounds its battery's power must stay. The
//! [`arbiter`](mod@arbiter) narrows the bounds from the highest priority down and takes the highest wish that there is, as
//! far as the bounds allow. What nobody wants anything of is left alone, and given back if it was ours.
//!
//! Nothing here can fail: unknown input leads to no wish, or to the narrower bound.

#![warn(missing_docs)]

pub mod arbiter;
mod bounds;
mod desired;
pub mod limiter;
pub mod overrides;
pub mod plan;
mod proposal;
pub mod reason;
pub mod rotation;
mod safety;
pub mod schedule;
mod step;
pub mod tempo;
mod verdict;

pub use bounds::Bounds;
pub use desired::{Desired, Said};
pub use overrides::Override;
pub use proposal::{Proposal, Who};
pub use reason::Reason;
pub use step::{Cycle, Inputs, Settings, State, Tariff, step};
pub use verdict::Verdict;
