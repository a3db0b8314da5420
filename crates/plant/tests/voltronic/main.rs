//! The simulated inverter: its bytes, its habits, its power stage.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which may fail loudly")]

mod common;

mod contract;
mod energy;
mod faults;
mod modes;
mod pacing;
mod setters;
mod state;
mod vectors;
