//! The rotation, seen from outside.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod day;
mod house;
mod laws;
mod night;
mod rules;
mod sharing;
