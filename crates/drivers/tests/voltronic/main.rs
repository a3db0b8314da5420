//! The Voltronic driver against the simulated inverters, in virtual time.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which may fail loudly")]

mod support;

mod families;
