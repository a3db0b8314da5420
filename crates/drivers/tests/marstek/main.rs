//! The Marstek driver against the simulated batteries: every known bad habit of the units, one test each. The numbers in
//! the names are those of the table of failure behaviours in `docs/marstek.md`.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which may fail loudly")]
#![expect(clippy::print_stderr, reason = "figures and skipped tests are told to whoever looks")]

#[path = "../support/mod.rs"]
mod support;

mod answers;
mod day;
mod garbage;
mod hosts;
mod methods;
mod presence;
mod samples;
mod sockets;
mod values;
mod writes;
