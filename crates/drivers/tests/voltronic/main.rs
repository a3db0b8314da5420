//! The Voltronic driver against the simulated inverters, in virtual time: every known bad habit of units and cables, one
//! test each, and a day with all of them.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which may fail loudly")]
#![expect(clippy::print_stderr, reason = "figures are told to whoever looks")]

mod support;

mod day;
mod families;
mod faults;
mod garbage;
mod paths;
mod places;
mod sets;
mod sockets;
mod strangers;
mod transports;
mod variants;
mod writes;
