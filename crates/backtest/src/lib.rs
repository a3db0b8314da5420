//! What a strategy would have cost: a house's past lived again, step by step, with only what was known at each moment.
//!
//! ```text
//! Home (measured load and sun, true prices, batteries) ---------------+
//!                                                                     v
//! Foresight (prices and colours as of an instant) --> Strategy --modes--> planner's simulator, one step --> Replay
//!                                                         ^                                       |
//!                                                         +------------ what is stored -----------+
//! ```
//!
//! The physics are those of [`ohmstead_planner::simulate_modes`], the rule of the Tempo tariff is the very one that steers
//! a house, and so are load forecast and planner. Pure: no I/O, no clock.

#![warn(missing_docs)]

mod civil;
mod compare;
mod figures;
mod foresight;
mod home;
mod planning;
mod replay;
mod strategy;
mod tempo;

pub use compare::{Comparison, Row};
pub use figures::{Figures, Replay};
pub use foresight::{Foresight, Published};
pub use home::Home;
pub use planning::{Planning, Sun};
pub use replay::{ReplayError, replay};
pub use strategy::Strategy;
pub use tempo::TempoRule;
