//! What the next days will bring: what the house will use, learned from its own history, and what its panels will give.
//!
//! Plain functions of their arguments. Powers are in watts, in the project's signs: what the house uses and what the sun
//! gives are both positive. What is expected comes as a [`ohmstead_model::Band`], a mean with quantiles around it.

#![warn(missing_docs)]

mod cells;
pub mod load;
mod quantile;
pub mod solar;

pub use cells::Step;
