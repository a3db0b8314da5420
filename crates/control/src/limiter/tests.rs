//! The limits against a simulated inverter, as tables, and as laws.

mod day;
mod house;
mod laws;
mod life;
mod plant;

pub(super) use house::MAX_DISCHARGE;
