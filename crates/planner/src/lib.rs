//! The optimiser of a home with batteries: what each battery should do in the time ahead, what that costs, and why.
//!
//! A [`Problem`] says what is known; [`simulate()`] alone says what a plan costs. Pure: no I/O and no clock of our own;
//! the solver behind it watches its time limit.

#![warn(missing_docs)]

mod dynamic;
mod explain;
mod linear;
mod modes;
mod optimise;
mod plan;
mod problem;
pub mod settings;
mod simulate;
mod worth;

pub use explain::{Why, explain, main_reason};
pub use linear::LinearError;
pub use modes::{modes, simulate_modes};
pub use optimise::Method;
pub use plan::{
    FallbackReason, Future, Origin, Plan, Tuning, no_battery, plan, plan_for_futures, self_consumption,
};
pub use problem::{Battery, EndWorth, PerSlot, Pin, Place, Problem, ProblemError, Slot, TaperPoint, Worth};
pub use settings::Settings;
pub use simulate::{Outcome, SlotOutcome, Violation, simulate};
pub use worth::worth;
