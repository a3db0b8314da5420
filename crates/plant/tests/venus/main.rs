//! The simulated GX over real sockets.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod api;
mod bus;
mod common;
mod house;
mod mqtt;
